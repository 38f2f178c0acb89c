"""Which checkpoints are kept: the newest, the best, and no more than there is room for."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.runs.checkpoints import Checkpoint, best, whole
from tui_ft.runs.directory import UNFINISHED_PREFIX, RunDirectory
from tui_ft.train.checkpoints import remove

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Retention:
    """The newest `keep`, and of those no more than `keep_gib` together; the newest and the best always."""

    keep: int
    keep_gib: float | None = None

    def doomed(self, checkpoints: list[Checkpoint]) -> list[Checkpoint]:
        """Of whole `checkpoints`, newest first, those that are no longer kept, oldest first."""
        newest, top = checkpoints[:1], best(checkpoints)
        kept = [one for one in checkpoints[: max(self.keep, 1)] if one not in newest]
        always = newest + ([top] if top is not None and top not in newest else [])
        kept = [one for one in kept if one not in always]
        if self.keep_gib is not None:
            room = self.keep_gib * GIB - sum(one.bytes for one in always)
            while kept and sum(one.bytes for one in kept) > room:
                kept.pop()  # the oldest of them
        return [one for one in reversed(checkpoints) if one not in always and one not in kept]


def retire(run: RunDirectory, retention: Retention) -> list[str]:
    """Remove what `retention` does not keep; return the names. Raises `OSError`.

    Only whole ones count: a broken one, which a resumed run has passed over, pushes none out, and one that
    a resume from an older checkpoint has put aside is nobody's to remove but a person's.
    """
    removed = []
    for one in retention.doomed(whole(run)):
        # renamed first: a kill in the middle must not leave a half-removed folder under a final name
        aside = one.path.with_name(f"{UNFINISHED_PREFIX}{one.path.name}")
        remove(aside)
        one.path.rename(aside)
        remove(aside)
        removed.append(one.path.name)
    return removed

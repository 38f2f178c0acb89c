"""What the Method screen shows: every method with its estimate on one GPU, and the recommended one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.question import Recommendation
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.gpu_seats import Seat
from tui_ft.vram.shape import ModelShape


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change that needs less memory; `key` applies it, and is "" where there is nothing to apply."""

    key: str
    change: str
    overrides: tuple[str, ...]
    needed_bytes: int
    verdict: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is known beside the spec. `goals` are words of the guide; empty: by the spec's objective.

    `rows` are those that can be trained on, `longest_row` is in tokens; None is not known.
    `wants_advice`: the recommended method is shown with the settings that are recommended, not with the
    spec's own.
    """

    goals: frozenset[str] = frozenset()
    rows: int | None = None
    longest_row: int | None = None
    wants_advice: bool = False


@dataclass(frozen=True, kw_only=True)
class View:
    """One picture of everything, for one spec on one seat. It is made off the event loop.

    `advice` is None where the guide has no answer, for the reason `problem`.
    """

    spec: RunSpec
    shape: ModelShape
    seat: Seat
    rows: Sequence[MethodRow]
    advice: Recommendation | None
    problem: str = ""

    @property
    def recommended(self) -> str | None:
        """The key of the recommended row."""
        return self.advice.method if self.advice is not None else None


def needed(row: MethodRow) -> int | None:
    """The bytes that a method needs; None where no number can be given."""
    return row.estimate.needed_bytes if row.estimate is not None else None

"""What a fix changes in a spec, and what it may not.

A fix stands in a file of the run, and the run may be somebody's copy: it may change how the run trains, never
what it reads, what it executes, or what happens afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Fix
from tui_ft.spec import declarations, overrides, toml
from tui_ft.spec.run_spec import RunSpec

CHANGEABLE = frozenset({"training", "method", "evaluation", "checkpoints"})
"""Sections that a fix may change."""
CHANGEABLE_FIELDS = frozenset({
    "data.max_length", "data.packing", "data.train_on", "data.eval_fraction",
    "model.attention", "model.dtype", "hardware.memory_fraction", "health.silence", "health.stop_on",
})  # fmt: skip
"""Fields of other sections that it may change."""
_NOT_CHANGEABLE = frozenset({"evaluation.probe"})
"""A file that would be read."""
_STOP_AND_GO_ON = "Stop it and go on"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A field of the spec, with what it is and what it would be, as TOML."""

    field: str
    old: str
    new: str

    @property
    def text(self) -> str:
        """`training.batch_size 8 → 4`."""
        return f"{self.field} {self.old} → {self.new}"


def changed(before: RunSpec, fix: Fix) -> RunSpec:
    """Return the spec with the fix in it. Raises `TuiFtError` for what no fix may, or does not suit."""
    for change in fix.changes:
        field = change.partition("=")[0].strip()
        section = field.partition(".")[0]
        if (section not in CHANGEABLE and field not in CHANGEABLE_FIELDS) or field in _NOT_CHANGEABLE:
            raise TuiFtError(
                f"The fix {fix.name} would change {field}, which no fix may.",
                "The run directory is somebody else's, or damaged: change it yourself with --set.",
            )
    return overrides.apply(before, fix.changes)


def diff(before: RunSpec, after: RunSpec) -> tuple[Change, ...]:
    """Every field that differs."""
    found = []
    for section in declarations.sections().values():
        for field in section.fields.values():
            old = getattr(getattr(before, section.name), field.name)
            new = getattr(getattr(after, section.name), field.name)
            if old != new:
                found.append(Change(field=field.path, old=_value(old), new=_value(new)))
    return tuple(found)


def _value(value: object) -> str:
    return "unset" if value is None else toml.format_value(value).strip('"')


def anew_title(title: str) -> str:
    """The title of a fix that cannot go on from a checkpoint, as what it then does."""
    if title.startswith(_STOP_AND_GO_ON):
        return "Stop it and begin again from step 0"
    for start in ("Go on from before it, ", "Go on from before it ", "Go on from before, ", "Go on "):
        if title.lower().startswith(start.lower()):
            return f"Begin again from step 0, {title[len(start) :]}"
    return title

"""Whether a run that was cut off may go on unwatched: it gets further, and is what was asked for."""

from __future__ import annotations

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.moving import MOVABLE
from tui_ft.spec import toml
from tui_ft.spec.run_spec import RunSpec

MOST_IN_VAIN = 2
"""So many attempts in a row may be cut off without getting further: a machine that is taken away again within
minutes is no reason to give up, one that kills every attempt is (our own number).
"""
_AS_ASKED = ("model", "data", "method", "objective", "after")
"""What code runs, on which rows, and what is done at the end."""
_MAY_DIFFER = frozenset({*MOVABLE, "after.budget"})
"""Places are found again, and proved; a budget is raised by whoever pays."""


def against(run: RunDirectory, attempt: int, wanted: RunSpec | None = None) -> str:
    """Why `run`, whose newest attempt was cut off, is not to go on by itself, as a sentence's end; "" when it
    is. `wanted` is the spec that was asked for: without it the one with which the run was first launched.
    """
    return _is_other(run, attempt, wanted) or _in_vain(run, attempt)


def _in_vain(run: RunDirectory, attempt: int) -> str:
    if attempt <= MOST_IN_VAIN:
        return ""  # the first attempt made the checkpoint
    newest = checkpoints.newest(run)
    began = [follow(run, number).began_at for number in range(attempt - MOST_IN_VAIN + 1, attempt + 1)]
    known = [step for step in began if step is not None]
    if newest is not None and known and newest.step > min(known):
        return ""
    where = f"the checkpoint of step {newest.step}" if newest is not None else "where they began"
    return f"its last {MOST_IN_VAIN} attempts were cut off and got no further than {where}"


def _is_other(run: RunDirectory, attempt: int, wanted: RunSpec | None) -> str:
    try:
        asked = toml.load(run.spec) if wanted is None else wanted
        last = toml.load(run.attempt(attempt).spec)
    except TuiFtError as error:
        return f"its spec cannot be read ({error.message.rstrip('.')})"
    fields = [
        f"{section}.{name}"
        for section in _AS_ASKED
        for name, value in msgspec.structs.asdict(getattr(asked, section)).items()
        if f"{section}.{name}" not in _MAY_DIFFER and value != getattr(getattr(last, section), name)
    ]
    return f"its last attempt had another {', '.join(fields)} than was asked for" if fields else ""

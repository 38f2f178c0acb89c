"""Which companions a supervisor has: one line for each."""

from __future__ import annotations

from tui_ft.runs.companions import Companion, Maker
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import StateRecord


def _guard(run: RunDirectory, state: StateRecord) -> Companion | None:
    from tui_ft.runs.guarding.guard import Guard

    return Guard(run, state)


def _queue(run: RunDirectory, state: StateRecord) -> Companion | None:
    from tui_ft.runs.queueing.companion import make

    return make(run, state)


def _budget(run: RunDirectory, state: StateRecord) -> Companion | None:
    from tui_ft.runs.money.budget import Budget

    return Budget(run, state)


def _afterwards(run: RunDirectory, state: StateRecord) -> Companion | None:
    from tui_ft.runs.after.companion import Afterwards

    return Afterwards(run, state)


MAKERS: tuple[Maker, ...] = (_guard, _queue, _budget, _afterwards)

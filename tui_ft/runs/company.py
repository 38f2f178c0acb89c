"""Which companions a supervisor has: one line for each."""

from __future__ import annotations

from tui_ft.runs.companions import Maker

MAKERS: tuple[Maker, ...] = ()

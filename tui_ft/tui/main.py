"""The way into the app from a command: the terminal is checked and set up, then the app runs."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.watch.found import FoundRun

_CALM = {"TEXTUAL_FPS": "30", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""Textual reads these when it is imported: over a slow link every animation is a burst of bytes."""


def run_app(
    runs_root: Path,
    open_run: RunDirectory | None = None,
    *,
    open_found: FoundRun | None = None,
    tour: Sequence[str] | None = None,
) -> None:
    """Run the app until the user leaves it: on `open_run` or `open_found`, on the guided tour (with these
    changes to its run's spec), or at home.

    Raises `TuiFtError` when there is no terminal.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise TuiFtError(
            "The dashboard needs a terminal, and there is none.",
            "Use --no-ui with start and demo, or `tui-ft watch RUN --once` for one reading as text.",
        )
    for name, value in _CALM.items():
        os.environ.setdefault(name, value)
    # with SIGHUP ignored (nohup) the app would outlive its terminal and spin on a dead one
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    gc.disable()  # until the first frame: nothing of what is loaded now can be collected
    from tui_ft.tui.app import TuiFtApp

    app = TuiFtApp(runs_root, open_run, open_found=open_found, tour=tour)
    # without mouse reports the terminal's own selection works, and tmux has nothing to re-assert
    app.run(mouse=os.environ.get("TUI_FT_MOUSE", "") not in ("", "0"))
    if app.return_code:
        raise SystemExit(app.return_code)

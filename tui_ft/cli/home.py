"""`tui-ft` alone: the app. It imports next to nothing, so that the first frame is there at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    import argparse


def open_app(arguments: argparse.Namespace) -> int:
    """Open the home screen."""
    open_home(arguments.runs_root)
    return 0


def open_home(runs_root: str | None) -> None:
    """Open the home screen on the runs root that was given, else on the user's own."""
    require_terminal()
    from tui_ft import settings
    from tui_ft.tui.main import run_app

    run_app(settings.runs_root(runs_root))


def only_runs_root(argv: list[str]) -> tuple[bool, str | None]:
    """Say whether the arguments are of the app alone, and which runs root they name."""
    if not argv:
        return True, None
    if len(argv) == 2 and argv[0] == "--runs-root" and not argv[1].startswith("-"):
        return True, argv[1]
    if len(argv) == 1 and argv[0].startswith("--runs-root="):
        return True, argv[0].partition("=")[2]
    return False, None


def require_terminal() -> None:
    """Raise `TuiFtError` where there is no terminal for the app."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TuiFtError(
            "The app needs a terminal.", "Without one: `tui-ft ls`, `tui-ft watch RUN --once`, or --json."
        )

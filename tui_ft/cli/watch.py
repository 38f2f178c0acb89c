"""`tui-ft` and `tui-ft watch`: the app, or one reading of a run."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tui_ft import settings
from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("watch", parents=[common], help="open the dashboard on a run")
    parser.add_argument("run", metavar="PATH|ID", nargs="?")
    parser.add_argument("--once", action="store_true", help="print one plain reading")
    parser.add_argument("--json", action="store_true", help="print one reading as JSON")
    parser.set_defaults(command=watch)


def watch(arguments: argparse.Namespace) -> int:
    """Show a run: as JSON, as text, or in the app."""
    from tui_ft.runs import directory
    from tui_ft.runs.adopting import adopt_if_orphan

    root = settings.runs_root(arguments.runs_root)
    if arguments.run is None:
        if arguments.json or arguments.once:
            raise TuiFtError("Which run?", "tui-ft watch RUN --json; `tui-ft ls` lists them.")
        return open_app(arguments)
    run = directory.find(root, arguments.run)
    if arguments.json or arguments.once:
        from tui_ft.watch import report
        from tui_ft.watch.sources.tui_ft import TuiFtSource

        source = TuiFtSource(run)
        source.poll()
        while not source.reading.is_complete:
            source.poll()
        if arguments.json:
            print_json(report.as_json(source.reading))
        else:
            print(report.as_text(source.reading))
        adopt_if_orphan(run)
        return 0
    _require_terminal()
    adopt_if_orphan(run)
    from tui_ft.tui.main import run_app

    run_app(root, run)
    return 0


def open_app(arguments: argparse.Namespace) -> int:
    """Open the home screen."""
    _require_terminal()
    from tui_ft.tui.main import run_app

    run_app(settings.runs_root(arguments.runs_root))
    return 0


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise TuiFtError(
            "The app needs a terminal.", "Without one: `tui-ft ls`, `tui-ft watch RUN --once`, or --json."
        )

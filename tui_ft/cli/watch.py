"""`tui-ft` and `tui-ft watch`: the app, or one reading of a run, of all under a folder, or of the box."""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.home import open_app, require_terminal
from tui_ft.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tui_ft.watch.found import FoundRun
    from tui_ft.watch.reading import Reading


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "watch", parents=[common], help="open the dashboard on any run, by whomever it was started"
    )
    parser.add_argument(
        "run",
        metavar="PATH|ID|PID",
        nargs="?",
        help="a run of ours, a file or folder of another's, or a process; without it, what there is",
    )
    parser.add_argument("--once", action="store_true", help="print one plain reading")
    parser.add_argument("--json", action="store_true", help="print one reading as JSON")
    parser.add_argument("--all", action="store_true", help="print every run under PATH, not the first alone")
    parser.set_defaults(command=watch)


def watch(arguments: argparse.Namespace) -> int:
    """Show a run: as JSON, as text, or in the app."""
    root = settings.runs_root(arguments.runs_root)
    is_plain = arguments.json or arguments.once or arguments.all
    if arguments.run is None:
        if not is_plain:
            return open_app(arguments)
        from tui_ft.cli.watch_list import print_box

        return print_box(root, arguments.json)
    if not is_plain:
        require_terminal()
    found = _found(root, arguments.run, says_so=not is_plain)
    if not is_plain:
        return _show(arguments, found)
    readings = [_read(run) for run in ((found, *found.siblings) if arguments.all else (found,))]
    _print(readings, as_json=arguments.json, is_list=arguments.all)
    _adopt(found)
    return 0


def _found(root: Path, text: str, *, says_so: bool = False) -> FoundRun:
    """The run that is meant; the readers of all formats are loaded only when one of ours is not.

    With `says_so` a line tells that it is looking, as long as it does, and keys pressed meanwhile are not
    echoed: they wait for the app.
    """
    from tui_ft.watch.found import found_by_id

    found = found_by_id(root, text)
    if found is None:
        from tui_ft.cli.looking import looking

        with looking(text) if says_so else contextlib.nullcontext():
            from tui_ft.watch.finding import resolve

            found = resolve(root, text)
    return found


def _read(found: FoundRun) -> Reading:
    from tui_ft.watch.foreign_run import open_run
    from tui_ft.watch.report import read_whole

    return read_whole(open_run(found))


def _print(readings: list[Reading], *, as_json: bool, is_list: bool) -> None:
    from tui_ft.watch import report
    from tui_ft.watch.since import since_last_look

    now = time.time()
    told = [(reading, since_last_look(reading, now)) for reading in readings]
    if as_json:
        objects = [report.as_json(reading, since) for reading, since in told]
        print_json(objects if is_list else objects[0])
    else:
        print_lines("\n\n".join(report.as_text(reading, now, since) for reading, since in told).split("\n"))


def _show(arguments: argparse.Namespace, found: FoundRun) -> int:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.main import run_app

    _adopt(found)
    root = settings.runs_root(arguments.runs_root)
    if found.is_ours and not found.siblings:
        run_app(root, RunDirectory(found.path))
    else:
        run_app(root, open_found=found)
    return 0


def _adopt(found: FoundRun) -> None:
    """A run of ours whose supervisor died gets a new one from whoever looks at it."""
    if found.is_ours:
        from tui_ft.runs.adopting import adopt_if_orphan
        from tui_ft.runs.directory import RunDirectory

        adopt_if_orphan(RunDirectory(found.path))

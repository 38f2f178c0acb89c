"""`tui-ft copy`: what a run made, copied to another place and read back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError
from tui_ft.runs.handles import handle


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("copy", parents=[common], help="copy what a run made, and verify the copy")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("target", metavar="DIR", nargs="?", help="default: after.copy_to of the run's spec")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=copy)


def copy(arguments: argparse.Namespace) -> int:
    """Copy, and say where to. Raises `TuiFtError` when it does not come out whole."""
    from tui_ft.runs import directory
    from tui_ft.runs.after.copying import copy_run
    from tui_ft.runs.deeds import clear_finding
    from tui_ft.runs.state import read_state
    from tui_ft.spec import toml
    from tui_ft.user_paths import user_path

    run = directory.find(settings.runs_root(arguments.runs_root), arguments.run)
    attempt = read_state(run).attempt
    written = arguments.target or toml.load(run.attempt(attempt).spec).after.copy_to
    if not written:
        raise TuiFtError(
            f"{run.id} names no folder to copy to.", f"`tui-ft copy {handle(run)} DIR` copies it to one."
        )
    made = copy_run(run, Path.cwd() / user_path(written), attempt)
    clear_finding(run, "copy", "It was copied by hand.")
    if arguments.json:
        document = {"folder": str(made.folder), "bytes": made.size, "files": made.files, "what": made.what}
        print_json({"schema": 1, "id": run.id, **document, "note": made.note})
        return 0
    note = f" Note: {made.note}." if made.note else ""
    size = f"{made.files} files, {made.size / 2**20:.1f} MiB"
    print_lines([f"{run.id}: {made.what} is in {made.folder}, read back and the same ({size}).{note}"])
    return 0

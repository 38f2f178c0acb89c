"""`tui-ft silence`: hear no more of a finding in a run, or hear of it again."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from tui_ft import settings
from tui_ft.cli.printing import print_json
from tui_ft.errors import TuiFtError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("silence", parents=[common], help="hear no more of a finding in a run")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("code", metavar="CODE", help="the finding's word, as `tui-ft why RUN` prints it")
    parser.add_argument("--undo", action="store_true", help="hear of it again")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=silence)


def silence(arguments: argparse.Namespace) -> int:
    """Ask the run's supervisor; it writes the word into the state."""
    from tui_ft.health.finding import Code
    from tui_ft.runs import control, directory
    from tui_ft.runs.handles import handle
    from tui_ft.runs.requests import user_name
    from tui_ft.spec.errors import nearest

    codes = get_args(Code)
    code = arguments.code.strip()
    run = directory.find(settings.runs_root(arguments.runs_root), arguments.run)
    if code not in codes:
        meant = nearest(code, codes)
        hint = f"Did you mean {meant}?" if meant else f"`tui-ft why {handle(run)}` prints those of this run."
        raise TuiFtError(f"{code!r} is no finding.", hint)
    status = control.request(
        run, "silence", by=f"{user_name()} (command)", text=f"-{code}" if arguments.undo else code
    )
    if arguments.json:
        print_json(
            {"schema": 1, "id": run.id, "status": status, "code": code, "silenced": not arguments.undo}
        )
    else:
        print(f"{run.id}: {code} is {'heard again' if arguments.undo else 'silenced for this run'}.")
    return 0

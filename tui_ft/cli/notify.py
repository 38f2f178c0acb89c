"""`tui-ft notify`: a test message to a target of the settings."""

from __future__ import annotations

import argparse
from typing import Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("notify", parents=[common], help="send a test message to [notify.NAME]")
    parser.add_argument("name", metavar="NAME", help="a target in your settings")
    parser.add_argument(
        "text", nargs="?", default="This is a test: nothing has happened.", help="what to say"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=notify)


def notify(arguments: argparse.Namespace) -> int:
    """Send it once; 0 it was taken, 1 it was not. Raises `TuiFtError` for a name that is none."""
    from tui_ft.hardware import host
    from tui_ft.runs.after.notifying import ONCE, Message, tell_all

    targets = settings.private().notify
    if arguments.name not in targets:
        known = ", ".join(targets) or "none"
        raise TuiFtError(
            f"There is no [notify.{arguments.name}] in your settings; there is: {known}.",
            f"Write one into {settings.settings_file()}, such as "
            f'[notify.{arguments.name}] with kind = "ntfy" and topic = "…"; then chmod 600.',
        )
    message = Message(f"tui-ft on {host.hostname()}", arguments.text, facts={"test": True})
    [told] = tell_all([arguments.name], message, ONCE)
    kind = targets[arguments.name].kind
    if arguments.json:
        print_json(
            {"schema": 1, "name": told.name, "kind": kind, "told": not told.problem, "problem": told.problem}
        )
    elif told.problem:
        print_lines([told.sentence])
    elif kind == "bell":
        print_lines([f"{told.name} is a bell: it rings in the app's own terminal while that is open."])
    else:
        print_lines([f"{told.name} ({kind}) took the message."])
    return 1 if told.problem else 0

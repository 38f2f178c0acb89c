"""The parser, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_ft.cli.home import only_runs_root, open_home
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    import argparse

    Command = Callable[[argparse.Namespace], int]


_COMMANDS: dict[str, tuple[str, ...]] = {
    "demo": ("demo",),
    "start": ("start",),
    "runs": ("ls",),
    "watch": ("watch",),
    "control": ("stop", "save", "pause", "set", "resume", "restart"),
    "queue": ("queue",),
    "cost": ("cost",),
    "notify": ("notify",),
    "copy": ("copy",),
    "presets": ("presets",),
    "estimate": ("estimate",),
    "data": ("data",),
    "guide": ("guide",),
    "doctor": ("doctor",),
    "report": ("report",),
    "why": ("why",),
    "silence": ("silence",),
    "prune": ("prune",),
}
"""The modules in the order of the help, each with its commands."""


def parser(command: str = "") -> argparse.ArgumentParser:
    """Build the parser; each command's module adds its own part and names its function as `command`.

    With the name of a command it knows that one alone: the modules of the others are not loaded.
    """
    import argparse
    from importlib import import_module

    from tui_ft import __version__
    from tui_ft.cli import home

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--runs-root", metavar="DIR", default=argparse.SUPPRESS, help="where the runs are (or TUI_FT_RUNS)"
    )
    top = argparse.ArgumentParser(
        prog="tui-ft",
        parents=[common],
        description="Decide, launch and watch the fine-tuning of a language model. Alone: the app.",
    )
    top.add_argument("--version", action="version", version=f"tui-ft {__version__}")
    top.set_defaults(command=home.open_app)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    wanted = [module for module, names in _COMMANDS.items() if command in names]
    for module in wanted or _COMMANDS:
        import_module(f"tui_ft.cli.{module}").add(commands, common)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit code 0 done or yes, 1 no, 2 cannot."""
    try:
        code = _carry_out(sys.argv[1:] if argv is None else argv)
        if sys.stdout:
            sys.stdout.flush()
        return code
    except TuiFtError as error:
        from tui_ft.cli.printing import spelt_out

        print(spelt_out(f"tui-ft: {error.message}"), file=sys.stderr)
        if error.hint:
            print(spelt_out(f"        {error.hint}"), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `tui-ft ls | head`
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print("tui-ft: there is no room left on the disk.", file=sys.stderr)
        return 2


def _carry_out(argv: list[str]) -> int:
    """Open the app without the parser of all commands, where nothing but a runs root is named."""
    is_app, runs_root = only_runs_root(argv)
    if is_app:
        open_home(runs_root)
        return 0
    arguments = parser(_named(argv)).parse_args(argv)
    arguments.runs_root = getattr(arguments, "runs_root", None)
    command: Command = arguments.command
    code = command(arguments)
    _advance_queue(arguments.runs_root)
    return code


def _named(argv: list[str]) -> str:
    """The word where a command stands; an option before it other than a plain runs root leaves it open."""
    rest = argv[2:] if argv[0] == "--runs-root" else argv[argv[0].startswith("--runs-root=") :]
    return rest[0] if rest else ""


def _advance_queue(runs_root: str | None) -> None:
    """Let what waits in the queue go on, should nobody be there any more to see to that (a reboot)."""
    from tui_ft import settings
    from tui_ft.runs.directory import has_queue

    with contextlib.suppress(TuiFtError):  # a command that needs none has done its work
        root = settings.runs_root(runs_root)
        if has_queue(root):
            from tui_ft.runs.queueing.nudging import nudge

            nudge(root, has_changed=False)


def _drop_output() -> None:
    """Have what is still to be written to a stdout that takes no more go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

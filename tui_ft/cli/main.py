"""The parser, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable

from tui_ft import __version__
from tui_ft.cli import control, data, demo, estimate, guide, presets, runs, start, watch
from tui_ft.errors import TuiFtError

Command = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """Build the parser; each command's module adds its own part and names its function as `command`."""
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
    top.set_defaults(command=watch.open_app)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for module in (demo, start, runs, watch, control, presets, estimate, data, guide):
        module.add(commands, common)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; exit code 0 done or yes, 1 no, 2 cannot."""
    arguments = parser().parse_args(argv)
    arguments.runs_root = getattr(arguments, "runs_root", None)
    command: Command = arguments.command
    try:
        code = command(arguments)
        if sys.stdout:
            sys.stdout.flush()
        return code
    except TuiFtError as error:
        print(f"tui-ft: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"        {error.hint}", file=sys.stderr)
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


def _drop_output() -> None:
    """Have what is still to be written to a stdout that takes no more go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

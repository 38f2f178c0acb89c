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


def parser() -> argparse.ArgumentParser:
    """Build the parser; each command's module adds its own part and names its function as `command`."""
    import argparse

    from tui_ft import __version__
    from tui_ft.cli import (
        control,
        copy,
        cost,
        data,
        demo,
        doctor,
        estimate,
        guide,
        home,
        notify,
        presets,
        prune,
        queue,
        report,
        runs,
        silence,
        start,
        watch,
        why,
    )

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
    for module in (
        demo,
        start,
        runs,
        watch,
        control,
        queue,
        cost,
        notify,
        copy,
        presets,
        estimate,
        data,
        guide,
        doctor,
        report,
        why,
        silence,
        prune,
    ):
        module.add(commands, common)
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
    arguments = parser().parse_args(argv)
    arguments.runs_root = getattr(arguments, "runs_root", None)
    command: Command = arguments.command
    code = command(arguments)
    _advance_queue(arguments.runs_root)
    return code


def _advance_queue(runs_root: str | None) -> None:
    """Let what waits in the queue go on, should nobody be there any more to see to that (a reboot)."""
    from tui_ft import settings

    with contextlib.suppress(TuiFtError):  # a command that needs none has done its work
        root = settings.runs_root(runs_root)
        if (root / "queue.json").exists():
            from tui_ft.runs.nudging import nudge

            nudge(root, has_changed=False)


def _drop_output() -> None:
    """Have what is still to be written to a stdout that takes no more go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""`python -m tui_ft.train run RUN --attempt N`: the trainer's process, as the supervisor starts it."""

import argparse
import atexit
import os
import sys
from contextlib import suppress
from pathlib import Path

from tui_ft.train.entry import run_attempt


def main() -> int:
    """Parse and run; exit code 0 finished or stopped, 1 failed, 2 could not begin."""
    parser = argparse.ArgumentParser(prog="python -m tui_ft.train")
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="train one attempt of a run directory")
    run.add_argument("run", type=Path)
    run.add_argument("--attempt", type=int, default=1)
    arguments = parser.parse_args()
    return run_attempt(arguments.run, arguments.attempt)


def leave(code: int) -> None:
    """End the process without taking the interpreter and its libraries apart, which takes seconds in which
    the GPU is held and the run has not ended. What libraries want done at the end is done.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a disk that is full
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())

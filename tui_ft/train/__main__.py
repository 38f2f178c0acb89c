"""`python -m tui_ft.train run RUN --attempt N`: the trainer's process, as the supervisor starts it."""

import argparse
import os
import sys
import threading
from pathlib import Path

from tui_ft.train.download import THREAD
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
    """End the process: a download that was stopped goes on in threads, which must not hold it."""
    if any(thread.name == THREAD for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    leave(main())

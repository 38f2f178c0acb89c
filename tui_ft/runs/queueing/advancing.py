"""Starting what waits in the queue, in its turn: `python -m tui_ft.runs.queueing.advancing ROOT`.

It ends as soon as nobody needs it: when nothing waits, or when the supervisor of the run in front will call
it again at that run's end. It stays and looks while a run waits for memory that somebody else holds, for room
on the disk, or for a launch or a fix that is under way.

A kill at any instant loses nothing and starts nothing twice: a run that waits is a directory with the status
`queued`; it begins under its own lock, with a new status that everybody reads; what queue.json says of it is
mended from that by the next one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.guarded_file import open_lock, take
from tui_ft.runs.queueing.nudging import advance_lock
from tui_ft.runs.queueing.queue_file import WaitsFor
from tui_ft.runs.queueing.serving import say, serve

STAYS_S = 24 * 3600.0
"""For so long it stays; then the next command goes on."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 30.0
_LAUNCH_PAUSE_S = 2.0
_TICK_S = 1.0
_LOCK_S = 0.3
"""Whoever asks whether somebody is at it holds the lock for some microseconds."""


def advance(root: Path, trainer: Sequence[str] | None = None) -> WaitsFor:
    """Start every run of the queue whose turn it is, without waiting; return what the next waits for.

    "" means that nothing waits any more, that nothing is to start, or that another process sees to it.
    `trainer` replaces the trainer's command. Raises `TuiFtError` where the queue cannot be used.
    """
    try:
        descriptor = open_lock(advance_lock(root))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise TuiFtError(f"The queue of {root} cannot be advanced: {why}.") from error
    try:
        return serve(root, trainer) if take(descriptor, _LOCK_S) else ""
    finally:
        os.close(descriptor)


def stay(root: Path, trainer: Sequence[str] | None = None, stays_s: float = STAYS_S) -> None:
    """Advance the queue until nobody needs us; at once back where another process is at it already.

    Raises `TuiFtError` and `OSError` where the runs root cannot be used.
    """
    give_up = time.monotonic() + stays_s
    while True:
        descriptor = open_lock(advance_lock(root))
        try:
            if not take(descriptor, _LOCK_S):
                return  # that one was poked before we came, and looks again
            poked = _advance_patiently(root, descriptor, give_up, trainer)
        finally:
            os.close(descriptor)
        if _stamp(advance_lock(root)) == poked:
            return  # else somebody saw us at it, and left it to us


def _advance_patiently(root: Path, descriptor: int, give_up: float, trainer: Sequence[str] | None) -> int:
    """Look, and again while the first run waits for what nobody tells us of; return the stamp of the last
    poke seen.
    """
    pause = _FIRST_PAUSE_S
    while True:
        poked = os.fstat(descriptor).st_mtime_ns
        waits_for = serve(root, trainer)
        if waits_for in ("", "run") or time.monotonic() >= give_up:
            return poked
        _sleep(_LAUNCH_PAUSE_S if waits_for == "launch" else pause, descriptor, poked)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _sleep(seconds: float, descriptor: int, poked: int) -> None:
    """Sleep, but no longer than until somebody pokes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.fstat(descriptor).st_mtime_ns == poked:
        time.sleep(min(_TICK_S, max(0.0, end - time.monotonic())))


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def main(arguments: Sequence[str]) -> int:
    """See the module's docstring; exit code 0, or 2 where the queue cannot be used."""
    parser = argparse.ArgumentParser(prog="tui_ft.runs.queueing.advancing", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--detach", action="store_true", help="leave our parent at once")
    parser.add_argument("--after", type=float, default=0.0, metavar="S", help="begin so many seconds later")
    options = parser.parse_args(arguments)
    if options.detach and os.fork() > 0:
        os._exit(0)
    os.umask(0o077)
    time.sleep(options.after)
    try:
        stay(options.root)
    except (TuiFtError, OSError) as error:
        say(f"The queue was not advanced: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The process that stays with a run: starts or adopts the trainer, passes requests on, writes how it ended.

Started by `tui_ft.runs.spawn` as `python -m tui_ft.runs.supervisor RUN --attempt N …`. It must stay small
(no training library, no user interface) and must outlive terminals, full disks and its own starter.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.saying import say
from tui_ft.runs.state import read_state
from tui_ft.runs.supervision import Supervisor
from tui_ft.runs.truth import living_trainer


def supervise(options: argparse.Namespace, ready: int | None) -> None:
    """Do the whole job. Raises `TuiFtError` before the run is ours; afterwards the state tells."""
    run = RunDirectory(Path(options.run))
    lock = locks.inherited(run, options.lock_fd) if options.lock_fd is not None else locks.acquire(run)
    state = read_state(run)
    supervisor = Supervisor(run, options.attempt, state)
    supervisor.listen()
    adopted = living_trainer(run, state)
    if adopted is not None and not options.adopt:
        raise TuiFtError(
            f"The run {run.id} still has a trainer, process {adopted.pid}.",
            "Stop it first: two trainers would spoil each other's files.",
            exit_code=1,
        )
    supervisor.enter()
    trainer = supervisor.adopt(adopted) if adopted is not None else None
    if ready is not None:
        _answer(ready, b"ok")
        os.close(ready)
    if trainer is None and not options.adopt:
        trainer = supervisor.start(options.trainer)
    elif trainer is None:
        supervisor.settle()
    if trainer is not None:
        supervisor.watch(trainer)
    lock.close()


def _answer(ready: int, text: bytes) -> None:
    """Tell our starter; one that was killed meanwhile must not take the run with it."""
    with contextlib.suppress(BrokenPipeError):
        os.write(ready, text)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tui_ft.runs.supervisor", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--trainer", type=json.loads, help="the trainer's command, as a JSON list")
    parser.add_argument("--adopt", action="store_true", help="go on with the trainer that runs already")
    parser.add_argument("--lock-fd", type=int, help="the descriptor of the lock that is held for us")
    parser.add_argument("--ready-fd", type=int, help="where to write ok, or what is wrong")
    parser.add_argument("--detach", action="store_true", help="leave our parent at once")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Supervise a run; the exit code is 0 whatever became of the run, 2 when it could not be taken."""
    options = _options(arguments)
    if options.detach and os.fork() > 0:
        os._exit(0)  # our starter waits for us alone, so the supervisor is nobody's zombie
    os.umask(0o077)  # the trainer's files too are their owner's alone
    ready: int | None = options.ready_fd
    if ready is not None:
        os.set_inheritable(ready, False)
    try:
        supervise(options, ready)
    except TuiFtError as error:
        if ready is None:
            say(str(error))
        else:
            _answer(ready, f"{error.message}\n{error.hint}".encode())
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m tui_ft.train.probe`: what a run takes, measured in its heaviest steps; nothing is left behind.

It reads a request from stdin, `{"schema": 1, "spec": TOML}`, and writes one JSON object to stdout; progress
goes to stderr, a JSON object a line. Exit code 0: measured, also when the GPU ran out of memory, which is
an answer too; 2: it could not be measured, and the last line of stderr is `{"error": …, "hint": …}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import BeatEvent, Event, PhaseEvent
from tui_ft.spec import toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.failures import cause_of
from tui_ft.train.journal import Journal
from tui_ft.train.stopping import StopFlag, StopRequested

if TYPE_CHECKING:
    from tui_ft.train.probe_session import ProbeSession

SCHEMA = 1
RAN_OUT = ("cuda_oom",)


class AtOnce(StopFlag):
    """A stop that never waits for a step's edge: there is nothing to save."""

    def open(self, window: type[BaseException]) -> None:
        super().open(StopRequested)

    def close(self) -> None:
        self.check()


class ProbeJournal(Journal):
    """A journal whose phases and beats are also told to whoever waits for the probe."""

    def __init__(self, run: RunDirectory, tell: IO[str]) -> None:
        self._tell = tell
        super().__init__(run)

    def event(self, event: Event) -> None:
        super().event(event)
        if isinstance(event, PhaseEvent):
            self._line(event.phase, 0, 0)
        elif isinstance(event, BeatEvent):
            self._line(event.phase, event.done or 0, event.total or 0)

    def say(self, text: str) -> None:
        """Nobody reads a log of it."""

    def _line(self, step: str, done: int, total: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            line = json.dumps({"step": step, "done": done, "total": total})
            print(line, file=self._tell, flush=True)


def probe(spec: RunSpec, tell: IO[str], stop: StopFlag) -> dict[str, Any]:
    """Run the heaviest steps of `spec` on the GPU and return what they took, in bytes.

    Raises `TuiFtError` where nothing can be measured: no GPU, weights that are not here.
    """
    stop.open(StopRequested)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tui-ft-probe-") as folder:
        run = directory.create(Path(folder), "probe")
        run.attempt(1).path.mkdir(mode=0o700)
        journal = ProbeJournal(run, tell)
        try:
            found = _measured(spec, run, journal, stop)
        finally:
            journal.close()
    return found | {"seconds": round(time.monotonic() - began, 2)}


def _measured(spec: RunSpec, run: RunDirectory, journal: Journal, stop: StopFlag) -> dict[str, Any]:
    from tui_ft.train.entry import prepare_environment

    prepare_environment(spec)
    journal.enter("loading libraries")
    from tui_ft.train.probe_session import ProbeSession

    session = ProbeSession(run, 1, spec, None, journal, stop)
    ran_out: str | None = None
    try:
        session.measure()
    except Exception as error:
        cause, message = cause_of(error)
        if cause not in RAN_OUT:
            raise
        ran_out = message
    session.close()
    return _answer(session, ran_out)


def _answer(session: ProbeSession, ran_out: str | None) -> dict[str, Any]:
    memory = session.meter.last if session.meter is not None else None
    if memory is None:
        raise TuiFtError(ran_out or "Nothing was measured.", "Try again, or start the run itself.")
    peaks = msgspec.to_builtins(memory)
    del peaks["event"], peaks["time"]
    return {
        "schema": SCHEMA,
        **peaks,
        "phase": session.journal.phase if ran_out else memory.phase,
        "ran_out": ran_out,
        "batch_size": session.spec.training.batch_size,
        "gradient_accumulation": session.spec.training.gradient_accumulation,
        "is_evaluated": "evaluating" in memory.phases,
        "is_made_up": session.is_made_up,
    }


def main() -> int:
    """Answer the request on stdin; the libraries' own output goes to stderr."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    stop = AtOnce()
    stop.install()
    try:
        spec = toml.loads(json.load(sys.stdin)["spec"])
        found = probe(spec, sys.stderr, stop)
    except StopRequested:
        return _fail("The probe was stopped.", "")
    except TuiFtError as error:
        return _fail(error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - whatever the libraries raise is told in one line
        traceback.print_exc()
        return _fail(cause_of(error)[1], "The lines above say where it happened.")
    answer.write(json.dumps(found) + "\n")
    answer.close()
    return 0


def _fail(message: str, hint: str) -> int:
    line = json.dumps({"error": message, "hint": hint})
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the protocol
    return 2


if __name__ == "__main__":
    sys.exit(main())

"""The process that stays with a run: starts or adopts the trainer, passes requests on, writes how it ended.

Started by `tui_ft.runs.spawn` as `python -m tui_ft.runs.supervisor RUN --attempt N …`. It must stay small
(no training library, no user interface) and must outlive terminals, full disks and its own starter.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host, processes
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import TAIL_BYTES, Seen, judge
from tui_ft.runs.following import EventFollower
from tui_ft.runs.records import ExitRecord, JsonLinesWriter, ProcessRecord, StateRecord, Status
from tui_ft.runs.requests import clear_requests, read_requests
from tui_ft.runs.sampling import HardwareSampler
from tui_ft.runs.state import StateFile, read_state
from tui_ft.runs.trainer_process import ProcessEnd, TrainerProcess, start_trainer
from tui_ft.runs.truth import living_trainer

POLL_S = 1.0
_LAST_WRITE_S = 60.0
"""For how long a full disk may keep the final state waiting before it is written in place."""


class Supervisor:
    """One attempt of one run, from its start (or adoption) to its end. Holds the lock meanwhile."""

    def __init__(self, run: RunDirectory, attempt: int, state: StateRecord) -> None:
        self._run = run
        self._attempt = attempt
        self._state = StateFile(run, state)
        self._follower = EventFollower(run, attempt)
        self._oom_kills = host.oom_kills()
        self._is_stop_sent = False
        self._is_killed_now = False
        self._preempted = False
        self._termed = False
        self._rows_lost = 0
        self._wakeup, self._wakeup_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def listen(self) -> None:
        """Take signals over. SIGHUP is for terminals, which a run does not depend on."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, self._on_term)
        signal.signal(signal.SIGCONT, lambda number, frame: None)  # a poke: there is a request to read
        signal.set_wakeup_fd(self._wakeup_in, warn_on_full_buffer=False)

    def enter(self) -> None:
        """Write ourselves into the state: from here on the run has a supervisor."""
        place, me = host.here(), os.getpid()
        record = ProcessRecord(role="supervisor", pid=me, start_time=processes.start_time(me) or 0)
        others = [process for process in self._state.record.processes if process.role != "supervisor"]
        self._state.update(
            host=place.host,
            boot_id=place.boot_id,
            pid_namespace=place.pid_namespace,
            processes=[record, *others],
        )

    def start(self, command: Sequence[str]) -> TrainerProcess | None:
        """Start the trainer; None when it cannot be started, which ends the run."""
        try:
            trainer = start_trainer(self._run, self._attempt, command)
        except OSError as error:
            reason = f"The trainer cannot be started: {command[0]}: {os.strerror(error.errno or 0)}."
            self._end("failed", ExitRecord(cause="error", message=reason))
            return None
        self._state.update(processes=[*self._state.record.processes, trainer.record])
        return trainer

    def adopt(self, record: ProcessRecord) -> TrainerProcess:
        """Go on with a trainer whose supervisor died."""
        others = [process for process in self._state.record.processes if process.role == "supervisor"]
        self._state.update(processes=[*others, record], reason=None)
        self._is_stop_sent = self._state.record.status == "stopping"
        return TrainerProcess(record, is_child=False)

    def watch(self, trainer: TrainerProcess) -> None:
        """Stay until the trainer has ended, then write down how."""
        sampler = HardwareSampler(self._run, self._state.record.gpus, trainer.pid)
        writer = self._open_hardware()
        while (ended := trainer.poll()) is None:
            self._follower.poll()
            self._obey(trainer)
            self._mirror()
            row = sampler.sample(time.time())
            if row is not None and writer is not None:
                self._append(writer, row)
            self._wait(trainer)
        self._follower.poll()
        end = self._follower.end
        if ended.code != 0 and (end is None or end.cause not in ("finished", "stopped")):
            trainer.kill_group()  # data loaders of a dead trainer hold memory and GPU
        trainer.release()
        self._finish(ended)
        sampler.close()
        if writer is not None:
            self._close(writer)

    # --- while it runs ------------------------------------------------------------------------------

    def _obey(self, trainer: TrainerProcess) -> None:
        """Pass on what is asked of the run. Save, pause and the like are the trainer's own to read."""
        stop = read_requests(self._run).get("stop")
        if stop is not None:
            self._state.update(stop_requested_by=stop.by or "somebody", status="stopping")
            if stop.now and not self._is_killed_now:
                self._is_killed_now = True
                trainer.kill_group()
        if self._termed and not self._preempted:
            self._preempted = True
            self._state.update(status="stopping", reason="the machine asked the run to end (SIGTERM)")
        if (stop is not None or self._preempted) and not self._is_stop_sent:
            self._is_stop_sent = True
            trainer.send(signal.SIGTERM)

    def _mirror(self) -> None:
        is_stopping = self._state.record.status == "stopping"
        self._state.update(
            status="stopping" if is_stopping else self._follower.status,
            total_steps=self._follower.total_steps or self._state.record.total_steps,
        )
        self._state.write()

    def _wait(self, trainer: TrainerProcess) -> None:
        """Sleep until the next second, or until the trainer ends or a signal comes."""
        waiting = select.poll()
        waiting.register(self._wakeup, select.POLLIN)
        descriptor = trainer.fileno()
        if descriptor is not None:
            waiting.register(descriptor, select.POLLIN)
        waiting.poll(POLL_S * 1000)
        try:
            os.read(self._wakeup, 512)
        except BlockingIOError:
            return  # the second is over, or the trainer

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        self._termed = True

    # --- hardware rows ------------------------------------------------------------------------------

    def _open_hardware(self) -> JsonLinesWriter | None:
        try:
            return JsonLinesWriter(self._run.hardware)
        except OSError:
            return None  # the run is worth more than its hardware curve

    def _append(self, writer: JsonLinesWriter, row: object) -> None:
        try:
            writer.write(row)  # type: ignore[arg-type]
        except OSError:
            self._rows_lost += 1

    def _close(self, writer: JsonLinesWriter) -> None:
        try:
            writer.close()
        except OSError:
            self._rows_lost += 1
        lost = writer.dropped + self._rows_lost
        if lost:
            _say(f"tui-ft: {lost} rows of {self._run.hardware.name} could not be written.")

    # --- the end ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Write down the end of a trainer that is gone already."""
        self._follower.poll()
        self._finish(ProcessEnd())

    def _finish(self, ended: ProcessEnd) -> None:
        stop = read_requests(self._run).get("stop")
        if stop is not None:
            self._state.update(stop_requested_by=stop.by or "somebody")
        oom_kills = (host.oom_kills() or 0) - (self._oom_kills or 0)
        status, record = judge(
            Seen(
                process=ended,
                end=self._follower.end,
                stop_asked=self._state.record.stop_requested_by is not None,
                killed_now=self._is_killed_now,
                preempted=self._preempted,
                oom_kills=oom_kills,
                tail=_output_tail(self._run),
                saved_step=self._follower.saved_step,
            )
        )
        self._end(status, record)

    def _end(self, status: Status, record: ExitRecord) -> None:
        """Write the last state, whatever the disk says, and take the requests away that nobody will read."""
        self._state.update(
            status=status,
            reason=None,
            exit=record,
            ended_at=time.time(),
            total_steps=self._follower.total_steps or self._state.record.total_steps,
        )
        give_up = time.monotonic() + _LAST_WRITE_S
        while not self._state.write():
            if self._state.write_in_place() or time.monotonic() > give_up:
                break
            time.sleep(POLL_S)
        clear_requests(self._run)


def _output_tail(run: RunDirectory) -> str:
    try:
        with open(run.output, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _say(text: str) -> None:
    """Into output.log, which is our standard error; a full disk swallows it."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        return


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
        os.write(ready, b"ok")
        os.close(ready)
    if trainer is None and not options.adopt:
        trainer = supervisor.start(options.trainer)
    elif trainer is None:
        supervisor.settle()
    if trainer is not None:
        supervisor.watch(trainer)
    lock.close()


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
            _say(str(error))
        else:
            os.write(ready, f"{error.message}\n{error.hint}".encode())
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

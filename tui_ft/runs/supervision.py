"""What a supervisor does with its trainer: follow, obey, sample, and write down how it ended."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Sequence
from types import FrameType

from tui_ft.hardware import host, processes
from tui_ft.runs.attempt_output import of_newest_attempt
from tui_ft.runs.companions import Companions, Sight
from tui_ft.runs.company import MAKERS
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import TAIL_BYTES, Seen, judge
from tui_ft.runs.following import EventFollower
from tui_ft.runs.hardware_log import HardwareLog
from tui_ft.runs.records import (
    ExitRecord,
    HardwareRow,
    ProcessRecord,
    StateRecord,
    Status,
)
from tui_ft.runs.requests import clear_requests, read_requests
from tui_ft.runs.sampling import HardwareSampler
from tui_ft.runs.saying import say
from tui_ft.runs.state import StateFile
from tui_ft.runs.trainer_process import ProcessEnd, TrainerProcess, start_trainer
from tui_ft.runs.vanishing import Vanishing

POLL_S = 1.0
_FIRST_POLL_S, _FIRST_S = 0.1, 10.0
"""Somebody looks on while a run begins: at first the files are read more often."""
_LITTLE_BYTES = 1 << 16
"""With less room than this, what the trainer wanted to say last may not have been written."""
_LAST_WORD_S = 60.0
"""A trainer has nothing left to do after its last word, and takes no signal any more: it is given so long."""
_LAST_WRITE_S = 60.0
"""For how long a full disk may keep the final state waiting before it is written in place."""


MOVER = "whoever moved its directory"
"""Who asked for the stop, as the state has it."""


class Supervisor:
    """One attempt of one run, from its start (or adoption) to its end. Holds the lock meanwhile."""

    def __init__(self, run: RunDirectory, attempt: int, state: StateRecord) -> None:
        self._run = run
        self._attempt = attempt
        self._state = StateFile(run, state)
        self._follower = EventFollower(run, attempt)
        self._oom_kills = host.oom_kills()
        self._is_stop_sent = False
        self._is_moved = False
        self._is_killed_now = False
        self._preempted = False
        self._signals: set[int] = set()
        self._spoke_at: float | None = None
        self._is_killed_after_word = False
        self._began = time.monotonic()
        self._companions = Companions(run, state, MAKERS, say)
        self._hardware: HardwareRow | None = None
        self._vanishing = Vanishing(run)
        self._wakeup, self._wakeup_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def listen(self) -> None:
        """Take signals over. SIGHUP is for terminals, which a run does not depend on.

        SIGTERM is the machine's, which ends. SIGINT and SIGQUIT are `stop` and `stop --now` on a disk so full
        that no request can be written.
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCONT, lambda number, frame: None)  # a poke: there is a request to read
        signal.set_wakeup_fd(self._wakeup_in, warn_on_full_buffer=False)

    def enter(self) -> None:
        """Write ourselves into the state: from here on the run has a supervisor."""
        self._state.sweep()
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
        return TrainerProcess(record, is_child=False)

    def watch(self, trainer: TrainerProcess) -> None:
        """Stay until the trainer has ended, then write down how."""
        sampler = HardwareSampler(self._run, self._state.record.gpus, trainer.pid)
        log = HardwareLog(self._run, say)
        while (ended := trainer.poll()) is None:
            self._follower.poll()
            self._obey(trainer)
            self._mirror()
            log.append(sampler.sample(time.time()))
            self._hardware = sampler.latest
            self._state.update(**self._companions.poll(self._sight(trainer.pid)))
            self._heed_directory(trainer)
            self._end_after_last_word(trainer)
            self._wait(trainer)
        self._follower.poll()
        end = self._follower.end
        if ended.code != 0 and (end is None or end.cause not in ("finished", "stopped")):
            trainer.kill_group()  # data loaders of a dead trainer hold memory and GPU
        trainer.release()
        self._finish(ended)
        sampler.close()
        log.close()

    def _sight(self, trainer_pid: int = 0) -> Sight:
        return Sight(
            now=time.time(),
            monotonic=time.monotonic(),
            state=self._state.record,
            follower=self._follower,
            hardware=self._hardware,
            trainer_pid=trainer_pid,
        )

    # --- while it runs ------------------------------------------------------------------------------

    def _obey(self, trainer: TrainerProcess) -> None:
        """Pass on what is asked of the run. Save, pause and the like are the trainer's own to read."""
        stop = read_requests(self._run).get("stop")
        by_signal = not self._signals.isdisjoint((signal.SIGINT, signal.SIGQUIT))
        if stop is not None or by_signal:
            asked_by = stop.by if stop is not None else "a signal"
            self._state.update(stop_requested_by=asked_by or "somebody", status="stopping")
        is_urgent = (stop is not None and stop.now) or self._companions.has_asked_to_kill
        if (is_urgent or signal.SIGQUIT in self._signals) and not self._is_killed_now:
            self._is_killed_now = True
            trainer.kill_group()
        if signal.SIGTERM in self._signals and not self._preempted:
            self._preempted = True
            self._state.update(status="stopping", reason="the machine asked the run to end (SIGTERM)")
        if self._state.record.status == "stopping" and not self._is_stop_sent:
            self._is_stop_sent = True
            trainer.send(signal.SIGTERM)

    def _mirror(self) -> None:
        is_stopping = self._state.record.status == "stopping"
        self._state.update(
            status="stopping" if is_stopping else self._follower.status,
            total_steps=self._follower.total_steps or self._state.record.total_steps,
        )
        self._state.write()

    def _heed_directory(self, trainer: TrainerProcess) -> None:
        """End what nobody can want any more; let one that was moved save to where its files are, and stop."""
        if self._vanishing.is_for_good(time.monotonic()):
            trainer.kill_group()  # its files are nowhere: it would hold the GPU for nothing
        elif not self._is_moved and (place := self._vanishing.moved_to()) is not None:
            self._is_moved = True
            self._vanishing.leave_link(place)
            reason = f"its directory was moved to {place}"
            self._state.update(
                status="stopping",
                stop_requested_by=self._state.record.stop_requested_by or MOVER,
                reason=reason,
            )
            say(f"tui-ft: {reason}: the trainer is asked to save and stop.")

    def _end_after_last_word(self, trainer: TrainerProcess) -> None:
        """One that hangs in its own end would hold the GPU, and the queue, for ever."""
        if self._follower.end is None:
            self._spoke_at = None
        elif self._spoke_at is None:
            self._spoke_at = time.monotonic()
        elif time.monotonic() - self._spoke_at >= _LAST_WORD_S and not self._is_killed_after_word:
            self._is_killed_after_word = True
            trainer.kill_group()

    def _wait(self, trainer: TrainerProcess) -> None:
        """Sleep until the next second, or until the trainer ends or a signal comes."""
        waiting = select.poll()
        waiting.register(self._wakeup, select.POLLIN)
        descriptor = trainer.fileno()
        if descriptor is not None:
            waiting.register(descriptor, select.POLLIN)
        is_new = time.monotonic() - self._began < _FIRST_S
        waiting.poll((_FIRST_POLL_S if is_new else POLL_S) * 1000)
        try:
            os.read(self._wakeup, 512)
        except BlockingIOError:
            return  # the second is over, or the trainer

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals.add(number)

    # --- the end ------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Write down the end of a trainer that is gone already."""
        self._follower.poll()
        self._finish(ProcessEnd())

    def _finish(self, ended: ProcessEnd) -> None:
        stop = read_requests(self._run).get("stop")
        if stop is not None:
            self._state.update(stop_requested_by=stop.by or "somebody")
        elif self._state.record.stop_requested_by is None:
            self._state.update(stop_requested_by=self._follower.stopped_by)  # a guard inside the trainer
        oom_kills = (host.oom_kills() or 0) - (self._oom_kills or 0)
        status, record = judge(
            Seen(
                process=ended,
                end=self._follower.end,
                stop_asked=self._state.record.stop_requested_by is not None,
                killed_now=self._is_killed_now,
                killed_after_word=self._is_killed_after_word,
                preempted=self._preempted,
                oom_kills=oom_kills,
                tail=_output_tail(self._run),
                saved_step=self._follower.saved_step,
                is_disk_full=_is_disk_full(self._run),
            )
        )
        self._end(status, record)

    def _end(self, status: Status, record: ExitRecord) -> None:
        """Write the last state, whatever the disk says, and take the requests away that nobody will read.

        Before, so that whoever sees the end sees an empty folder; after, for one that came in between.
        """
        clear_requests(self._run)
        self._state.update(
            status=status,
            reason=None,
            exit=record,
            ended_at=time.time(),
            total_steps=self._follower.total_steps or self._state.record.total_steps,
        )
        give_up = time.monotonic() + _LAST_WRITE_S
        while not self._state.write():
            is_nowhere = self._vanishing.is_for_good(time.monotonic())
            if self._state.write_in_place() or is_nowhere or time.monotonic() > give_up:
                break
            time.sleep(POLL_S)
        clear_requests(self._run)
        self._state.update(**self._companions.ended(self._sight(), status, record))
        self._companions.close()
        self._vanishing.close()


def _is_disk_full(run: RunDirectory) -> bool:
    free_bytes = host.disk(run.path).free_bytes
    return free_bytes is not None and free_bytes < _LITTLE_BYTES


def _output_tail(run: RunDirectory) -> str:
    try:
        with open(run.output, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read(TAIL_BYTES).decode("utf-8", "replace").split("\n")
            return "\n".join(of_newest_attempt(lines))
    except OSError:
        return ""

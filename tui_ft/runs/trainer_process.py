"""The trainer as a process: started in a session of its own, signalled without mistaking a reused pid."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from tui_ft.hardware import processes
from tui_ft.runs.attempt_output import opening_line
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ProcessRecord


class ProcessEnd(NamedTuple):
    """How the trainer ended: an exit code or a signal; both None for one that was not our child."""

    code: int | None = None
    signal: int | None = None


class TrainerProcess:
    """A trainer that runs: our child, or one adopted from a supervisor that died."""

    def __init__(self, record: ProcessRecord, *, is_child: bool) -> None:
        self.record = record
        self._is_child = is_child
        try:
            self._descriptor: int | None = os.pidfd_open(record.pid)
        except (OSError, AttributeError):  # a kernel without pidfd: poll() alone tells
            self._descriptor = None

    @property
    def pid(self) -> int:
        return self.record.pid

    def fileno(self) -> int | None:
        """A descriptor that becomes readable when the trainer ends; None on kernels without pidfd."""
        return self._descriptor

    def poll(self) -> ProcessEnd | None:
        """Return how it ended, None while it lives. Its zombie stays until `release`."""
        if not self._is_child:
            alive = processes.is_alive(self.record.pid, self.record.start_time)
            return None if alive else ProcessEnd()
        result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if result is None:
            return None
        if result.si_code == os.CLD_EXITED:
            return ProcessEnd(code=result.si_status)
        return ProcessEnd(signal=result.si_status)

    def send(self, number: signal.Signals) -> None:
        """Signal the trainer alone, if it still lives; one that is suspended is let go on to obey."""
        self._send(number)
        if processes.is_suspended(self.pid, self.record.start_time):
            self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        try:
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            elif processes.is_alive(self.record.pid, self.record.start_time):
                os.kill(self.pid, number)
        except ProcessLookupError:
            return  # it ended first: poll() says so

    def kill_group(self) -> None:
        """SIGKILL the trainer and all it started; after its death, what it left behind.

        The pid of a zombie or of a group that still has members is not given out again; only an empty
        group's could be, and then its new bearer has another start time.
        """
        now = processes.start_time(self.pid)
        if now is not None and now != self.record.start_time:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left

    def release(self) -> None:
        """Reap the zombie of our child and let go of the descriptor. Call once, after the end."""
        if self._is_child:
            os.waitpid(self.pid, 0)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def start_trainer(run: RunDirectory, attempt: int, command: Sequence[str]) -> TrainerProcess:
    """Start `command run RUN --attempt N` in its own session, its output appended to output.log.

    It inherits no descriptor of ours, so that neither the lock nor a terminal hangs on its life.
    Raises `OSError` when it cannot be started.
    """
    output = os.open(run.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # a full disk holds no training back
            os.write(output, opening_line(attempt).encode())
        child = subprocess.Popen(
            [*command, *trainer_arguments(run, attempt)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=run.path,
            start_new_session=True,
            close_fds=True,
        )
    finally:
        os.close(output)
    child.returncode = 0  # we wait by waitid: Popen must not reap it or warn of it
    record = ProcessRecord(role="trainer", pid=child.pid, start_time=_start_time(child.pid))
    return TrainerProcess(record, is_child=True)


def trainer_arguments(run: RunDirectory, attempt: int) -> list[str]:
    """What follows the trainer's command; it also tells a trainer of this attempt among all processes."""
    return ["run", str(run.path), "--attempt", str(attempt)]


def _start_time(pid: int) -> int:
    """A child that is dead already has its zombie still, but no start time: 0 is never alive."""
    return processes.start_time(pid) or 0

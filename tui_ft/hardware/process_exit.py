"""How a process ended that is not our child: the kernel tells whoever held a descriptor of it."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tui_ft.hardware import processes

_INFO = struct.Struct("=QQ11Ii")
"""struct pidfd_info of linux/pidfd.h, version 0: mask, cgroup, eleven ids, exit code."""
_GET_INFO = 3 << 30 | _INFO.size << 16 | 0xFF << 8 | 11
"""PIDFD_GET_INFO, _IOWR(0xFF, 11); since Linux 6.13."""
_EXIT = 1 << 3
"""PIDFD_INFO_EXIT: what became of a process that was reaped; since Linux 6.15."""
_EXIT_CODE = 49
"""Place in /proc/<pid>/stat, counted as in `hardware.processes`: a zombie's wait status."""


class ProcessExit(NamedTuple):
    """How a process ended: by an exit code or by a signal; both None where the kernel does not tell."""

    code: int | None = None
    signal: int | None = None


class ExitWatch:
    """Watches one process, of any parent; `pid` and `started` (clock ticks since boot) say which."""

    def __init__(self, pid: int, started: int) -> None:
        self.pid, self.started = pid, started
        self._exit: ProcessExit | None = None
        self._descriptor: int | None = None
        with suppress(OSError, AttributeError):  # gone, or a system without pidfd: /proc alone tells
            self._descriptor = os.pidfd_open(pid)
        if self._descriptor is not None and not processes.is_alive(pid, started):
            self.close()  # the pid is another's by now

    def poll(self) -> ProcessExit | None:
        """Return how it ended; None while it lives. Never raises."""
        if self._exit is None and not processes.is_alive(self.pid, self.started):
            self._exit = self._from_zombie() or self._from_descriptor() or ProcessExit()
            self.close()
        return self._exit

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _from_descriptor(self) -> ProcessExit | None:
        if self._descriptor is None:
            return None
        told = bytearray(_INFO.pack(_EXIT, *[0] * 13))
        try:
            fcntl.ioctl(self._descriptor, _GET_INFO, told)
        except OSError:  # an older kernel
            return None
        mask, *_, status = _INFO.unpack(told)
        return _judge(status) if mask & _EXIT else None

    def _from_zombie(self) -> ProcessExit | None:
        """One that nobody has waited for yet still says how it ended, to its own user."""
        fields = processes.zombie_fields(self.pid, self.started)
        if fields is None or len(fields) <= _EXIT_CODE:
            return None
        status = int(fields[_EXIT_CODE])
        # the kernel shows 0 to those who may not know it
        return _judge(status) if status or os.geteuid() in (0, _owner(self.pid)) else None


def _judge(status: int) -> ProcessExit:
    """Take a wait status apart."""
    status &= 0xFFFF
    number = status & 0x7F
    return ProcessExit(signal=number) if number else ProcessExit(code=status >> 8)


def _owner(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None

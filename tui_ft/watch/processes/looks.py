"""What one process gives away: its command line once, its libraries until found, its files every time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tui_ft.hardware import processes
from tui_ft.hardware.processes import ProcessStat
from tui_ft.watch.processes.commands import Command, judge, may_train
from tui_ft.watch.processes.run_files import RunFiles, judge_open_files

_LIBRARIES = (b"/libtorch_cpu.", b"/libtorch_python.", b"/libtorch_cuda.", b"/jaxlib/", b"/libtensorflow_")
_SETTLED_S = 10.0
"""A process this old has begun its program: a fork may still become another one before that."""
_YOUNG_S = 120.0
"""So long a process may take to load its libraries: until then it is asked for them every time."""
_RARELY = 12
"""Of the processes that show nothing, one in so many is looked at again at every scan."""


@dataclass(kw_only=True)
class Look:
    """What is known of one process. `library` is None while none was found among its mapped files.

    `is_elsewhere`: it has another root than we, so its paths mean nothing here.
    """

    stat: ProcessStat
    command: Command
    arguments: tuple[str, ...]
    cwd: Path | None = None
    library: bytes | None = None
    files: RunFiles = field(default_factory=RunFiles)
    settled: bool = False
    on_gpu: bool = False
    is_elsewhere: bool = False

    @property
    def pid(self) -> int:
        return self.stat.pid

    @property
    def is_training(self) -> bool:
        """True when it trains by its own files, its command or its libraries; a helper never does."""
        if self.command.role in ("worker", "attached", "launcher"):
            return False
        if self.command.role in ("ours", "trainer"):
            return self.command.role == "trainer" or self.command.run_path is not None
        if self.files.sure and self.command.is_python:
            return True
        is_using = self.on_gpu or self.files.has_gpu
        if self.command.role == "notebook":
            return is_using and self.library is not None
        if not self.command.is_python:
            return is_using and may_train(self.command)
        return self.command.role == "unknown" and (self.library is not None or self.on_gpu)

    @property
    def why(self) -> str:
        """What gave it away, in a few words."""
        if self.is_elsewhere:
            return "in another container"
        if self.files.sure:
            return f"writes {self.files.sure[0].rpartition('/')[2]}"
        if self.command.role in ("trainer", "launcher", "ours"):
            return "its command line"
        return "torch is loaded" if self.library else "it uses a GPU"


class Looker:
    """Looks at all processes again and again; what cannot change is asked once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str], Look] = {}
        self._round = 0

    def look(self, on_gpu: frozenset[int] = frozenset()) -> dict[int, Look]:
        """Return a look at every process by its pid; those in `on_gpu` are looked at closely."""
        self._round += 1
        own = os.getpid()
        fresh: dict[tuple[int, int, str], Look] = {}
        now = _ticks_now()
        for stat in processes.all_processes():
            if stat.pid == own:
                continue
            key = (stat.pid, stat.started, stat.name)
            look = self._known.get(key)
            fresh[key] = self._renew(look, stat, now, stat.pid in on_gpu)
        self._known = fresh
        return {look.pid: look for look in fresh.values()}

    def _renew(self, look: Look | None, stat: ProcessStat, now: float, on_gpu: bool) -> Look:
        if look is None or not look.settled:
            arguments = tuple(processes.command_line(stat.pid))
            if look is None or look.arguments != arguments:
                look = Look(stat=stat, command=judge(arguments, stat.name), arguments=arguments)
            look.settled = now - stat.started > _SETTLED_S * processes.TICKS_PER_S
        look.stat, look.on_gpu = stat, on_gpu  # a parent that died gave it to another
        if not look.arguments:  # a thread of the kernel, or one that may not be read
            return look
        is_young = now - stat.started < _YOUNG_S * processes.TICKS_PER_S
        is_turn = is_young or (stat.pid + self._round) % _RARELY == 0
        if look.command.role in ("other", "launcher", "worker"):
            return look
        is_close = look.command.is_python or look.command.role in ("attached", "ours", "trainer")
        is_close = is_close or on_gpu or stat.name == "tee"
        if is_close or is_turn:
            self._look_closely(look, is_turn or on_gpu)
        return look

    def _look_closely(self, look: Look, is_turn: bool) -> None:
        files = judge_open_files(processes.open_files(look.pid))
        look.is_elsewhere = processes.has_other_root(look.pid)
        if look.is_elsewhere:
            look.cwd, look.files = None, RunFiles(gpus=files.gpus, has_gpu=files.has_gpu)
        else:
            look.cwd, look.files = processes.working_directory(look.pid) or look.cwd, files
        if look.library is None and look.command.is_python and is_turn:
            look.library = processes.maps_any(look.pid, _LIBRARIES)


def _ticks_now() -> float:
    """Clock ticks since boot; 0 where there is no /proc, and then no process is seen either."""
    try:
        with open("/proc/uptime", "rb") as file:
            return float(file.read().split()[0]) * processes.TICKS_PER_S
    except OSError:
        return 0.0

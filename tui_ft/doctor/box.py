"""The box as the checks see it: its files under a root that tests replace, its settings, GPUs and trainer."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tui_ft import settings
from tui_ft.doctor import asking, people
from tui_ft.doctor.asking import Room, room_of
from tui_ft.doctor.mounts import Mount, mount_of, parse
from tui_ft.doctor.patience import patiently
from tui_ft.doctor.reach import Place, key_of, reach
from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.hardware.host import Memory
from tui_ft.user_paths import user_path

if TYPE_CHECKING:
    from tui_ft.doctor.gpu_facts import GpuFacts
    from tui_ft.doctor.trainer_report import TrainerReport
    from tui_ft.hardware.gpu import GpuReading


T = TypeVar("T")
_MOST_BYTES = 1 << 20
"""No file that a check reads is longer; more of it is left unread."""
_PART_BYTES = 1 << 16
"""The kernel's log gives a record at a time, and none to who has less room for it than it takes (EINVAL)."""
_MOST_PARTS = 1 << 17
_MOST_MOUNTS = 1000
_OF_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib/", "/run/systemd/", "/.dockerenv",
              "/run/.containerenv", "/var/lib/systemd/")  # fmt: skip
"""What the system itself cannot do without: it answers."""


@dataclass(kw_only=True)
class Box:
    """What the checks look at. `root` stands before every path of the system; all else may be replaced too.

    Paths of the user (runs root, caches) are those that programs see: `disk` asks for them under `root`.
    """

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    given_runs_root: Path | None = None
    user: int = field(default_factory=os.geteuid)
    clock: Callable[[], float] = time.time
    ask_room: Callable[[Path], Room] | None = None
    ask_memory: Callable[[], Memory] = host.memory
    ask_processors: Callable[[], float] = host.processors
    ask_limits: Callable[[], tuple[int, int]] = asking.open_file_limits
    ask_locked_memory: Callable[[], int] = asking.locked_memory_limit
    ask_gpus: Callable[[], GpuReading] = asking.gpus
    ask_gpu_facts: Callable[[], GpuFacts] = asking.gpu_facts
    touch: Callable[[Path], object] = os.stat
    trainer: TrainerReport | None = None
    terminal_size: tuple[int, int] | None = field(default_factory=asking.own_terminal_size)
    """Columns and lines; None where the output is no terminal."""
    _places: dict[Path, Place] = field(default_factory=dict, init=False, repr=False)

    # --- files of the system ---------------------------------------------------------------------

    def at(self, path: str | Path) -> Path:
        """Where an absolute path of the system lies for us."""
        return self.root / str(path).lstrip("/")

    def text(self, path: str | Path) -> str | None:
        """The beginning of a file of the system; None where it is not there or may not be read."""
        data = self.data(path)
        return None if data is None else data.decode("utf-8", "replace")

    def data(self, path: str | Path) -> bytes | None:
        """Like `text`, as bytes."""
        return self._patient(path, lambda: self._read(path), None)

    def _read(self, path: str | Path) -> bytes | None:
        parts: list[bytes] = []
        left = _MOST_BYTES
        try:
            for part in self._parts(path):
                parts.append(part[:left])
                left -= len(part)
                if left <= 0:
                    break
        except OSError:
            return None
        return b"".join(parts)

    def newest(self, path: str) -> str:
        """The end of a log of the system that is read from its beginning; "" where it may not be read."""
        parts: deque[bytes] = deque()
        size = 0
        try:
            for part in islice(self._parts(path), _MOST_PARTS):
                parts.append(part)
                size += len(part)
                while size > _MOST_BYTES and len(parts) > 1:
                    size -= len(parts.popleft())
        except OSError:
            return ""
        return b"".join(parts).decode("utf-8", "replace")

    def _parts(self, path: str | Path) -> Iterator[bytes]:
        """A file piece by piece, as far as it can be read. Raises `OSError` where nothing can."""
        descriptor = os.open(self.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            count = lost = 0
            while lost < _MOST_PARTS:
                try:
                    part = os.read(descriptor, _PART_BYTES)
                except (
                    BrokenPipeError
                ):  # the log's oldest lines were written over meanwhile: on with the next
                    lost += 1
                    continue
                except BlockingIOError:  # the end of the kernel's log
                    return
                except OSError:
                    if count == 0:
                        raise
                    return
                if not part:
                    return
                count += 1
                yield part
        finally:
            os.close(descriptor)

    def number(self, path: str) -> int | None:
        """The whole number that a file holds; None where it holds none."""
        text = (self.text(path) or "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None

    def exists(self, path: str | Path) -> bool:
        """True when something can be seen there."""
        if str(path).startswith(_OF_SYSTEM):
            try:
                return self.at(path).exists()
            except (OSError, ValueError):
                return False
        place = self._reach(Path(path))
        return place.there is not None and place.there == place.real

    def mode(self, path: str | Path) -> int | None:
        """The mode of a file; None where it cannot be seen."""
        return self._patient(path, lambda: self.at(path).stat().st_mode, None)

    def names(self, folder: str | Path) -> list[str]:
        """What lies in a folder; nothing where that cannot be told."""
        return self._patient(folder, lambda: sorted(path.name for path in self.at(folder).iterdir()), [])

    # --- the user's places -------------------------------------------------------------------------

    @cached_property
    def settings_problem(self) -> TuiFtError | None:
        """Why settings.toml cannot be used; None where it can."""
        try:
            if not self.place(settings.config_folder()).is_dead:  # else that is told, and nothing can be read
                settings.load()
        except TuiFtError as problem:
            return problem
        except OSError as problem:
            return TuiFtError(f"The settings cannot be read: {problem.strerror}.", "Mend what they lie on.")
        return None

    @cached_property
    def runs_root(self) -> Path | None:
        """Where runs are kept; None while the settings that name it are broken."""
        if self.given_runs_root is not None:
            return self.given_runs_root.absolute()
        try:
            dead = self.place(settings.config_folder()).is_dead
            return None if dead else settings.runs_root()
        except (TuiFtError, OSError):
            return None

    @cached_property
    def hub_cache(self) -> Path:
        """Where models from the Hugging Face hub are kept."""
        env = self.environment
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            if env.get(name):
                return user_path(env[name]).absolute()
        return self.hub_home / "hub"

    @cached_property
    def hub_home(self) -> Path:
        """The home of the Hugging Face libraries: caches and the token."""
        env = self.environment
        if env.get("HF_HOME"):
            return user_path(env["HF_HOME"]).absolute()
        base = Path(env["XDG_CACHE_HOME"]) if env.get("XDG_CACHE_HOME") else self.home / ".cache"
        return (base / "huggingface").absolute()

    @property
    def home(self) -> Path:
        return Path(self.environment.get("HOME") or "/").absolute()

    @property
    def temporary(self) -> Path:
        """Where programs put what they need for a moment; compilers do."""
        return Path(self.environment.get("TMPDIR") or "/tmp").absolute()

    # --- file systems --------------------------------------------------------------------------------

    @cached_property
    def mounts(self) -> list[Mount]:
        return parse(self.text("/proc/self/mountinfo") or "")

    def mount_of(self, path: Path) -> Mount | None:
        """The mount on which a path lies, links followed as far as they are there."""
        return self.place(path).mount

    def place(self, path: Path) -> Place:
        """Where a path leads, and whether that answers; looked for once."""
        if path not in self._places:
            self._places[path] = self._reach(path)
        return self._places[path]

    def _reach(self, path: Path) -> Place:
        return reach(
            path, self.mounts, lambda place: self.touch(self.at(place)), follows=self.root == Path("/")
        )

    def disk(self, path: Path) -> Room:
        """Room on the file system of a path, which need not exist yet."""
        return self._patient(
            path, lambda: (self.ask_room or (lambda one: room_of(self.at(one))))(path), Room()
        )

    def _patient(self, path: str | Path, ask: Callable[[], T], otherwise: T) -> T:
        """What is asked of a place that may never answer; `otherwise` where it does not, or fails."""
        try:
            if str(path).startswith(_OF_SYSTEM):
                return ask()
            place = self.place(Path(path))
            return otherwise if place.is_dead else patiently(ask, key_of(place.mount, place.real))
        except (OSError, ValueError):
            return otherwise

    @cached_property
    def is_container(self) -> bool:
        """True in a container, whose own layer is thrown away with it."""
        if any(self.exists(mark) for mark in ("/.dockerenv", "/run/.containerenv")):
            return True
        if any(name in self.environment for name in ("RUNPOD_POD_ID", "KUBERNETES_SERVICE_HOST")):
            return True
        first = mount_of(Path("/"), self.mounts)
        return first is not None and first.is_of_container

    @cached_property
    def volumes(self) -> list[tuple[Mount, Room]]:
        """Writable file systems beside the root that last, that with the most room first."""
        found = {}
        for mount in self.mounts[:_MOST_MOUNTS]:
            point = Path(mount.point)
            if str(point) == "/" or not mount.is_store or not self._is_folder(point):
                continue
            disk = self.disk(point)
            if disk.free_bytes is not None and self.may_write(point):
                found[mount.point] = (mount, disk)
        return sorted(found.values(), key=lambda pair: -(pair[1].free_bytes or 0))

    def _is_folder(self, path: Path) -> bool:
        return self._patient(path, lambda: self.at(path).is_dir(), False)

    def may_use(self, path: Path) -> bool:
        """True when a device may be read and written by us."""
        return os.access(self.at(path), os.R_OK | os.W_OK)

    def may_write(self, folder: Path) -> bool:
        """True when we may make files in a folder that is there."""
        return self._patient(folder, lambda: os.access(self.at(folder), os.W_OK), False)

    # --- processes and GPUs ------------------------------------------------------------------------

    @cached_property
    def gpus(self) -> GpuReading:
        """One reading for all checks."""
        return self.ask_gpus()

    @cached_property
    def gpu_facts(self) -> GpuFacts:
        """What NVML says beyond that reading: faults of the memory, the driver's CUDA version."""
        return self.ask_gpu_facts()

    @cached_property
    def first_environment(self) -> Mapping[str, bytes]:
        """Variables of the container's first process, empty where it may not be read; never shown."""
        data = self.data("/proc/1/environ") or b""
        pairs = (entry.partition(b"=") for entry in data.split(b"\0") if entry)
        return {name.decode("utf-8", "replace"): value for name, _, value in pairs}

    @cached_property
    def own_processes(self) -> Mapping[int, str]:
        """The processes of runs that go on, by pid: the run's id."""
        return people.own_processes(self)

"""Room for the next checkpoint: looked for before it is written, waited for at the step edge."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tui_ft.hardware import host
from tui_ft.hardware.host import Disk
from tui_ft.health.finding import Evidence
from tui_ft.runs.directory import UNFINISHED_PREFIX
from tui_ft.runs.records import RequestEvent, RequestName, RequestRecord, WarningEvent
from tui_ft.train.journal import Journal
from tui_ft.train.stopping import StopFlag

RESERVE_BYTES = 64 << 20
"""What stays free for logs, rows and the neighbours: as much as a launch asks for; of a small disk less."""
RESERVED_SHARE = 0.05
RESERVE_INODES = 64
COPIES = 2
"""Room for so many checkpoints is wanted: the next one, and one more for a save by request (peers.md §6)."""
POLL_S = 0.2
"""A stop must be heard within the seconds that a machine about to vanish gives."""
MOST_REFUSALS = 3
"""A disk that has room by its own account and yet takes no checkpoint so often is broken, or a quota is."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM_WORDS = ("no space left", "disk quota exceeded", "os error 28", "os error 122")
"""What libraries say that hide the number: safetensors, which is written in Rust."""
_WRITER_WORDS = ("inline_container", "pytorchstreamwriter")
"""torch's writer of zip files says only that it failed; the disk then tells whether it is full."""
_PROBED_BYTES = 1 << 20


class Requests(Protocol):
    """The control folder, as far as a guard reads it."""

    def pending(self, names: tuple[RequestName, ...]) -> list[RequestRecord]: ...
    def done(self, request: RequestRecord) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Need:
    """What the next checkpoint takes, and how many files it has."""

    bytes: int
    files: int

    def fits(self, disk: Disk, copies: int = 1) -> bool:
        """True when `copies` of it leave the reserve free; what is not known is no hindrance."""
        if disk.free_bytes is not None and disk.free_bytes < copies * self.bytes + reserve(disk):
            return False
        return disk.free_inodes is None or disk.free_inodes >= copies * self.files + RESERVE_INODES


def reserve(disk: Disk) -> int:
    """The bytes that a checkpoint leaves free on `disk`."""
    if disk.total_bytes is None:
        return RESERVE_BYTES
    return min(RESERVE_BYTES, int(disk.total_bytes * RESERVED_SHARE))


class DiskGuard:
    """Sees to it that a checkpoint is begun only where it finds room.

    With room for fewer than two it warns and removes what need not be kept; without room for one the run
    waits at its step edge, holding the GPU, until there is room, it is told to go on, or it is stopped.
    """

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        requests: Requests,
        stop: StopFlag,
        retire: Callable[[], list[str]],
        disk: Callable[[Path], Disk] = host.disk,
    ) -> None:
        self._folder = folder
        self._journal = journal
        self._requests = requests
        self._stop = stop
        self._retire = retire
        self._disk = disk
        self._has_warned = False
        self._refusals: dict[int, int] = {}

    def ran_out(self, step: int, need: Need, error: Exception) -> None:
        """Room that was there is gone: others write too. Raises `error` when that repeats itself.

        What was begun must have been removed before.
        """
        count = self._refusals[step] = self._refusals.get(step, 0) + 1
        disk = self._disk(self._folder)
        self._warn(step, need, disk, [], "The disk filled up while a checkpoint was written.")
        if self._stop or (count >= MOST_REFUSALS and need.fits(disk)):
            raise error

    def make_room(self, step: int, need: Need, *, may_wait: bool = True) -> bool:
        """Return True once there is room for a checkpoint; False to go on without: asked to, or to stop, or
        because nobody may wait.
        """
        disk = self._disk(self._folder)
        if need.fits(disk, COPIES):
            self._has_warned = False
            return True
        removed = self._removed()
        disk = self._disk(self._folder)
        if need.fits(disk):
            if not self._has_warned and not need.fits(disk, COPIES):
                self._warn(step, need, disk, removed, "There is room for one more checkpoint, not for two.")
                self._has_warned = True
            return True
        if not may_wait:
            self._warn(step, need, disk, removed, "There is no room for a checkpoint.")
            return False
        return self._wait(step, need, disk, removed)

    def _removed(self) -> list[str]:
        """Remove what need not be kept. One that cannot be removed is no reason to end a healthy run."""
        try:
            return self._retire()
        except OSError as error:
            self._journal.warn("retention", f"An older checkpoint could not be removed: {error}.")
            return []

    def _wait(self, step: int, need: Need, disk: Disk, removed: list[str]) -> bool:
        """Stand still until there is room, a word, or the end."""
        what = "There is no room for a checkpoint: the run waits for some."
        self._warn(step, need, disk, removed, what, is_waiting=True)
        self._journal.say(
            f"waiting at step {step}: a checkpoint needs {_gib(need.bytes)} and {_gib(disk.free_bytes)} are "
            f"free on {self._folder}; remove something, or `tui-ft prune`"
        )
        self._journal.enter("paused", detail="disk")
        began = time.monotonic()
        while not self._stop:
            for request in self._requests.pending(("stop", "continue")):
                if request.request == "stop":
                    self._stop.request(request.by)
                self._carried_out(request, step)
                if request.request == "continue":
                    self._journal.say("told to go on without this checkpoint")
                    return False
            if self._stop:
                break
            if need.fits(self._disk(self._folder)):
                self._journal.say(f"there is room again after {time.monotonic() - began:.0f} s")
                self._journal.enter("saving")
                return True
            time.sleep(POLL_S)
        self._journal.say("stopping without a checkpoint of this step: there is no room for one")
        return False

    def _carried_out(self, request: RequestRecord, step: int) -> None:
        self._requests.done(request)
        self._journal.event(RequestEvent(time=time.time(), request=request.request, step=step, by=request.by))

    def _warn(
        self, step: int, need: Need, disk: Disk, removed: list[str], what: str, *, is_waiting: bool = False
    ) -> None:
        evidence: Evidence = {
            "free_bytes": disk.free_bytes,
            "needed_bytes": need.bytes + reserve(disk),
            "free_inodes": disk.free_inodes,
            "folder": str(self._folder),
            "removed": list(removed),
            "is_waiting": is_waiting,
        }
        self._journal.event(
            WarningEvent(
                time=time.time(),
                code="disk",
                message=f"{what} It needs {_gib(need.bytes)}, {_gib(disk.free_bytes)} are free.",
                step=step,
                evidence=evidence,
            )
        )


def is_no_room(error: BaseException, folder: Path) -> bool:
    """True when `error`, or what caused it, says that the disk or the quota of `folder` is full."""
    chain = list(_chain(error))
    if any(isinstance(one, OSError) and one.errno in _NO_ROOM for one in chain):
        return True
    words = " ".join(str(one).lower() for one in chain)
    if any(word in words for word in _NO_ROOM_WORDS):
        return True
    return any(word in words for word in _WRITER_WORDS) and _takes_nothing(folder)


def _takes_nothing(folder: Path) -> bool:
    """True when a file of a mebibyte finds no room; a quota shows nowhere else."""
    probe = folder / f"{UNFINISHED_PREFIX}probe"
    try:
        with open(probe, "wb", buffering=0) as file:
            written = file.write(b"\0" * _PROBED_BYTES)
            os.fsync(file.fileno())
        return written < _PROBED_BYTES
    except OSError as error:
        return error.errno in _NO_ROOM
    finally:
        probe.unlink(missing_ok=True)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _gib(size: int | None) -> str:
    if size is None:
        return "an unknown amount"
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"

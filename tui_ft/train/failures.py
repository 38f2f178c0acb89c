"""From an exception to one of the stable causes and one line for people."""

from __future__ import annotations

import errno

from tui_ft.errors import TuiFtError
from tui_ft.runs.records import Cause

_CUDA_OOM = ("CUDA out of memory", "CUDA error: out of memory")
_HOST_OOM = ("DefaultCPUAllocator: can't allocate memory", "Cannot allocate memory")
_DISK_FULL = ("No space left on device", "os error 28", "Disk quota exceeded")


def cause_of(error: BaseException) -> tuple[Cause, str]:
    """Return the cause and the line that `state.json` and the run screen show."""
    for link in _chain(error):
        cause = _cause(link)
        if cause is not None:
            return cause
    if isinstance(error, TuiFtError):
        return "error", str(error)
    return "error", _line(error)


def _cause(error: BaseException) -> tuple[Cause, str] | None:
    text = str(error)
    if type(error).__name__ == "OutOfMemoryError" or any(mark in text for mark in _CUDA_OOM):
        return "cuda_oom", f"The GPU ran out of memory: {_line(error)}"
    if isinstance(error, MemoryError) or any(mark in text for mark in _HOST_OOM):
        return "host_oom", f"The machine ran out of memory: {_line(error)}"
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or any(mark in text for mark in _DISK_FULL):
        return "disk_full", "The disk is full: free some space, then resume from the last checkpoint."
    return None


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found


def _line(error: BaseException, limit: int = 300) -> str:
    text = " ".join(str(error).split())
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= limit else line[: limit - 1] + "…"

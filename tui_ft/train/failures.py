"""From an exception to one of the stable causes and one line for people."""

from __future__ import annotations

import errno
import time
import traceback
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Evidence
from tui_ft.health.oom import parse_cuda_oom, parse_host_oom
from tui_ft.runs.records import Cause, Phase, WarningEvent

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


@dataclass(frozen=True, kw_only=True)
class OutOfMemory:
    """Memory that was asked for and was not there: on the GPU (`cuda_oom`, while evaluating `eval_oom`), or
    on the machine (`host_oom`).
    """

    code: str
    step: int
    line: str
    evidence: Evidence

    def event(self) -> WarningEvent:
        """What ended the run."""
        return self._event(f"{self.line} It happened while {self.evidence['phase']}, after step {self.step}.")

    def survived(self) -> WarningEvent:
        """What an evaluation survived."""
        return self._event(
            f"The evaluation after step {self.step} ran out of memory and is done again one row at a time, "
            "as are those to come: their losses are means over rows, no longer over batches."
        )

    def _event(self, message: str) -> WarningEvent:
        return WarningEvent(
            time=time.time(), code=self.code, message=message, step=self.step, evidence=self.evidence
        )


def out_of_memory(error: BaseException, phase: Phase, step: int) -> OutOfMemory | None:
    """Return what is known of an error that is a lack of memory; None for any other."""
    cause, line = cause_of(error)
    if cause not in ("cuda_oom", "host_oom"):
        return None
    text = "\n".join(f"{type(link).__name__}: {link}" for link in _chain(error))
    found = parse_cuda_oom(text) if cause == "cuda_oom" else parse_host_oom(text)
    code = "eval_oom" if phase == "evaluating" and cause == "cuda_oom" else cause
    return OutOfMemory(code=code, step=step, line=line, evidence={**(found or {}), "phase": phase})


def let_go(error: BaseException) -> None:
    """Free what the frames hold that an error went through: tensors, data loaders."""
    for link in _chain(error):
        traceback.clear_frames(link.__traceback__)


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

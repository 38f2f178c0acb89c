"""In which way a run ended: the causes told apart that a person would look into differently."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Literal

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import StateRecord
from tui_ft.runs.resuming import is_surely_over
from tui_ft.watch.reading import Reading

Ending = Literal[
    "finished", "stopped", "guard", "budget", "preempted", "cuda_oom", "eval_oom", "kernel_oom", "host_oom",
    "disk", "exception", "crash", "exit_code", "signal", "unwitnessed", "unsaid", "reboot", "lost", "cut_off",
    "elsewhere",
]  # fmt: skip
"""Stable words, as `tui-ft why --json` prints them."""

ORDERLY: frozenset[Ending] = frozenset({"finished", "stopped", "budget"})
"""Ended as somebody wished."""

GUARD = "the guard: "
"""A stop asked for in this name was a detector's; its code follows."""
BUDGET = "the budget"

_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL})
_EXIT_CODE = re.compile(r"ended with exit code (-?\d+)")
_UNWITNESSED = "while its own supervisor was gone"
_UNSAID = "without saying that it had finished"
_KERNEL = "The kernel killed"
_CUT_OFF = "its start was cut off"
_CUDA_OOM = re.compile(r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory")
_HOST_OOM = re.compile(r"MemoryError|DefaultCPUAllocator|Cannot allocate memory|^Killed$", re.MULTILINE)
_DISK = re.compile(r"No space left on device|Disk quota exceeded|os error 28")


def ending_of(reading: Reading, state: StateRecord | None = None) -> Ending | None:
    """Tell how the run of `reading` ended; None while it goes on, or where nobody knows that it does not.

    `state` is that of a run of ours: who asked it to stop, and on which boot of which machine it ran.
    """
    if reading.status == "finished":
        return "finished"
    if reading.status == "stopped":
        return _stopped(reading, state)
    if reading.status == "lost":
        return "cut_off" if reading.reason.startswith(_CUT_OFF) else "lost"
    if reading.status == "unknown" and state is not None:
        return _out_of_reach(reading, state)
    if reading.status == "failed":
        return _failed(reading)
    return None


def stopped_by(state: StateRecord | None) -> str:
    """Who asked for the stop; "" when nobody did, or it is not known."""
    return (state.stop_requested_by or "") if state is not None else ""


def _stopped(reading: Reading, state: StateRecord | None) -> Ending:
    by = stopped_by(state)
    if reading.exit is not None and reading.exit.cause == "preempted":
        return "preempted"
    if by.startswith(GUARD):
        return "guard"
    return "budget" if by == BUDGET else "stopped"


def _out_of_reach(reading: Reading, state: StateRecord) -> Ending:
    is_over = is_surely_over(RunDirectory(Path(reading.path)), state)
    return "reboot" if is_over else "elsewhere"


def _failed(reading: Reading) -> Ending:
    record = reading.exit
    if record is None:
        return _by_words(reading)
    if record.cause == "cuda_oom":
        return "eval_oom" if was_evaluating(reading) else "cuda_oom"
    if record.cause == "host_oom":
        return "kernel_oom" if record.signal == signal.SIGKILL or _KERNEL in record.message else "host_oom"
    if record.cause == "disk_full":
        return "disk"
    if record.signal in _CRASHES:
        return "crash"
    if record.cause == "killed":
        return "unwitnessed" if _UNWITNESSED in record.message else "signal"
    if _EXIT_CODE.search(record.message):
        return "exit_code"
    return "unsaid" if _UNSAID in record.message else "exception"


def _by_words(reading: Reading) -> Ending:
    """Another's run: what it printed last is all there is."""
    text = "\n".join([reading.reason, *reading.attempt_log[-100:]])
    if _CUDA_OOM.search(text):
        return "eval_oom" if was_evaluating(reading) else "cuda_oom"
    if _HOST_OOM.search(text):
        return "host_oom"
    return "disk" if _DISK.search(text) else "exception"


def was_evaluating(reading: Reading) -> bool:
    """Whether the last thing that is known of the run is an evaluation."""
    if any(finding.code == "eval_oom" for finding in reading.findings):
        return True
    if any(finding.code == "cuda_oom" for finding in reading.findings):
        return False
    for warning in reversed(reading.attempt_warnings):
        if warning.code in ("eval_oom", "cuda_oom"):
            return warning.code == "eval_oom" or warning.evidence.get("phase") == "evaluating"
    if reading.activity is not None:
        return reading.activity.phase == "evaluating"
    frames = "\n".join(reading.attempt_log[-100:])
    return ", in evaluation_loop" in frames or ", in prediction_step" in frames

"""How a run ended: one pure function from what the supervisor saw to status, cause and a sentence."""

from __future__ import annotations

import re
import signal
from typing import NamedTuple

from tui_ft.runs.masking import masked
from tui_ft.runs.records import Cause, EndEvent, ExitRecord, Status
from tui_ft.runs.trainer_process import ProcessEnd

_CUDA_OOM = re.compile(r"CUDA out of memory|torch\.(cuda\.)?OutOfMemoryError|CUDA error: out of memory")
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_HOST_OOM = re.compile(r"^MemoryError\b|DefaultCPUAllocator: (can't|not enough)", re.MULTILINE)
_EXCEPTION = re.compile(r"^(?:[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)\b.*)$", re.MULTILINE)
_OURS = re.compile(r"^tui-ft: (.+)$", re.MULTILINE)
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL})
_LONGEST_MESSAGE = 500
TAIL_BYTES = 16_384
"""How much of output.log's end is worth reading for the cause."""


class Seen(NamedTuple):
    """What the supervisor knows when the trainer is gone.

    `oom_kills` is how often the kernel killed for memory meanwhile; `tail` is the end of output.log;
    `killed_now` means that we sent SIGKILL because somebody asked for `stop --now`, `killed_after_word` that
    we did because it did not end after its last word; `is_disk_full` that there is no room now, so that
    neither a last word nor output could be written.
    """

    process: ProcessEnd
    end: EndEvent | None = None
    stop_asked: bool = False
    killed_now: bool = False
    killed_after_word: bool = False
    preempted: bool = False
    oom_kills: int = 0
    tail: str = ""
    saved_step: int | None = None
    is_disk_full: bool = False


def printable(text: str) -> str:
    """Return `text` as one line without control characters, for a message that reaches terminals."""
    return _cut(_one_line(text))


def _told(text: str) -> str:
    """What a trainer or a library said, without secrets: it goes into files, onto screens and into messages.

    Masked before it is cut: half a password would not be known for one.
    """
    return _cut(masked(_one_line(text)))


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split())


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def judge(seen: Seen) -> tuple[Status, ExitRecord]:
    """Return the final status and exit record. What the kernel did outranks what the trainer said."""
    if seen.end is not None and seen.end.cause == "finished":
        return "finished", _exit(seen, "finished", _late_trouble(seen, _told(seen.end.message)))
    if seen.killed_now:
        return "stopped", _exit(seen, "stopped", f"Stopped at once; {_saved(seen)}.")
    if seen.process.signal == signal.SIGKILL and seen.oom_kills > 0 and not seen.killed_after_word:
        return "failed", _exit(
            seen, "host_oom", "The kernel killed the trainer: the machine's memory limit was reached."
        )
    if seen.end is not None:
        return _by_last_word(seen, seen.end)
    if seen.process.signal is not None:
        return _by_signal(seen, seen.process.signal)
    if seen.process.code == 0:
        return _silent_success(seen)
    return _by_output(seen)


def _by_last_word(seen: Seen, end: EndEvent) -> tuple[Status, ExitRecord]:
    message = _told(end.message)
    if end.cause in ("stopped", "preempted"):
        # nobody asked us: then it was SIGTERM, from a machine that ends or from somebody beside us
        cause: Cause = "stopped" if seen.stop_asked else "preempted"
        return "stopped", _exit(seen, cause, _late_trouble(seen, message))
    return "failed", _exit(seen, end.cause, message)


def _by_signal(seen: Seen, number: int) -> tuple[Status, ExitRecord]:
    name = _signal_name(number)
    if number in (signal.SIGTERM, signal.SIGINT) and (seen.stop_asked or seen.preempted):
        cause: Cause = "stopped" if seen.stop_asked else "preempted"
        return "stopped", _exit(seen, cause, f"Stopped before it could save; {_saved(seen)}.")
    if number == signal.SIGKILL and seen.preempted and not seen.stop_asked:
        return "stopped", _exit(
            seen, "preempted", f"The machine killed it before it could save; {_saved(seen)}."
        )
    if number in _CRASHES:
        hint = " (often a full /dev/shm)" if number == signal.SIGBUS else ""
        return "failed", _exit(seen, "error", f"The trainer crashed with {name}{hint}; see output.log.")
    return "failed", _exit(seen, "killed", f"The trainer was killed by {name}; {_saved(seen)}.")


def _silent_success(seen: Seen) -> tuple[Status, ExitRecord]:
    if _DISK_FULL.search(seen.tail) or (seen.is_disk_full and not seen.stop_asked):
        return _by_output(seen)
    if seen.stop_asked or seen.preempted:
        cause: Cause = "stopped" if seen.stop_asked else "preempted"
        return "stopped", _exit(seen, cause, f"Stopped; {_saved(seen)}.")
    return "failed", _exit(
        seen, "error", "The trainer ended without saying that it had finished; see output.log."
    )


def _by_output(seen: Seen) -> tuple[Status, ExitRecord]:
    """It ended badly, or unseen, and left no last word: what it printed is all there is."""
    line = _last_complaint(seen.tail)
    for pattern, cause in _PATTERNS:
        if pattern.search(seen.tail):
            return "failed", _exit(seen, cause, line or _SENTENCES[cause])
    if not line and seen.is_disk_full:
        return "failed", _exit(seen, "disk_full", _SENTENCES["disk_full"])
    if seen.process.code is not None:
        message = line or f"The trainer ended with exit code {seen.process.code}; see output.log."
        return "failed", _exit(seen, "error", message)
    if seen.oom_kills > 0:
        return "failed", _exit(seen, "host_oom", _SENTENCES["host_oom"])
    if line:
        return "failed", _exit(seen, "error", line)
    if seen.stop_asked or seen.preempted:
        return "stopped", _exit(seen, "stopped", f"Stopped without a last word; {_saved(seen)}.")
    return "failed", _exit(
        seen,
        "killed",
        f"The trainer ended without a last word while its own supervisor was gone; {_saved(seen)}.",
    )


def _last_complaint(tail: str) -> str:
    """The last line that names an exception, or that our own trainer printed before it could write events."""
    found = _EXCEPTION.findall(tail) or _OURS.findall(tail)
    return _told(found[-1]) if found else ""


_PATTERNS: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (_CUDA_OOM, "cuda_oom"),
    (_DISK_FULL, "disk_full"),
    (_HOST_OOM, "host_oom"),
)
_SENTENCES: dict[Cause, str] = {
    "cuda_oom": "The GPU's memory did not suffice.",
    "disk_full": "The disk of the run is full: the trainer could not write.",
    "host_oom": "The machine's memory did not suffice.",
}


def _saved(seen: Seen) -> str:
    if seen.saved_step is None:
        return "no checkpoint was saved in this attempt"
    return f"the last checkpoint is of step {seen.saved_step}"


def _late_trouble(seen: Seen, message: str) -> str:
    """The result was whole when the trainer said so; that its process ended badly is still told."""
    if seen.killed_after_word:
        return f"{message} (Afterwards its process did not end: it was killed.)".strip()
    if seen.process.signal is not None:
        return f"{message} (Afterwards its process ended with {_signal_name(seen.process.signal)}.)".strip()
    if seen.process.code:
        return f"{message} (Afterwards its process ended with exit code {seen.process.code}.)".strip()
    return message


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _exit(seen: Seen, cause: Cause, message: str) -> ExitRecord:
    return ExitRecord(
        cause=cause, message=masked(message), code=seen.process.code, signal=seen.process.signal
    )

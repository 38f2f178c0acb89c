"""Every way in which a run can end, and what is written about it."""

from __future__ import annotations

import signal

import pytest

from tui_ft.runs.ending import Seen, judge, printable
from tui_ft.runs.records import Cause, EndEvent
from tui_ft.runs.trainer_process import ProcessEnd

KILLED = ProcessEnd(signal=signal.SIGKILL)
TERMINATED = ProcessEnd(signal=signal.SIGTERM)
UNSEEN = ProcessEnd()


def word(cause: Cause, message: str = "Its last word.") -> EndEvent:
    return EndEvent(time=1.0, cause=cause, message=message, step=7)


@pytest.mark.parametrize(
    ("seen", "status", "cause", "says"),
    [
        (Seen(ProcessEnd(code=0), word("finished")), "finished", "finished", "Its last word."),
        (Seen(ProcessEnd(code=134), word("finished")), "finished", "finished", "exit code 134"),
        (Seen(ProcessEnd(signal=11), word("finished")), "finished", "finished", "SIGSEGV"),
        (Seen(UNSEEN, word("finished")), "finished", "finished", "Its last word."),
        (Seen(ProcessEnd(code=0), word("stopped"), stop_asked=True), "stopped", "stopped", "last word"),
        (Seen(ProcessEnd(code=0), word("stopped"), preempted=True), "stopped", "preempted", "last word"),
        (Seen(ProcessEnd(code=1), word("cuda_oom")), "failed", "cuda_oom", "last word"),
        (Seen(ProcessEnd(code=1), word("error"), stop_asked=True), "failed", "error", "last word"),
        (Seen(KILLED), "failed", "killed", "SIGKILL"),
        (Seen(KILLED, saved_step=40), "failed", "killed", "step 40"),
        (Seen(KILLED, oom_kills=1), "failed", "host_oom", "memory limit"),
        (Seen(KILLED, word("error"), oom_kills=1), "failed", "host_oom", "memory limit"),
        (Seen(KILLED, stop_asked=True), "failed", "killed", "SIGKILL"),
        (Seen(KILLED, stop_asked=True, killed_now=True), "stopped", "stopped", "at once"),
        (Seen(KILLED, killed_now=True, oom_kills=1), "stopped", "stopped", "at once"),
        (Seen(TERMINATED, stop_asked=True), "stopped", "stopped", "before it could save"),
        (Seen(TERMINATED, preempted=True), "stopped", "preempted", "before it could save"),
        (Seen(TERMINATED), "failed", "killed", "SIGTERM"),
        (Seen(KILLED, preempted=True), "stopped", "preempted", "killed it before it could save"),
        (Seen(ProcessEnd(code=0), word("stopped")), "stopped", "preempted", "last word"),
        (Seen(UNSEEN, word("stopped"), stop_asked=True), "stopped", "stopped", "last word"),
        (Seen(ProcessEnd(signal=signal.SIGSEGV)), "failed", "error", "SIGSEGV"),
        (Seen(ProcessEnd(signal=signal.SIGBUS)), "failed", "error", "/dev/shm"),
        (Seen(ProcessEnd(signal=40)), "failed", "killed", "signal 40"),
        (Seen(ProcessEnd(code=0)), "failed", "error", "without saying"),
        (Seen(ProcessEnd(code=0), stop_asked=True), "stopped", "stopped", "Stopped"),
        (Seen(ProcessEnd(code=3)), "failed", "error", "exit code 3"),
        (Seen(ProcessEnd(code=1), tail="x\nOSError: [Errno 28] No space left on device\n"), "failed",
         "disk_full", "No space left"),
        (Seen(ProcessEnd(code=1), is_disk_full=True), "failed", "disk_full", "disk"),
        (Seen(ProcessEnd(code=1), tail="torch.OutOfMemoryError: CUDA out of memory. Tried\n"), "failed",
         "cuda_oom", "CUDA out of memory"),
        (Seen(ProcessEnd(code=1), tail="MemoryError\n"), "failed", "host_oom", "MemoryError"),
        (Seen(ProcessEnd(code=1), tail="ValueError: a\nKeyError: 'b'\n"), "failed", "error", "KeyError: 'b'"),
        (Seen(ProcessEnd(code=2), tail="tui-ft: Another trainer is at work.\n"), "failed", "error",
         "Another trainer"),
        (Seen(UNSEEN), "failed", "killed", "its own supervisor was gone"),
        (Seen(UNSEEN, oom_kills=2), "failed", "host_oom", "memory"),
        (Seen(UNSEEN, tail="RuntimeError: no\n"), "failed", "error", "RuntimeError: no"),
        (Seen(UNSEEN, stop_asked=True), "stopped", "stopped", "without a last word"),
    ],
)  # fmt: skip
def test_status_cause_and_sentence(seen: Seen, status: str, cause: str, says: str) -> None:
    got, record = judge(seen)
    assert (got, record.cause) == (status, cause)
    assert says in record.message
    assert (record.code, record.signal) == (seen.process.code, seen.process.signal)


def test_a_hostile_message_becomes_one_plain_line() -> None:
    _, record = judge(
        Seen(ProcessEnd(code=1), word("error", "a\x1b]0;title\x07b\n\x1b[2Jc\u202ed" + "x" * 9999))
    )
    assert record.message.isprintable()
    assert "\x1b" not in record.message
    assert len(record.message) <= 500


def test_printable_keeps_letters_of_all_scripts() -> None:
    assert printable("naïve — 数据\x9b31m\tend\r\n") == "naïve — 数据31m end"

"""Each way in which a run can end is told apart, with its headline and the evidence behind it."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest

from tui_ft.hardware import host
from tui_ft.health.finding import Finding
from tui_ft.runs.records import Cause, ExitRecord, HardwareRow, StateRecord, WarningEvent
from tui_ft.watch.ending_words import evidence_of, headline_of
from tui_ft.watch.endings import Ending, ending_of
from tui_ft.watch.reading import Reading

NOW = 1_795_262_400.0
GIB = 2**30
OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB. GPU 0 has a total capacity of "
    "23.99 GiB of which 1.02 GiB is free. Of the allocated memory 20.00 GiB is allocated by PyTorch, and "
    "500.00 MiB is reserved by PyTorch but unallocated."
)


def a_reading(status: str, exit: ExitRecord | None = None, **fields: Any) -> Reading:
    reading = Reading(
        source="tui_ft", title="demo", path="/runs/demo", status=status, exit=exit, step=120, total_steps=200,  # type: ignore[arg-type]
        started_at=NOW - 600, updated_at=NOW - 60,
    )  # fmt: skip
    return replace(reading, **fields)


def ended(cause: Cause, message: str = "It ended.", **fields: Any) -> ExitRecord:
    return ExitRecord(cause=cause, message=message, **fields)


def a_state(**fields: Any) -> StateRecord:
    place = host.here()
    return StateRecord(
        **{"status": "failed", "host": place.host, "boot_id": place.boot_id,
           "pid_namespace": place.pid_namespace, **fields}
    )  # fmt: skip


KILLED = int(signal.SIGKILL)
CASES: list[tuple[Ending, Reading, StateRecord | None, str]] = [
    ("finished", a_reading("finished", ended("finished"), ended_at=NOW), None, "Finished at step 120 of 200"),
    ("stopped", a_reading("stopped", ended("stopped")), a_state(stop_requested_by="ann (command)"),
     "Stopped by ann (command) at step 120 of 200."),
    ("guard", a_reading("stopped", ended("stopped")), a_state(stop_requested_by="the guard: divergence"),
     "Stopped by the guard (divergence)"),
    ("budget", a_reading("stopped", ended("stopped")), a_state(stop_requested_by="the budget"),
     "Stopped by the budget"),
    ("preempted", a_reading("stopped", ended("preempted")), None, "It was told to end (SIGTERM)"),
    ("cuda_oom", a_reading("failed", ended("cuda_oom", OOM, code=1)), None, "out of memory while training"),
    ("kernel_oom", a_reading("failed", ended("host_oom", "The kernel killed it.", signal=KILLED)), None,
     "The kernel killed the trainer for memory"),
    ("host_oom", a_reading("failed", ended("host_oom", "MemoryError", code=1)), None, "RAM, not the GPU's"),
    ("disk", a_reading("failed", ended("disk_full", "No space left", code=1)), None, "disk was full"),
    ("exception", a_reading("failed", ended("error", "ValueError: no good", code=1)), None,
     "The trainer failed at step 120 of 200: ValueError: no good"),
    ("crash", a_reading("failed", ended("error", "crashed", signal=int(signal.SIGSEGV))), None,
     "crashed with SIGSEGV"),
    ("exit_code", a_reading("failed", ended("error", "The trainer ended with exit code 3.", code=3)), None,
     "with exit code 3"),
    ("signal", a_reading("failed", ended("killed", "killed by SIGKILL", signal=KILLED)), None,
     "killed by SIGKILL at step 120 of 200, and not by tui-ft"),
    ("unwitnessed", a_reading("failed", ended("killed", "while its own supervisor was gone")), None,
     "while its supervisor was gone"),
    ("unsaid", a_reading("failed", ended("error", "ended without saying that it had finished", code=0)), None,
     "never said that it had finished"),
    ("reboot", a_reading("unknown"), a_state(status="running", boot_id="another boot"), "was started again"),
    ("lost", a_reading("lost", reason="supervisor and trainer are gone"), a_state(status="running"),
     "Trainer and supervisor are gone"),
    ("cut_off", a_reading("lost", reason="its start was cut off"), a_state(status="starting"), "was cut off"),
    ("elsewhere", a_reading("unknown"), a_state(status="running", host="far-away", boot_id="b"), "far-away"),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "reading", "state", "says"), CASES, ids=[case[0] for case in CASES])
def test_each_end_is_told_apart(
    ending: Ending, reading: Reading, state: StateRecord | None, says: str
) -> None:
    assert ending_of(reading, state) == ending
    assert says in headline_of(ending, reading, state)
    assert list(evidence_of(ending, reading, state, NOW))


@pytest.mark.parametrize("status", ["running", "paused", "starting", "quiet", "queued", "stopping"])
def test_what_goes_on_has_not_ended(status: str) -> None:
    assert ending_of(a_reading(status), a_state(status="running")) is None


def test_an_unknown_run_of_others_has_not_ended() -> None:
    assert ending_of(a_reading("unknown")) is None


def test_an_evaluation_that_ran_out_is_no_training_that_did() -> None:
    record = ended("cuda_oom", OOM, code=1)
    warned = WarningEvent(time=NOW, code="eval_oom", message="out", evidence={"phase": "evaluating"})
    assert ending_of(a_reading("failed", record, warnings=(warned,))) == "eval_oom"
    found = Finding(code="eval_oom", level="error", message="out", time=NOW)
    assert ending_of(a_reading("failed", record, findings=(found,))) == "eval_oom"
    log = ('  File "trainer.py", line 9, in evaluation_loop', OOM)
    assert ending_of(a_reading("failed", record, log=log)) == "eval_oom"
    assert ending_of(a_reading("failed", record, log=(OOM,))) == "cuda_oom"


def test_the_numbers_of_an_allocator_are_the_evidence() -> None:
    reading = a_reading("failed", ended("cuda_oom", OOM, code=1), log=(OOM,))
    facts = dict(evidence_of("cuda_oom", reading, None, NOW))
    assert "asked for 2.10 GiB" in facts["GPU memory"]
    assert "1.02 GiB free of 23.99 GiB" in facts["GPU memory"]
    assert facts["exit code"] == "1"


def test_memory_that_was_nearly_full_is_said_to_have_been() -> None:
    row = HardwareRow(
        time=NOW, memory_used_bytes=62 * GIB, memory_limit_bytes=64 * GIB, trainer_rss_bytes=60 * GIB
    )
    reading = a_reading("failed", ended("killed", "killed by SIGKILL", signal=KILLED), hardware=row)
    facts = dict(evidence_of("signal", reading, None, NOW))
    assert "62.0 of 64.0 GiB" in facts["memory"]
    assert "nearly all" in facts["memory"]
    assert "kill -9" in facts["signal"]


def test_where_it_was_raised_is_the_last_place_that_is_no_librarys() -> None:
    log = (
        "Traceback (most recent call last):",
        '  File "/work/train.py", line 12, in main',
        '  File "/venv/lib/python3.11/site-packages/torch/nn/module.py", line 99, in forward',
        "ValueError: no good",
    )
    facts = dict(
        evidence_of("exception", a_reading("failed", ended("error", "other", code=1), log=log), None, NOW)
    )
    assert facts["where"] == "/work/train.py, line 12, in main"
    assert facts["raised"] == "ValueError: no good"


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        (OOM, "cuda_oom"),
        ("MemoryError", "host_oom"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("KeyError: 'text'", "exception"),
    ],
)
def test_of_a_run_of_others_its_last_words_tell(last: str, ending: Ending) -> None:
    reading = a_reading("failed", source="stdout", reason=last, log=("step 1", last))
    assert ending_of(reading) == ending
    assert headline_of(ending, reading, None)


def test_what_others_wrote_reaches_nobody_as_it_is() -> None:
    nasty = "ValueError: \x1b]0;title\x07\x1b[2Jgone\r\n\u202eevil" + "x" * 5000
    reading = a_reading("failed", ended("error", nasty, code=1), log=("\x1b[31m" + nasty,))
    told = [
        headline_of("exception", reading, None),
        *dict(evidence_of("exception", reading, None, NOW)).values(),
    ]
    assert all(text.isprintable() for text in told)
    assert all(len(text) <= 400 for text in told)

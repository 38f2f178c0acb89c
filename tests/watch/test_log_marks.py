# ruff: noqa: E501 - lines as the trainers write them
"""What a log says of an end: the cause of a failure, not what its launcher says; nothing that was caught."""

from __future__ import annotations

import pytest

from tui_ft.watch.sources.log_marks import KILLED, LogMarks

FRAMES = ['Traceback (most recent call last):', '  File "train.py", line 3, in <module>', "    main()"]  # fmt: skip


def marks_of(*lines: str) -> LogMarks:
    marks = LogMarks()
    for line in lines:
        marks.see(line)
    return marks


@pytest.mark.parametrize("error", ["ValueError: bad", "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried", "KeyError: 'x'",
                                   "AssertionError", "subprocess.CalledProcessError: Command 'x' returned 1"])  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "[rank0]: ", "[rank12]:", "0: ", "(train_fn pid=77, ip=10.0.0.1) "])
def test_the_last_line_of_a_traceback_is_the_reason(error: str, prefix: str) -> None:
    assert marks_of(*(prefix + line for line in (*FRAMES, error))).failed == error


def test_the_last_of_chained_errors_is_the_reason() -> None:
    lines = [*FRAMES, "KeyError: 'x'", "", "During handling of the above exception, another exception occurred:", "",
             *FRAMES, "RuntimeError: no such model"]  # fmt: skip
    assert marks_of(*lines).failed == "RuntimeError: no such model"


def test_a_launcher_does_not_hide_the_cause() -> None:
    launcher = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:"
    assert marks_of(*FRAMES, "ValueError: bad", "", *FRAMES, launcher).failed == "ValueError: bad"
    assert marks_of(*FRAMES, launcher).failed == launcher
    marks = marks_of(*FRAMES, "ValueError: bad")
    for _ in range(5):
        marks.draws_on()  # the other ranks went on for a moment
    assert marks.failed == ""
    for line in (*FRAMES, launcher):
        marks.see(line)
    assert marks.failed == "ValueError: bad"


@pytest.mark.parametrize(
    "before", ["Exception ignored in: <function X>", "Exception in thread Thread-5:", "--- Logging error ---"]
)
def test_errors_that_end_nothing(before: str) -> None:
    assert marks_of(before, *FRAMES, "ValueError: bad").failed == ""


def test_ctrl_c_is_a_stop() -> None:
    marks = marks_of("^C" + FRAMES[0], *FRAMES[1:], "KeyboardInterrupt")
    assert marks.stopped
    assert not marks.failed


@pytest.mark.parametrize(("line", "field"), [
    ("Killed", "failed"), ("run.sh: line 3: 12345 Killed                  python train.py", "failed"),
    ("  exitcode  : -9 (pid: 4711)", "failed"), ("Segmentation fault (core dumped)", "failed"),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "failed"),
    ("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***", "failed"),
    ("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2024-01-01T00:00:00 ***", "stopped"),
    ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.", "failed"), ("Terminated", "stopped"),
    ("Training completed. Do not forget to share your model on huggingface.co/models =)", "finished"),
    ("***** train metrics *****", "finished"), ("`Trainer.fit` stopped: `max_epochs=3` reached.", "finished"),
])  # fmt: skip
def test_marks(line: str, field: str) -> None:
    marks = marks_of(line)
    assert getattr(marks, field)
    assert sum(bool(getattr(marks, name)) for name in ("failed", "stopped", "finished")) == 1


@pytest.mark.parametrize("line", ["WARNING: error rate is 3", "Killed processes: 0", "this room is default", "boom oomph",
                                  "INFO: no Exception was raised", "the Terminated state", "failed to import flash_attn"])  # fmt: skip
def test_other_lines_are_no_marks(line: str) -> None:
    marks = marks_of(line)
    assert not (marks.failed or marks.stopped or marks.finished)


def test_training_that_goes_on_makes_every_mark_void() -> None:
    marks = marks_of(*FRAMES, "ValueError: bad", "Killed")
    marks.trains_on()
    assert not (marks.failed or marks.stopped)
    marks.see_summary()
    assert marks.finished
    marks.trains_on()
    assert not marks.finished


def test_the_words_of_a_kill_name_both_causes() -> None:
    assert "kill -9" in KILLED
    assert "memory" in KILLED

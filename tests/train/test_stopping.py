"""What a stop interrupts, and what it does not: windows, shields, another thread, a forked child."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tui_ft.train.stopping import EvaluationInterrupted, StepInterrupted, StopFlag, StopRequested


@pytest.fixture
def stop() -> Iterator[StopFlag]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    flag = StopFlag()
    flag.install()
    yield flag
    for number, handler in before.items():
        signal.signal(number, handler)


def terminate() -> None:
    signal.raise_signal(signal.SIGTERM)


def test_without_a_window_only_the_flag_is_set(stop: StopFlag) -> None:
    terminate()
    assert stop.reason == "SIGTERM"
    with pytest.raises(StopRequested):
        stop.open(StopRequested)


@pytest.mark.parametrize("window", [StopRequested, StepInterrupted, EvaluationInterrupted])
def test_a_window_says_what_is_raised(stop: StopFlag, window: type[BaseException]) -> None:
    with pytest.raises(window, match="SIGTERM"), stop.opened(window):
        terminate()
    terminate()  # the window is closed again


def test_a_second_signal_leaves_in_peace_what_the_first_one_began(stop: StopFlag) -> None:
    stop.open(StepInterrupted)
    with pytest.raises(StepInterrupted):
        terminate()
    terminate()
    stop.close()
    stop.check()


def test_what_a_library_swallowed_is_raised_again(stop: StopFlag) -> None:
    stop.open(StepInterrupted)
    with pytest.raises(StepInterrupted):
        terminate()
    with pytest.raises(StepInterrupted):
        stop.check()


def test_a_shield_lets_a_row_be_written_whole(stop: StopFlag) -> None:
    written = []
    stop.open(StopRequested)
    with pytest.raises(StopRequested), stop.shielded():
        with stop.shielded():
            terminate()
            written.append("inner")
        written.append("outer")
    assert written == ["inner", "outer"]


def test_the_first_reason_is_kept(stop: StopFlag) -> None:
    stop.request("the guard: nonfinite")
    terminate()
    assert stop.reason == "the guard: nonfinite"


def test_another_thread_interrupts_a_main_thread_that_waits(stop: StopFlag) -> None:
    stop.open(StopRequested)
    threading.Timer(0.05, stop.ask, ["a friend"]).start()
    began = time.monotonic()
    with pytest.raises(StopRequested, match="a friend"):
        time.sleep(30)
    assert time.monotonic() - began < 10


def test_a_child_that_was_forked_dies_of_the_signal(stop: StopFlag) -> None:
    """A data loader of which the library has not yet set the handlers must not play the trainer."""
    stop.open(StepInterrupted)
    child = os.fork()
    if child == 0:
        terminate()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM
    assert stop.reason is None

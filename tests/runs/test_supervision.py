"""What a supervisor sees to by itself, looked at from within its own process."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from settings_written import write_settings

from tui_ft.runs import control, supervision
from tui_ft.runs.companions import Sight, Wishes
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.records import ExitRecord, RequestRecord, StateRecord, Status
from tui_ft.runs.state import read_state
from tui_ft.runs.supervision import Supervisor
from tui_ft.runs.truth import read_truth

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")


@pytest.mark.parametrize("how", ["hangs=3", "hangs=6000"])
def test_a_trainer_that_hangs_after_its_last_word_is_ended_and_its_word_counts(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It held the GPU and the queue for ever, as `running`: it takes no signal any more."""
    monkeypatch.setattr(supervision, "_LAST_WORD_S", 1.0)
    monkeypatch.setattr(supervision, "MAKERS", ())
    run = create(tmp_path / "runs", "one")
    run.attempt(1).path.mkdir(parents=True)
    supervisor = Supervisor(run, 1, StateRecord(status="starting"))
    supervisor.enter()
    trainer = supervisor.start([sys.executable, str(FAKE_TRAINER), how])
    assert trainer is not None
    if how != "hangs=3":
        bench.wait_for_step(run)  # from there on it listens
        control.request(run, "stop", by="ada")
    supervisor.watch(trainer)
    state = read_state(run)
    assert state.exit is not None and state.exit.signal == 9
    if how == "hangs=3":
        assert (state.status, state.exit.cause) == ("finished", "finished")
        assert "did not end: it was killed" in state.exit.message
    else:
        assert (state.status, state.exit.cause, state.stop_requested_by) == ("stopped", "stopped", "ada")


def test_a_stop_that_cannot_be_written_down_comes_all_the_same(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget asks once. On a full disk nobody ever read that, and it was said that the run stops."""
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3600\n")
    run = bench.start()
    control.request(run, "budget", by="ada (command)", value=8.0)  # one a second, half kept back
    bench.wait_until(lambda: read_state(run).budget == 8.0, "the budget")
    shutil.rmtree(run.control)
    bench.wait_for(run, "stopped", 20.0)
    state = read_state(run)
    assert state.stop_requested_by == "the budget"
    assert state.exit is not None and state.exit.cause == "stopped"
    assert run.list_checkpoints()


@pytest.mark.parametrize("with_root", [False, True])
def test_a_run_whose_directory_is_moved_saves_to_where_it_lies_and_stops(bench: Any, with_root: bool) -> None:
    """It was killed without a save, like one that was removed."""
    run = bench.start()
    bench.wait_for_step(run)
    both = [bench.process(run, role) for role in ("supervisor", "trainer")]
    there = bench.root.with_name("elsewhere") / run.id
    if with_root:
        bench.root.rename(there.parent)
    else:
        there.parent.mkdir()
        run.path.rename(there)
    moved = type(run)(there)
    bench.wait_until(lambda: not any(bench.lives(one) for one in both), "both gone", 20.0)
    assert not os.path.lexists(run.path)
    assert bench.root.exists() is not with_root
    truth = read_truth(moved)
    assert truth.status == "stopped" and truth.state is not None
    assert truth.state.stop_requested_by == supervision.MOVER
    assert [step for step, _ in moved.list_checkpoints()] == [bench.steps(moved)]


def test_a_stop_that_cannot_wait_kills_though_it_cannot_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient:
        """Asks once, as soon as the trainer is deaf."""

        def __init__(self, run: RunDirectory) -> None:
            self.run, self.has_asked = run, False

        def poll(self, sight: Sight) -> Wishes:
            if self.has_asked or sight.follower.status != "running":
                return Wishes()
            self.has_asked = True
            shutil.rmtree(self.run.control)
            return Wishes(requests=[RequestRecord(request="stop", time=1.0, by="the guard: hang", now=True)])

        def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
            return Wishes()

    monkeypatch.setattr(supervision, "MAKERS", (lambda run, state: Impatient(run),))
    run = create(tmp_path / "runs", "one")
    run.attempt(1).path.mkdir(parents=True)
    supervisor = Supervisor(run, 1, StateRecord(status="starting"))
    trainer = supervisor.start([sys.executable, str(FAKE_TRAINER), "deaf"])
    assert trainer is not None
    supervisor.watch(trainer)
    state = read_state(run)
    assert (state.status, state.stop_requested_by) == ("stopped", "the guard: hang")
    assert state.exit is not None and state.exit.signal == 9

"""What is said of a run is said of its newest attempt: what an earlier one met may be cured."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoint_made import save
from synthetic_run import SyntheticRun

from tui_ft.runs.attempt_output import opening_line
from tui_ft.runs.records import AttemptEvent, CheckpointEvent, ExitRecord, PhaseEvent, WarningEvent
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import dumps
from tui_ft.tui.run_alerts import standing_alert
from tui_ft.watch.ending_words import oom_evidence
from tui_ft.watch.endings import was_evaluating
from tui_ft.watch.post_mortem import post_mortem
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole
from tui_ft.watch.seen import Seen, keep_look
from tui_ft.watch.since import since, since_last_look
from tui_ft.watch.sources.tui_ft import TuiFtSource

OOM = "The GPU ran out of memory. It happened while evaluating, after step 60."


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def read(made: SyntheticRun) -> Reading:
    return read_whole(TuiFtSource(made.run, clock=lambda: made.now))


def first_attempt(made: SyntheticRun) -> None:
    """Sixty steps with two checkpoints, then the GPU's memory does not suffice."""
    made.keep_spec(dumps(overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"])))
    made.begin_training()
    made.advance(60)
    evidence = {"phase": "evaluating", "asked_gib": 2.1}
    made.event(WarningEvent(time=made.now, code="eval_oom", message=OOM, evidence=evidence))
    made.log("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.10 GiB")
    for step in (30, 60):
        path = str(made.run.checkpoint(step))
        made.event(CheckpointEvent(time=made.now, step=step, path=path, bytes=1, files={"a": 1}, seconds=1.0))


def second_attempt(made: SyntheticRun, step: int, *, later_s: float = 60.0) -> None:
    made.now += later_s
    made.set_state("running", attempt=2, started_at=made.now, processes=[])
    made.run.attempt(2).path.mkdir(parents=True)
    made.run.attempt(2).spec.write_bytes(made.run.attempt(1).spec.read_bytes())
    made.log(opening_line(2).rstrip())
    made.event(AttemptEvent(time=made.now, attempt=2, step=step))
    made.step = step
    made.event(PhaseEvent(time=made.now, phase="training", step=step, total_steps=made.total_steps))


def test_a_warning_of_the_attempt_before_is_no_alert_now(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        first_attempt(made)
        made.live_here()
        assert standing_alert(read(made))[1] == OOM
        assert was_evaluating(read(made)) and oom_evidence(read(made))["asked_gib"] == 2.1
        second_attempt(made, 30)
        made.live_here()
        made.advance(5)
        reading = read(made)
    assert reading.warnings and not reading.attempt_warnings
    assert standing_alert(reading) == ("", "", "good")
    assert not was_evaluating(reading) and oom_evidence(reading) == {}


def test_the_checkpoint_that_is_named_is_there(tmp_path: Path) -> None:
    """A resume from 30 puts that of 60 aside."""
    with SyntheticRun(tmp_path, total_steps=120) as made:
        first_attempt(made)
        second_attempt(made, 30)
        save(made.run, 30)
        made.advance(5)
        made.set_state("failed", processes=[], exit=ExitRecord(cause="error", message="ValueError: no."))
        reading = read(made)
        assert [kept.step for kept in reading.checkpoints] == [30]
        assert "checkpoint of step 30" in standing_alert(reading)[1]
        save(made.run, 20)
        (made.run.checkpoint(30) / "optimizer.pt").unlink()
        post = post_mortem(reading, made.run, made.now)
    assert "checkpoint of step 20" in standing_alert(reading, post)[1], "the newest that is whole"


def test_an_evaluation_without_memory_says_nothing_against_the_training(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        first_attempt(made)
        made.set_state("failed", processes=[], exit=ExitRecord(cause="cuda_oom", message=OOM))
        reading = read(made)
        post = post_mortem(reading, made.run, made.now)
    assert post is not None and post.ending == "eval_oom"
    assert "batch_size" not in standing_alert(reading, post)[1]


def test_steps_since_a_look_are_counted_from_where_it_began_again(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        first_attempt(made)
        left = Seen(at=made.now, step=60, status="running", attempt=1)
        second_attempt(made, 30)
        made.advance(20)
        told = since(read(made), left, made.now)
    assert (told.steps, told.step, told.attempts) == (20, 50, 1)


def test_the_command_tells_the_money_since_the_last_look(tmp_path: Path) -> None:
    (tmp_path / "config" / "tui-ft").mkdir(parents=True)
    (tmp_path / "config" / "tui-ft" / "settings.toml").write_text("price_per_hour = 3600.0\n")
    with SyntheticRun(tmp_path, total_steps=120, step_s=1.0) as made:
        made.keep_spec(dumps(overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"])))
        made.begin_training()
        made.advance(40)
        keep_look(str(made.run.path), Seen(at=made.now, step=40, status="running", held_s=40.0))
        made.advance(40)
        made.finish()
        told = since_last_look(read(made), made.now)
    assert told is not None and told.money.startswith("$4")

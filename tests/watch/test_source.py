"""The source of our own runs: what it reads agrees with the files, whatever state they are in."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from synthetic_run import START, SyntheticRun

from tui_ft.runs.records import (
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    HardwareRow,
    JsonLinesWriter,
    PhaseEvent,
)
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json, as_text, read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource
from tui_ft.watch.tail import Tail


@pytest.fixture
def made(tmp_path: Path) -> SyntheticRun:
    return SyntheticRun(tmp_path, total_steps=120)


def read(run: SyntheticRun) -> Reading:
    return read_whole(TuiFtSource(run.run, clock=lambda: run.now))


def test_a_finished_run_is_read_whole(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(120)
    made.finish()
    reading = read(made)
    assert (reading.status, reading.step, reading.total_steps) == ("finished", 120, 120)
    assert reading.epoch == 3.0
    assert len(reading.series["loss"]) == 120
    assert len(reading.series["eval_loss"]) == 12
    assert "time" not in reading.series
    assert reading.series["learning_rate"].last == (120.0, 0.0)
    assert [sample.when for sample in reading.samples] == ["before", "after"]
    assert reading.end is not None
    assert reading.end.result == str(made.run.result)
    assert reading.memory is not None
    assert reading.memory.is_gpu
    assert reading.memory.total_gib == 24
    assert reading.log[-1] == "the last line of the log"
    assert reading.is_complete


def test_json_is_strict_and_counts_points(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(3)
    made.advance(1, loss=math.nan)
    made.advance(1, loss=math.inf)
    report = json.loads(json.dumps(as_json(read(made)), allow_nan=False))
    loss = report["series"]["loss"]
    assert (loss["points"], loss["nonfinite"], loss["last"]) == (5, 2, [5, "Infinity"])
    assert loss["first"][0] == 1
    assert loss["min"] <= loss["max"]
    assert report["schema"] == 1
    assert report["source"] == "tui_ft"
    assert report["restarts"] == 0
    assert "2 not finite" in as_text(read(made))


def test_what_is_torn_is_not_there_yet_and_what_is_bad_is_counted(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(2)
    with made.run.metrics.open("ab") as file:
        file.write(b'not json\n{"step": "three", "loss": 1.0}\n[1]\n\xff\xfe\n{"step": 3, "loss"')
    source = TuiFtSource(made.run, clock=lambda: made.now)
    reading = read_whole(source)
    assert len(reading.series["loss"]) == 2
    assert reading.bad_records == 4
    assert reading.notes == ("4 bad lines left out.",)
    with made.run.metrics.open("ab") as file:
        file.write(b': 0.5, "unheard_of": 7}\n')
    assert source.poll()
    assert source.reading.last("loss") == 0.5
    assert source.reading.last("unheard_of") == 7.0


def test_nothing_new_is_no_change(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(10)
    source = TuiFtSource(made.run, clock=lambda: made.now)
    read_whole(source)
    assert not source.poll()
    made.advance(1)
    assert source.poll()
    assert source.reading.step == 11


def test_a_resumed_run_says_where_it_went_on_and_the_last_value_of_a_step_wins(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(15)
    made.event(AttemptEvent(time=made.now, attempt=2, step=10, checkpoint="checkpoint-10"))
    made.step = 10
    made.advance(3, loss=9.0)
    reading = read(made)
    assert reading.restarts == 1
    assert 10.0 in reading.restart_steps
    assert reading.attempt == 2
    assert reading.step == 13
    assert len(reading.series["loss"]) == 15
    assert list(reading.series["loss"].values[10:13]) == [9.0, 9.0, 9.0]
    assert reading.series["loss"].last == (13.0, 9.0)


def test_status_and_phase_agree_though_the_state_follows_later(made: SyntheticRun) -> None:
    made.live_here()
    source = TuiFtSource(made.run, clock=lambda: made.now)

    def seen() -> tuple[str, str | None]:
        source.poll()
        activity = source.reading.activity
        return source.reading.status, activity.phase if activity is not None else None

    made.event(PhaseEvent(time=made.now, phase="loading model", step=0))
    assert seen() == ("starting", "loading model")
    made.event(PhaseEvent(time=made.now, phase="training", step=0, total_steps=120))
    assert made.state.status == "starting"
    assert seen() == ("running", "training")
    made.event(PhaseEvent(time=made.now, phase="paused", step=4))
    assert seen() == ("paused", "paused")
    made.event(PhaseEvent(time=made.now, phase="training", step=4))
    made.set_state("stopping")
    source = TuiFtSource(made.run, clock=lambda: made.now)
    assert seen() == ("stopping", "training")


def test_a_resume_that_loads_shows_where_it_goes_on_not_how_far_the_attempt_before_came(
    made: SyntheticRun,
) -> None:
    made.begin_training()
    made.live_here()
    made.advance(115)
    made.set_state("starting", attempt=2)
    launched = read(made)
    assert (launched.status, launched.activity, launched.step, launched.epoch) == (
        "starting",
        None,
        None,
        None,
    )
    made.now += 60
    made.event(AttemptEvent(time=made.now, attempt=2, step=90, checkpoint="checkpoint-90"))
    assert (read(made).status, read(made).activity, read(made).step) == ("starting", None, 90)
    made.event(PhaseEvent(time=made.now, phase="loading libraries", step=90))
    loading = read(made)
    assert (loading.status, loading.step, loading.total_steps, loading.epoch) == ("starting", 90, 120, None)
    made.event(PhaseEvent(time=made.now, phase="training", step=90, total_steps=120))
    assert (read(made).status, read(made).step) == ("running", 90), "before the first row, too"
    made.step = 90
    made.advance(2)
    assert (read(made).step, read(made).epoch) == (92, 2.3)


def test_a_checkpoint_that_was_taken_away_is_known_as_saved_only(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(60)
    for step, removed in ((90, ["checkpoint-30"]), (91, [str(made.run.checkpoint(60))])):
        path = str(made.run.checkpoint(step))
        made.event(CheckpointEvent(time=made.now, step=step, path=path, bytes=1, files={}, seconds=0.1,
                                   removed=removed))  # fmt: skip
    reading = read(made)
    assert [kept.step for kept in reading.checkpoints] == [90, 91]
    assert reading.checkpoint_steps == (30, 60, 90, 91)


def test_a_file_that_shrank_is_read_again(made: SyntheticRun) -> None:
    made.begin_training()
    made.advance(20)
    source = TuiFtSource(made.run, clock=lambda: made.now)
    read_whole(source)
    made.run.metrics.write_bytes(b'{"step": 1, "time": 1.0, "loss": 4.0}\n')
    assert source.poll()
    assert len(source.reading.series["loss"]) == 1


def test_a_long_history_is_read_in_slices(made: SyntheticRun) -> None:
    made.begin_training()
    rows = "".join(json.dumps({"step": i, "time": 1.0, "loss": 1.0 / i}) + "\n" for i in range(1, 30_001))
    made.run.metrics.write_text(rows)
    source = TuiFtSource(made.run, clock=lambda: made.now)
    source.poll(0.0)
    assert 0 < len(source.reading.series["loss"]) < 30_000
    assert not source.reading.is_complete
    assert len(read_whole(source).series["loss"]) == 30_000


def test_phases_carry_their_progress(made: SyntheticRun) -> None:
    made.event(PhaseEvent(time=START + 1, phase="downloading", detail="model.safetensors"))
    made.event(BeatEvent(time=START + 9, phase="downloading", done=5, total=10, unit="bytes"))
    activity = read(made).activity
    assert activity is not None
    assert (activity.phase, activity.since, activity.done, activity.total) == (
        "downloading",
        START + 1,
        5,
        10,
    )
    assert activity.detail == "model.safetensors"


def test_on_a_box_without_a_gpu_the_trainers_memory_counts(tmp_path: Path) -> None:
    made = SyntheticRun(tmp_path, gpu=False)
    made.begin_training()
    made.advance(8)
    memory = read(made).memory
    assert memory is not None
    assert not memory.is_gpu
    assert memory.total_gib == 16
    assert memory.free_gib == 11


def test_names_of_others_lose_their_control_characters(made: SyntheticRun) -> None:
    made.set_state("finished", name="evil\x1b[2Jname", model="m\x07")
    reading = read(made)
    assert (reading.title, reading.model) == ("evilname", "m")


def test_a_directory_without_state_is_unknown_and_says_so(made: SyntheticRun) -> None:
    made.run.state.unlink()
    reading = read(made)
    assert reading.status == "unknown"
    assert reading.reason


@pytest.mark.parametrize("gpu", [True, False])
def test_the_memory_of_a_trainer_that_has_gone_is_the_last_that_was_known(tmp_path: Path, gpu: bool) -> None:
    with SyntheticRun(tmp_path, total_steps=20, gpu=gpu) as made:
        made.begin_training()
        made.advance(20)
        before = read(made).memory
        made.finish()
        rows = JsonLinesWriter(made.run.hardware)
        rows.write(HardwareRow(time=made.now + 1, gpus=[], memory_used_bytes=1, memory_limit_bytes=2))
        rows.close()
        after = read(made).memory
    assert before is not None and after is not None
    assert after.used_gib is not None
    assert (after.is_gpu, after.used_gib, after.total_gib, after.free_gib) == (
        gpu, before.used_gib, before.total_gib, before.free_gib,
    )  # fmt: skip


@pytest.mark.parametrize("grows_by", [0, 40])
def test_a_file_written_anew_in_place_within_one_poll_is_no_mixture(tmp_path: Path, grows_by: int) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b"".join(b'{"step": %d, "loss": 1.0}\n' % step for step in range(100, 200)))
    tail = Tail(path)
    tail.read()
    with path.open("r+b") as file:  # the same inode, no shorter than before
        file.truncate()
        file.write(b"".join(b'{"step": %d, "loss": 2.0}\n' % step for step in range(300, 400 + grows_by)))
    data = tail.read()
    assert tail.restarted
    assert data.count(b"\n") == 100 + grows_by
    assert not tail.read()
    assert not tail.restarted

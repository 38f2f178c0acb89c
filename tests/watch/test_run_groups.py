"""Several sources of one run are one run: event files, W&B and databases beside what the trainer wrote."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from foreign_writers import START, EventFile, WandbFile, scalar
from run_folders import NOON, TRACEBACK, hf_state, losses, metrics_csv, screen_log, trainer_log, write

from tui_ft.hardware import processes
from tui_ft.watch import finding, report
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.writers import Writer
from tui_ft.watch.reading import Reading
from tui_ft.watch.searching import Search


def events(
    folder: Path, values: Sequence[float], *, first: int = 1, start: float = START, pid: int = 1,
    tag: str = "train/loss",
) -> Path:  # fmt: skip
    with EventFile(folder, start=start, pid=pid) as file:
        for step, value in enumerate(values, first):
            file.add(start + step - first, step, scalar(tag, value))
    return file.path


def wandb(
    folder: Path, values: Sequence[float], *, name: str = "a1b2c3d4", start: float = START,
    config: Mapping[str, object] | None = None, has_global_step: bool = True, first: int = 1,
) -> Path:  # fmt: skip
    with WandbFile(folder / "wandb", name, config=config) as file:
        for step, value in enumerate(values, first):
            row = {"train/loss": value, **({"train/global_step": step} if has_global_step else {})}
            file.log(start + step, row)
    return file.path


def found(path: Path) -> dict[str, list[str]]:
    return {run.path.name: [place.format for place in run.places] for run in finding.find_runs(path, NOON)}


def read(run: FoundRun) -> Reading:
    return report.read_whole(open_run(run, lambda: NOON, lambda paths: ()))


def test_state_events_and_wandb_of_one_training_are_one_run(tmp_path: Path) -> None:
    values = losses()
    hf_state(tmp_path / "outputs", values)
    events(tmp_path / "outputs/runs/Nov21_00-00-00_box", values)
    file = wandb(tmp_path, values)
    (tmp_path / "wandb/latest-run").symlink_to(file.parent)
    assert found(tmp_path) == {"outputs": ["wandb", "tensorboard", "hf_trainer_state"]}
    assert found(tmp_path / "wandb/latest-run") == {file.parent.name: ["wandb"]}
    reading = read(finding.find_runs(tmp_path, NOON)[0])
    assert reading.borrowed["grad_norm"] == "hf_trainer_state"


def test_a_resumed_training_has_two_event_folders_and_is_one_run(tmp_path: Path) -> None:
    values = losses(40)
    hf_state(tmp_path / "out", values)
    events(tmp_path / "out/runs/first", values[:25])
    events(tmp_path / "out/runs/second", values[20:], first=21, start=START + 9999, pid=2)
    assert found(tmp_path) == {"out": ["tensorboard", "hf_trainer_state"]}
    reading = read(finding.find_runs(tmp_path, NOON)[0])
    assert (reading.source, reading.step) == ("tensorboard", 40)
    assert len(reading.series["loss"]) == 40
    assert reading.restarts == 1


def test_an_older_training_into_the_same_folder_stays_a_run_of_its_own(tmp_path: Path) -> None:
    hf_state(tmp_path / "out", losses(seed=2))
    events(tmp_path / "out/runs/first", losses(seed=1))
    events(tmp_path / "out/runs/second", losses(seed=2), start=START + 9999, pid=2)
    assert found(tmp_path) == {"out": ["tensorboard", "hf_trainer_state"], "first": ["tensorboard"]}


def test_many_trainings_of_one_script_keep_their_own_wandb_runs(tmp_path: Path) -> None:
    for seed, name in enumerate(("aaaaaaaa", "bbbbbbbb", "cccccccc")):
        hf_state(tmp_path / f"outputs/{name}", losses(seed=seed))
        wandb(tmp_path, losses(seed=seed), name=name, start=START + 5000 * seed)
    for run in finding.find_runs(tmp_path, NOON):
        assert [place.format for place in run.places] == ["wandb", "hf_trainer_state"]
        assert run.path.name in run.places[0].path.name


def test_steps_of_its_own_do_not_keep_wandb_from_its_run(tmp_path: Path) -> None:
    hf_state(tmp_path / "outputs", losses())
    wandb(tmp_path, losses(), has_global_step=False)
    assert found(tmp_path) == {"outputs": ["wandb", "hf_trainer_state"]}
    reading = read(finding.find_runs(tmp_path, NOON)[0])
    assert reading.borrowed == {}, "series by other steps are not laid over each other"


def test_settings_that_name_the_output_folder_tie_what_has_no_points_yet(tmp_path: Path) -> None:
    hf_state(tmp_path / "saves/one", losses(seed=1))
    hf_state(tmp_path / "saves/two", losses(seed=2))
    wandb(tmp_path, [], config={"output_dir": "saves/two"})
    by_path = found(tmp_path)
    assert sorted(by_path["two"]) == ["hf_trainer_state", "wandb"]
    assert by_path["one"] == ["hf_trainer_state"]


def test_what_wandb_keeps_of_a_run_is_no_other_run(tmp_path: Path) -> None:
    file = wandb(tmp_path, losses())
    screen_log(file.parent / "files/output.log", losses(seed=9))
    assert [len(formats) for formats in found(tmp_path).values()] in ([1], [2])
    assert len(found(tmp_path)) == 1


def test_while_its_process_lives_a_wrong_clock_in_the_rows_does_not_make_it_quiet(tmp_path: Path) -> None:
    file = events(tmp_path / "runs/one", losses())
    os.utime(file, (NOON - 5, NOON - 5))
    me = Writer(os.getpid(), processes.start_time(os.getpid()) or 0)
    (run,) = finding.find_runs(tmp_path, NOON)
    assert report.read_whole(open_run(run, lambda: NOON, lambda paths: (me,))).status == "running"
    assert report.read_whole(open_run(run, lambda: NOON, lambda paths: ())).status == "unknown"


def test_csv_and_events_of_one_lightning_version_are_one_run(tmp_path: Path) -> None:
    for version in (0, 1):
        folder = tmp_path / f"lightning_logs/version_{version}"
        metrics_csv(folder, losses(seed=version))
        events(folder, losses(seed=version), first=0, tag="train_loss", pid=version + 1)
    runs = finding.find_runs(tmp_path, NOON)
    assert [[place.format for place in run.places] for run in runs] == [["tensorboard", "lightning_csv"]] * 2


def test_runs_of_one_database_stay_apart_and_are_opened_by_their_names(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    connection = sqlite3.connect(database)
    with connection:
        connection.execute(
            "create table runs (run_uuid text, name text, status text, start_time int, end_time int,"
            " lifecycle_stage text)"
        )
        connection.execute(
            "create table metrics (key text, value real, timestamp int, run_uuid text, step int, is_nan int)"
        )
        for table in ("params", "tags"):
            connection.execute(f"create table {table} (key text, value text, run_uuid text)")
        for number, name in enumerate(("a" * 32, "b" * 32)):
            start = int(START + 1000 * number) * 1000
            connection.execute(
                "insert into runs values (?, ?, 'FINISHED', ?, ?, 'active')",
                (name, f"run {number}", start, start + 60_000),
            )
            rows = [
                ("loss", value, start + 1000 * step, name, step, 0)
                for step, value in enumerate(losses(seed=number), 1)
            ]
            connection.executemany("insert into metrics values (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    runs = finding.find_runs(tmp_path, NOON)
    assert [run.path.name for run in runs] == ["b" * 32, "a" * 32]
    for run in runs:
        again = finding.resolve(tmp_path, str(run.path), NOON)
        assert (again.path, again.siblings) == (run.path, ())
        assert read(again).status == "finished"


def test_a_resumed_wandb_run_is_one_run_that_shows_where_it_is_now(tmp_path: Path) -> None:
    values = losses(40)
    before = wandb(tmp_path, values[:20], name="aaaaaaaa")
    before.parent.rename(before.parent.with_name("offline-run-20261120_000000-aaaaaaaa"))
    wandb(tmp_path, values[20:], name="aaaaaaaa", start=START + 9999, first=21)
    (run,) = finding.find_runs(tmp_path, NOON)
    assert [place.format for place in run.places] == ["wandb"]
    reading = read(run)
    assert (reading.step, len(reading.series["loss"]), reading.restarts) == (40, 40, 0)


def test_the_curve_of_a_resumed_wandb_run_has_a_mark_where_its_steps_go_back(tmp_path: Path) -> None:
    values = losses(50)
    before = wandb(tmp_path, values[:30], name="aaaaaaaa")
    with before.open("ab") as torn:
        torn.write(b"half a record")
    before.parent.rename(before.parent.with_name("offline-run-20261120_000000-aaaaaaaa"))
    with WandbFile(tmp_path / "wandb", "aaaaaaaa") as file:
        for step in range(21, 41):
            file.log(START + 9999 + step, {"train/loss": values[step - 1], "train/global_step": step})
        file.flush()
        (run,) = finding.find_runs(tmp_path, NOON)
        source = open_run(run, lambda: NOON, lambda paths: ())
        reading = report.read_whole(source)
        assert (reading.step, len(reading.series["loss"]), reading.restart_steps) == (40, 40, (21,))
        assert list(reading.series["loss"].values) == pytest.approx(values[:40])
        file.log(START + 10_050, {"train/loss": values[40], "train/global_step": 41})
        file.exit()
        file.flush()
        source.poll(1.0)
    assert (source.reading.step, source.reading.status) == (41, "finished")


def test_processes_that_write_one_wandb_run_side_by_side_are_no_one_curve(tmp_path: Path) -> None:
    first = wandb(tmp_path, losses(40, seed=1), name="aaaaaaaa")
    first.parent.rename(first.parent.with_name("run-20261121_000001-aaaaaaaa"))
    wandb(tmp_path, losses(40, seed=2), name="aaaaaaaa")
    (run,) = finding.find_runs(tmp_path, NOON)
    assert [place.format for place in run.places] == ["wandb", "wandb"]
    assert len(read(run).series["loss"]) == 40


def test_a_wandb_run_that_is_resumed_while_it_is_watched_goes_on(tmp_path: Path) -> None:
    values = losses(40)
    before = wandb(tmp_path, values[:20], name="aaaaaaaa")
    before.parent.rename(before.parent.with_name("offline-run-20261120_000000-aaaaaaaa"))
    (known,) = finding.find_runs(tmp_path, NOON)
    after = wandb(tmp_path, values[20:], name="aaaaaaaa", start=START + 9999, first=21)
    new = Search(time.time).new_places(known.places)
    assert [place.files for place in new] == [(after,)]


@pytest.mark.parametrize("log", ["train.log", "work/nohup.out"])
def test_a_log_that_holds_only_the_traceback_tells_how_the_run_ended(tmp_path: Path, log: str) -> None:
    values = losses()
    file = events(tmp_path / "work/runs/tiny", values)
    end = START + len(values)
    os.utime(file, (end, end))
    write(tmp_path / "work/notes.log", "nothing of a run\n", end)
    write(tmp_path / "work/data.log", "\0\1\2" * 99, end)
    write(tmp_path / log, TRACEBACK, end + 2)
    (run,) = finding.find_runs(tmp_path, NOON)
    reading = read(run)
    assert (reading.source, reading.status) == ("tensorboard", "failed")
    assert "the data ran out" in reading.reason


def test_a_traceback_of_something_else_is_of_no_run(tmp_path: Path) -> None:
    values = losses()
    for name in ("one", "two"):
        file = events(tmp_path / f"runs/{name}", values)
        os.utime(file, (START + 20, START + 20))
    write(tmp_path / "train.log", TRACEBACK, START + 22)
    assert [read(run).status for run in finding.find_runs(tmp_path, NOON)] == ["unknown", "unknown"]
    trainer_log(tmp_path / "other/out", values, is_over=True, at=START)
    write(tmp_path / "other/eval.log", TRACEBACK, START + 60)
    assert [read(run).status for run in finding.find_runs(tmp_path / "other", NOON)] == ["finished"]
    hf_state(tmp_path / "late/out", values, total=50, at=START)
    write(tmp_path / "late/train.log", TRACEBACK, START + 9000)
    assert [read(run).status for run in finding.find_runs(tmp_path / "late", NOON)] == ["unknown"]


def test_checkpoints_on_another_disk_are_those_of_their_output_folder(tmp_path: Path) -> None:
    values = losses(30)
    out = tmp_path / "work/out"
    out.mkdir(parents=True)
    for step in (10, 20, 30):
        hf_state(tmp_path / f"disk/ck/checkpoint-{step}", values[:step], total=30)
        (out / f"checkpoint-{step}").symlink_to(tmp_path / f"disk/ck/checkpoint-{step}")
    for top in (out, tmp_path / "work"):
        (run,) = finding.find_runs(top, NOON)
        reading = read(run)
        assert (run.path, reading.step, reading.status) == (out, 30, "finished")
        assert reading.checkpoint_steps == (10, 20, 30)


def test_logs_of_the_ranks_of_one_run_are_one_run(tmp_path: Path) -> None:
    for rank in range(4):  # the losses of ranks differ
        rows = [f"step {step} loss {value + rank / 50:.4f}\n" for step, value in enumerate(losses(), 1)]
        write(tmp_path / f"logs/rank_{rank}.log", "".join(rows))
    (run,) = finding.find_runs(tmp_path, NOON)
    assert len(run.places) == 4
    assert read(run).series["loss"].last == (20, round(losses()[-1], 4))

"""A run directory that was copied: what it reads is found again where it lies now, or asked for."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import checkpoint_made
import pytest
from checkpoint_made import save

from tui_ft.data.content import content_hash
from tui_ft.data.model_identity import identity_of
from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, control, launch, moving
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

FAKE = [sys.executable, str(Path(__file__).with_name("fake_trainer.py"))]


@pytest.fixture
def old(bench, tmp_path: Path, model_folder: Path, data_file: Path) -> RunDirectory:
    """A run that was stopped on the old machine, with what its trainer wrote of rows and model."""
    run = bench.start("forever")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    for _, folder in run.list_checkpoints():
        shutil.rmtree(folder)
    save(run, 3)
    identity = identity_of(model_folder)
    assert identity is not None
    run.attempt(1).data.write_text(json.dumps({"content_hash": content_hash([data_file])}))
    run.attempt(1).environment.write_text(json.dumps({"model": {"content_hash": identity.content_hash}}))
    return run


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / "new box"
    folder.mkdir()
    return folder


def copied(run: RunDirectory, to: Path) -> RunDirectory:
    to.mkdir(parents=True, exist_ok=True)
    shutil.move(run.path, to / run.id)
    return RunDirectory(to / run.id)


def spec_of(run: RunDirectory, attempt: int = 2):
    return toml.load(run.attempt(attempt).spec)


def test_what_moved_with_the_run_is_found_again(
    bench, old: RunDirectory, box: Path, model_folder: Path, data_file: Path
) -> None:
    run = copied(old, box / "runs")
    shutil.move(model_folder, box / "model")
    shutil.move(data_file, box / data_file.name)
    bench.root = box / "runs"
    launch.resume(run, trainer=[*FAKE, "steps=5"])
    bench.wait_for(run, "finished")
    assert spec_of(run).model.id == str(box / "model")
    assert spec_of(run).data.train == str(box / data_file.name)
    assert read_state(run).attempt == 2
    lines = moving.describe(spec_of(run, 1), spec_of(run))
    assert lines == [
        f"base model: {model_folder} → {box / 'model'}",
        f"training data: {data_file} → {box / data_file.name}",
    ]


def test_checkpoints_name_the_base_model_where_it_lies_now(
    old: RunDirectory, box: Path, model_folder: Path, bench, monkeypatch
) -> None:
    config = {"base_model_name_or_path": str(model_folder), "r": 4}
    monkeypatch.setitem(checkpoint_made.FILES, "adapter_config.json", json.dumps(config).encode())
    save(old, 6)
    run = copied(old, box / "runs")
    shutil.move(model_folder, box / "model")
    bench.root = box / "runs"
    launch.resume(run, trainer=[*FAKE, "steps=9"])
    bench.wait_for(run, "finished")
    folder = run.checkpoint(6)
    assert json.loads((folder / "adapter_config.json").read_text()) == config | {
        "base_model_name_or_path": str(box / "model")
    }
    assert checkpoints.verify(folder) is None
    assert not list(run.checkpoints.glob(".*"))


def test_what_is_not_here_is_asked_for_by_name(
    old: RunDirectory, box: Path, model_folder: Path, data_file: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(box)
    run = copied(old, box / "deep" / "runs")
    shutil.move(model_folder, tmp_path / "the model")
    before = run.state.read_bytes()
    with pytest.raises(TuiFtError, match=r"base model of .* is not here") as caught:
        launch.resume(run, trainer=["/bin/true"])
    assert "--set model.id=DIR" in caught.value.hint
    shutil.move(data_file, tmp_path / "the rows.jsonl")
    with pytest.raises(TuiFtError, match=r"training data of .* is not here") as caught:
        launch.resume(run, [f"model.id={tmp_path / 'the model'}"], trainer=["/bin/true"])
    assert "--set data.train=FILE" in caught.value.hint
    assert run.state.read_bytes() == before
    spec = launch.check_changes(
        run, [f"model.id={tmp_path / 'the model'}", f"data.train={tmp_path / 'the rows.jsonl'}"]
    )
    assert spec.model.id == str(tmp_path / "the model")


def test_other_rows_or_another_model_in_the_old_place_s_stead_are_refused(
    old: RunDirectory, box: Path, model_folder: Path, data_file: Path
) -> None:
    rows = box / data_file.name
    rows.write_text(data_file.read_text().replace("Yes.", "No."))
    with pytest.raises(TuiFtError, match="not those that"):
        launch.check_changes(old, [f"data.train={rows}"])
    other = box / "model"
    shutil.copytree(model_folder, other)
    assert launch.check_changes(old, [f"model.id={other}"]).model.id == str(other)
    (other / "config.json").write_text('{"model_type": "llama", "hidden_size": 5}')
    with pytest.raises(TuiFtError, match="not the one that"):
        launch.check_changes(old, [f"model.id={other}"])


def test_the_same_rows_in_another_file_are_taken_even_while_the_old_one_is_there(
    old: RunDirectory, box: Path, data_file: Path
) -> None:
    same = box / "renamed.jsonl"
    shutil.copy(data_file, same)
    assert launch.check_changes(old, [f"data.train={same}"]).data.train == str(same)


def test_a_model_that_nothing_proves_is_not_taken_for_one_that_is_there(
    old: RunDirectory, box: Path, model_folder: Path
) -> None:
    old.attempt(1).environment.unlink()
    shutil.copytree(model_folder, box / "model")
    with pytest.raises(TuiFtError, match="nothing proves"):
        launch.check_changes(old, [f"model.id={box / 'model'}"])


def test_a_model_of_the_hub_s_cache_is_found_in_the_cache_of_this_machine(
    bench, spec, model_folder: Path, box: Path, monkeypatch
) -> None:
    snapshot = Path("hub/models--org--name/snapshots") / ("ab" * 20)
    there = Path("/old/machine") / snapshot
    here = box / snapshot
    shutil.copytree(model_folder, here)
    monkeypatch.setenv("HF_HOME", str(box))
    run = bench.start("steps=1", until="finished")
    text = toml.read(run.attempt(1).spec).replace(str(model_folder), str(there))
    run.attempt(1).spec.write_text(text)
    found = moving.found_again(run, 1, toml.load(run.attempt(1).spec), [])
    assert found.model.id == str(here)


def test_a_launch_record_of_a_stranger_leads_nowhere_it_should_not(
    old: RunDirectory, box: Path, data_file: Path, monkeypatch
) -> None:
    """What a copied directory claims is looked at as a place only: the rows must have the right hash."""
    monkeypatch.chdir(box)
    run = copied(old, box / "runs")
    (box / data_file.name).write_text('{"instruction": "other", "output": "rows"}\n')
    data_file.unlink()
    run.attempt(1).launch.write_text(json.dumps({"time": 0, "run": "\x1b[2Jx", "folder": "../../.."}))
    with pytest.raises(TuiFtError, match="not those that"):
        launch.check_changes(run, [])


def test_a_run_that_moved_twice_is_looked_for_beside_its_last_place(tmp_path: Path) -> None:
    """Its spec names the places of the second machine, of which the first launch knows nothing."""
    run = RunDirectory(tmp_path / "third" / "runs" / "20260101-twice-abcd")
    for number, place in ((1, "first"), (2, "second")):
        run.attempt(number).path.mkdir(parents=True)
        launched = {"time": 0.0, "run": str(tmp_path / place / "runs" / run.id)}
        run.attempt(number).launch.write_text(json.dumps(launched))
    rows = tmp_path / "third" / "deep" / "data" / "rows.jsonl"
    rows.parent.mkdir(parents=True)
    rows.write_text("{}")
    there = tmp_path / "second" / "deep" / "data" / "rows.jsonl"
    spec = overrides.apply(RunSpec(), ["model.id=demo", f"data.train={there}"])
    assert moving.found_again(run, 2, spec, ()).data.train == str(rows)

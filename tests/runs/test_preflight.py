"""What is refused before anything is made: each in one sentence with a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs import choosing, launch, preflight
from tui_ft.runs.model_folder import check_model_folder
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec


def refused(spec: RunSpec, root: Path, *changes: str) -> str:
    """Launch with `changes`; return the sentence, after checking that nothing was left behind."""
    with pytest.raises(TuiFtError) as caught:
        launch.start(overrides.apply(spec, list(changes)), root, trainer=["/bin/true"])
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert not root.exists() or list(root.iterdir()) == []
    return caught.value.message


def test_a_whole_folder_and_data_pass(spec: RunSpec, tmp_path: Path) -> None:
    preflight.check(spec, tmp_path / "runs")


def test_the_built_in_demo_passes(tmp_path: Path) -> None:
    preflight.check(overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"]), tmp_path)


def test_a_hub_id_is_left_to_the_trainer(spec: RunSpec, tmp_path: Path) -> None:
    preflight.check(overrides.apply(spec, ["model.id=org/name", "data.train=org/rows"]), tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("model.id=./nowhere", "no model folder './nowhere'"),
        ("model.id=/nowhere/model", "no model folder"),
        ("data.train=nowhere.jsonl", "no data file 'nowhere.jsonl'"),
        ("data.train=/nowhere/rows", "no data file"),
        ("data.train=mine/rows.tab", "no data file"),
        ("data.train=mine/rows.jsonl.zst", "no data file"),
        ("data.eval=held-out.csv", "no data file"),
        ("hardware.gpus=[7]", "GPU 7"),
    ],
)
def test_what_is_not_there(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, says: str
) -> None:
    monkeypatch.setattr(choosing, "read_gpus", lambda: GpuReading((), "No NVIDIA driver is installed here."))
    assert says in refused(spec, tmp_path / "runs", change)


def test_missing_model_and_data(tmp_path: Path) -> None:
    assert "model.id is not set" in refused(RunSpec(), tmp_path / "runs")
    assert "data.train is not set" in refused(RunSpec(), tmp_path / "runs", "model.id=demo")


def test_a_method_of_a_later_version(spec: RunSpec, tmp_path: Path) -> None:
    assert "dpo" in refused(spec, tmp_path / "runs", "objective.kind=dpo")


def test_data_that_cannot_be_trained_on(spec: RunSpec, tmp_path: Path, data_file: Path) -> None:
    data_file.write_text(json.dumps({"prompt": "a", "chosen": "b", "rejected": "c"}) + "\n")
    assert "rows.jsonl" in refused(spec, tmp_path / "runs")
    data_file.write_text("")
    assert "rows.jsonl" in refused(spec, tmp_path / "runs")
    data_file.write_text("{broken\n")
    assert "rows.jsonl" in refused(spec, tmp_path / "runs")


def test_a_disk_without_room_or_inodes(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "disk", lambda path: host.Disk(5 << 20, 1 << 40, 100))
    assert "5 MiB are free" in refused(spec, tmp_path / "runs")
    monkeypatch.setattr(host, "disk", lambda path: host.Disk(1 << 39, 1 << 40, 0))
    assert "inodes" in refused(spec, tmp_path / "runs")


def test_a_trainer_python_that_is_not_there(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tui-ft").mkdir()
    (tmp_path / "tui-ft" / "settings.toml").write_text('trainer_python = "/nowhere/python"\n')
    with pytest.raises(TuiFtError, match="/nowhere/python"):
        launch.start(spec, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_another_platform(spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert "Linux" in refused(spec, tmp_path / "runs")


# --- model folders ---------------------------------------------------------------------------------


def complaint(folder: Path) -> str:
    with pytest.raises(TuiFtError) as caught:
        check_model_folder(folder)
    return caught.value.message


def test_a_folder_without_config_or_weights_or_tokenizer(model_folder: Path) -> None:
    check_model_folder(model_folder)
    (model_folder / "tokenizer.json").unlink()
    assert "no tokenizer" in complaint(model_folder)
    (model_folder / "model.safetensors").unlink()
    assert "no weights" in complaint(model_folder)
    (model_folder / "model.gguf").touch()
    assert "GGUF" in complaint(model_folder)
    (model_folder / "config.json").unlink()
    assert "no config.json" in complaint(model_folder)


def test_an_adapter_given_as_base_names_its_base(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base\\u001b[31m"}')
    said = complaint(tmp_path)
    assert "is an adapter of org/base" in said
    assert "\x1b" not in said


def test_weights_that_are_cut_off_or_damaged(model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    assert "cut off" in complaint(model_folder)
    weights.write_bytes(whole[:20])
    assert "damaged" in complaint(model_folder)
    weights.write_bytes(b"")
    assert "damaged" in complaint(model_folder)
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "git-lfs pointer" in complaint(model_folder)


def test_missing_shards_are_named(model_folder: Path) -> None:
    (model_folder / "model.safetensors").rename(model_folder / "a.safetensors")
    index = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (model_folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "lacks 1 of 2" in complaint(model_folder)
    assert "b.safetensors" in complaint(model_folder)


def test_a_config_that_is_none(model_folder: Path) -> None:
    config = model_folder / "config.json"
    config.write_text("{")
    assert "no JSON" in complaint(model_folder)
    config.write_text("{}")
    assert "model_type" in complaint(model_folder)
    config.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "git-lfs" in complaint(model_folder)


def test_a_file_is_no_folder(data_file: Path) -> None:
    assert "is a file" in complaint(data_file)


def test_what_a_register_says_of_the_columns_holds_here_too(spec: RunSpec, tmp_path: Path) -> None:
    file, register = tmp_path / "odd.json", tmp_path / "dataset_info.json"
    file.write_text(json.dumps([{"q1": "What?", "zz": "That."}]), encoding="utf-8")
    assert "in no format" in refused(spec, tmp_path / "runs", f"data.train={file}")
    said = {"odd": {"file_name": file.name, "columns": {"prompt": "q1", "response": "zz"}}}
    register.write_text(json.dumps(said), encoding="utf-8")
    for path in (file, register):
        preflight.check_data(overrides.apply(spec, [f"data.train={path}"]))

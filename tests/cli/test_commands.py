"""The commands as a script sees them: exit codes, one sentence with a remedy, strict JSON on stdout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tui_ft.cli.main import main
from tui_ft.demo import paths as demo_paths


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every command away from the user's own runs and settings."""
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_no_runs_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_presets_are_listed_with_their_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    keys = {row["name"]: row["key"] for row in rows}
    assert keys.pop("preemptible") is None, "the ninth key is left for the user's own"
    assert list(keys.values()) == [str(n) for n in range(1, 9)]
    assert {"name", "path", "key", "model", "method", "summary", "schema"} <= set(rows[0])
    assert rows[0]["name"] == "demo"


def test_a_preset_of_the_users_comes_first(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(places / "config/tui-ft/presets/mine.toml", '# My own.\n[model]\nid = "demo"\n')
    main(["presets", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert (rows[0]["name"], rows[0]["key"]) == ("mine", "1")


BAD_STARTS = {
    "unknown preset": (["nosuch"], "nosuch"),
    "misspelt preset": (["demmo"], "demo"),
    "missing file": (["/nowhere/spec.toml"], "spec.toml"),
    "misspelt field": (["demo", "--set", "method.rnk=3"], "method.rank"),
    "out of bounds": (["demo", "--set", "method.rank=0"], "1 to"),
    "no number": (["demo", "--set", "method.rank=many"], "method.rank"),
    "field of another method": (["demo", "--set", "method.layers=3"], "method.layers"),
    "objective of a later version": (["demo", "--set", "objective.kind=dpo"], "dpo"),
    "data that is not there": (["demo", "--set", "data.train=/nowhere.jsonl"], "/nowhere.jsonl"),
    "model folder that is not there": (["demo", "--set", "model.id=/nowhere"], "/nowhere"),
    "a GPU that is not there": (["demo", "--set", "hardware.gpus=[77]"], "77"),
    "no data": (["lora-3b-24gb"], "data"),
}


@pytest.mark.parametrize("arguments, named", BAD_STARTS.values(), ids=BAD_STARTS.keys())
def test_a_start_that_cannot_be_is_a_sentence_with_a_remedy(
    places: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert main(["start", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, remedy = printed.err.splitlines()
    assert named in printed.err
    assert re.fullmatch(r"tui-ft: .+[.?]", first)
    assert remedy.strip()
    assert not (places / "runs").exists() or not list((places / "runs").iterdir())


BAD_DATA = {
    "binary": b"\x00\xff\x13" * 400,
    "unknown columns": b'{"height": 3, "width": 4}\n' * 3,
    "empty": b"",
    "pairs of answers": b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 3,
}


@pytest.mark.parametrize("content", BAD_DATA.values(), ids=BAD_DATA.keys())
def test_data_that_cannot_be_learnt_from_is_refused_before_anything_is_made(
    places: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = places / "data.jsonl"
    path.write_bytes(content)
    assert main(["start", "demo", "--set", f"data.train={path}"]) == 2
    assert str(path) in capsys.readouterr().err
    assert not (places / "runs").exists() or not list((places / "runs").iterdir())


def test_a_model_folder_without_weights_is_refused(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = (demo_paths.model_folder() / "config.json").read_text()
    write(places / "model/config.json", config)
    assert main(["start", "demo", "--set", f"model.id={places / 'model'}"]) == 2
    assert "weights" in capsys.readouterr().err


def test_an_adapter_given_as_base_model_is_refused(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(places / "adapter/adapter_config.json", '{"base_model_name_or_path": "some/base"}')
    write(places / "adapter/adapter_model.safetensors", "")
    assert main(["start", "demo", "--set", f"model.id={places / 'adapter'}"]) == 2
    printed = capsys.readouterr().err
    assert "adapter" in printed
    assert "some/base" in printed


def test_a_runs_root_that_cannot_be_written_is_a_sentence(
    places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = write(places / "file", "a file, no folder")
    assert main(["start", "demo", "--runs-root", f"{blocked}/runs"]) == 2
    assert "runs root" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["stop", "save", "pause", "resume", "restart"])
def test_asking_something_of_a_run_that_is_none_leaves_it_untouched(
    places: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    folder = places / "folder"
    folder.mkdir()
    assert main([command, str(folder)]) == 2
    assert "not a run directory" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("value", ["rank=3", "learning_rate=fast", "learning_rate=-1", "learning_rate=2"])
def test_only_a_learning_rate_can_be_set_on_a_live_run(
    capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert main(["set", "some-run", value]) == 2
    assert capsys.readouterr().err.startswith("tui-ft: ")


def test_without_a_terminal_the_app_says_what_to_use_instead(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "--json" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "stop"])
def test_a_folder_that_is_no_run_is_named_as_such(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "emptydir").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("emptydir", "./emptydir"):
        assert main([command, name]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "no run" in said or "not a run directory" in said
        assert "is there" in said or "holds no state.json" in said
    assert list((tmp_path / "emptydir").iterdir()) == []

"""`tui-ft presets` and its verbs, as people and scripts call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_ft.cli.main import main
from tui_ft.spec import toml

Asked = tuple[int, Any]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Asked]:
    def asked(*arguments: str) -> Asked:
        code = main(["presets", *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


def test_a_saved_preset_is_listed_shown_renamed_and_deleted(ask: Callable[..., Asked], places: Path) -> None:
    code, saved = ask("save", "demo", "mine", "--key", "3", "--summary", "Mine.", "--set", "method.rank=8")
    assert (code, saved["name"], saved["key"], saved["source"]) == (0, "mine", "3", "user")
    shown = ask("show", "mine")[1]
    assert shown["spec"]["method"]["rank"] == 8
    assert toml.loads(shown["text"]).method.rank == 8
    assert shown["text"].startswith("# Mine.\n")
    assert ask("rename", "mine", "yours")[1]["key"] == "3"
    assert "yours" in {preset["name"] for preset in ask("list")[1]}
    assert ask("delete", "yours")[0] == 0
    assert "yours" not in {preset["name"] for preset in ask()[1]}


def test_the_list_is_in_the_order_of_the_keys(ask: Callable[..., Asked]) -> None:
    ask("save", "demo", "mine", "--key", "9")
    keys = [preset["key"] or "none" for preset in ask()[1]]
    assert keys == sorted(keys)
    assert ask("key", "mine", "1")[1]["key"] == "1"
    assert ask()[1][0]["name"] == "mine"


def test_the_spec_of_a_run_becomes_a_preset(ask: Callable[..., Asked], places: Path) -> None:
    run = places / "runs" / "20261121-mine-abcd"
    (run / "control").mkdir(parents=True)
    (run / "spec.toml").write_text('# by hand\n[model]\nid = "demo"  # tiny\n[data]\ntrain = "demo"\n')
    for number, name in enumerate((run.name, "20261121-mine", str(run))):
        code, saved = ask("save", name, f"kept-{number}")
        assert code == 0
        assert Path(saved["path"]).read_text() == (run / "spec.toml").read_text()


def test_comparing_names_the_fields_that_differ(ask: Callable[..., Asked]) -> None:
    found = ask("compare", "qlora-8b-24gb", "lora-8b-80gb")[1]
    fields = {one["field"]: (one["left"], one["right"]) for one in found["fields"]}
    assert fields["method.quantization"] == ("nf4", "unset")
    assert "model.id" not in fields
    everything = ask("compare", "qlora-8b-24gb", "lora-8b-80gb", "--all")[1]
    assert "model.id" in {one["field"] for one in everything["fields"]}


def test_a_preset_whose_data_is_gone_is_not_ready(ask: Callable[..., Asked], places: Path) -> None:
    data = places / "rows.jsonl"
    data.write_text('{"prompt": "a", "completion": "b"}\n')
    ask("save", "demo", "mine", "--set", f"data.train={data}")
    assert ask("check", "mine")[0] == 0
    data.unlink()
    code, found = ask("check", "mine")
    assert (code, found["ready"]) == (1, False)
    assert str(data) in found["problems"][0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nosuch"), "nosuch"),
        (("save", "nosuch", "x"), "nosuch"),
        (("save", "demo", "a/b"), "name of a preset"),
        (("delete", "demo"), "comes with tui-ft"),
        (("rename", "demo", "x"), "comes with tui-ft"),
        (("key", "demo", "0"), "1 to 9"),
        (("compare", "demo", "dmo"), "demo"),
        (("check", "/nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["presets", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err


def test_the_same_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "check", "demo"]) == 0
    assert "demo can start" in capsys.readouterr().out
    assert main(["presets", "compare", "demo", "demo"]) == 0
    assert "mean the same" in capsys.readouterr().out
    assert main(["presets", "save", "demo", "mine"]) == 0
    assert main(["presets", "save", "demo", "mine"]) == 2
    assert "already" in capsys.readouterr().err
    assert main(["presets", "key", "mine", "2"]) == 0
    assert "2 starts mine." in capsys.readouterr().out

"""The presets that are found, their keys, and the shipped ones themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import presets, toml
from tui_ft.spec.display import effective_batch, method_label
from tui_ft.spec.presets import Preset, find_preset, list_presets, shipped_folder
from tui_ft.spec.support import require_runnable
from tui_ft.spec.toml_edit import rewrite

NOWHERE = Path("/nonexistent/presets")
SPEC = '# What it is for.\n[model]\nid = "org/x"\n'

SHIPPED, PROBLEMS = list_presets(NOWHERE)

shipped = pytest.mark.parametrize("preset", SHIPPED, ids=lambda preset: preset.name)


def test_the_shipped_presets_are_all_there_and_have_their_keys() -> None:
    assert PROBLEMS == []
    assert {preset.name for preset in SHIPPED} >= {
        "demo",
        "qlora-8b-24gb",
        "lora-3b-24gb",
        "qlora-32b-48gb",
        "lora-8b-80gb",
        "full-1b-24gb",
        "full-3b-80gb",
        "full-8b-141gb",
        "preemptible",
    }
    with_key = [preset for preset in SHIPPED if preset.name != "preemptible"]
    assert [preset.key for preset in with_key] == [str(number) for number in range(1, len(with_key) + 1)]
    assert len(with_key) < 9, "the user's own have room for a key"
    assert SHIPPED[0].name == "demo"


@shipped
def test_a_shipped_preset_runs_with_this_version(preset: Preset) -> None:
    require_runnable(preset.spec)


@shipped
def test_a_shipped_preset_survives_being_written(preset: Preset) -> None:
    assert toml.loads(toml.dumps(preset.spec)) == preset.spec
    text = toml.read(preset.path)
    assert rewrite(text, preset.spec) == text


@shipped
def test_a_shipped_preset_is_a_document(preset: Preset) -> None:
    text = toml.read(preset.path)
    for heading in ("What for:", "GPU:", "Trade-off:"):
        assert heading in text
    assert preset.summary.endswith(".")
    assert len(preset.summary) <= 76, "it has to fit into a list"
    assert all(len(line) <= 110 for line in text.splitlines())


@shipped
def test_a_shipped_preset_is_what_its_name_says(preset: Preset) -> None:
    if preset.name == "demo":
        assert (preset.spec.model.id, preset.spec.data.train) == ("demo", "demo")
        return
    if preset.name == "preemptible":
        assert preset.spec.checkpoints.auto_resume and preset.spec.checkpoints.hours_between_failures
    else:
        assert method_label(preset.spec).split()[0].lower() == preset.name.split("-")[0]
    assert effective_batch(preset.spec) == 16
    assert preset.spec.data.train is None


def test_the_users_presets_come_first_and_hide_shipped_ones_of_the_same_name(tmp_path: Path) -> None:
    for name in ("zeta", "alpha", "demo"):
        (tmp_path / f"{name}.toml").write_text(SPEC)
    (tmp_path / ".hidden.toml").write_text("nonsense")
    found, problems = list_presets(tmp_path)
    assert problems == []
    assert [(preset.name, preset.key, preset.source) for preset in found[:4]] == [
        ("demo", "1", "user"),
        ("alpha", "2", "user"),
        ("zeta", "3", "user"),
        ("qlora-8b-24gb", "4", "shipped"),
    ]
    assert (found[0].summary, found[0].text) == ("What it is for.", SPEC)
    assert [preset.name for preset in found].count("demo") == 1
    assert find_preset("demo", tmp_path).source == "user"


def test_only_the_first_nine_have_keys(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"mine-{number:02}.toml").write_text(SPEC)
    keys = [preset.key for preset in list_presets(tmp_path)[0]]
    assert keys[:9] == list("123456789")
    assert set(keys[9:]) == {None}


def test_a_bad_preset_is_a_sentence_and_takes_no_key(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('[model]\nid = "x"\n[method]\nrnak = 3\n')
    (tmp_path / "good.toml").write_text(SPEC)
    found, problems = list_presets(tmp_path)
    assert (found[0].name, found[0].key) == ("good", "1")
    assert len(problems) == 1
    assert "bad.toml, line 4" in problems[0]
    assert "method.rank" in problems[0]


def test_a_preset_is_found_by_name_or_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SPEC)
    (tmp_path / "plain").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    assert find_preset("demo", NOWHERE).spec.model.id == "demo"
    assert find_preset(str(file), NOWHERE).path == file
    assert find_preset("mine.toml", NOWHERE).path == file
    assert find_preset("mine", tmp_path).path == file
    assert find_preset("plain", NOWHERE).spec.model.id == "org/x"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("demoo", "Did you mean demo?"), ("qlora8b", "qlora-8b-24gb"), ("xyzzy", "The presets are demo")],
)
def test_an_unknown_preset_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        find_preset(name, NOWHERE)
    assert name in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_file_is_said_to_be_missing() -> None:
    with pytest.raises(TuiFtError, match="No such file"):
        find_preset("./absent.toml", NOWHERE)


def test_a_wheel_finds_its_presets_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tui_ft"
    package.mkdir()
    monkeypatch.setattr(presets, "_PACKAGE", package)
    assert shipped_folder() == tmp_path / "presets"
    (package / "presets").mkdir()
    assert shipped_folder() == package / "presets"

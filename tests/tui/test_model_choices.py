"""The models to choose from: what fits this GPU first, and what lies on this disk, whole or not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from method_world import device, no_gpu
from model_world import a_24gb_gpu, a_model

from tui_ft.demo import paths as demo_paths
from tui_ft.guide.question import Question, Recommendation
from tui_ft.guide.recommend import recommend
from tui_ft.hardware.gpu import GpuReader
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.wizard import model_choices, model_fit, model_places
from tui_ft.tui.wizard.model_choices import Choice
from tui_ft.tui.wizard.model_fit import Wish
from tui_ft.tui.wizard.model_words import size_text

pytestmark = pytest.mark.usefixtures("own_disk")


def a_wish(nvml: FakeNvml) -> Wish:
    reading = GpuReader(nvml).read()
    return Wish(spec=RunSpec(), goals=frozenset({"sft"}), rows=None, reading=reading)


def gathered(nvml: FakeNvml, runs_root: Path = Path("/runs")) -> list[Choice]:
    return model_choices.measured_all(model_choices.on_disk(runs_root), a_wish(nvml))


def test_what_fits_stands_first_and_what_does_not_last() -> None:
    verdicts = [choice.fit.verdict for choice in gathered(a_24gb_gpu()) if choice.fit is not None]
    order = ["fits", "tight", "unknown", "does_not_fit"]
    assert verdicts == sorted(verdicts, key=order.index)
    assert verdicts[0] == "fits" and verdicts[-1] == "does_not_fit"


def test_a_good_one_to_begin_with_fits_is_open_and_fits_on_the_disk() -> None:
    choices = gathered(a_24gb_gpu())
    by_id = {choice.id: choice for choice in choices}
    best = by_id[model_choices.suggested(choices, 10**12)]
    assert best.id == "Qwen/Qwen3-8B" and best.licence == "apache-2.0"
    assert best.fit is not None and best.fit.verdict == "fits"
    small = by_id[model_choices.suggested(choices, 5 * 10**9)]
    assert (small.bytes or 0) <= 0.9 * 5 * 10**9 and small.parameters < best.parameters
    assert model_choices.suggested(choices, 0) == "demo"


def test_without_a_gpu_the_tiny_one_is_suggested_and_no_verdict_is_made_up() -> None:
    choices = gathered(no_gpu())
    assert model_choices.suggested(choices, 10**12) == "demo"
    assert {choice.fit.verdict for choice in choices if choice.fit} == {"unknown"}


def test_models_nearby_in_the_cache_and_of_runs_are_found(own_disk: Path, tmp_path: Path) -> None:
    a_model(own_disk / "mine")
    a_model(own_disk / "models" / "deeper")
    a_model(tmp_path / "runs" / "20261121-full-abcd" / "result")
    a_model(tmp_path / "hub" / "models--org--cached" / "snapshots" / "0123")
    reference = tmp_path / "hub" / "models--org--cached" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text("0123")
    config_only = tmp_path / "hub" / "models--org--known" / "snapshots" / "4567"
    config_only.mkdir(parents=True)
    shutil.copy(demo_paths.model_folder() / "config.json", config_only)
    adapter = tmp_path / "runs" / "20261121-lora-efgh" / "result"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    found = {choice.name: choice for choice in gathered(no_gpu(), tmp_path / "runs")}
    assert found["mine"].where == "folder" and found["mine"].id == str(own_disk / "mine")
    assert found["deeper"].where == "folder"
    assert found["20261121-full-abcd"].where == "your run"
    assert found["cached"].where == "cache" and found["cached"].id == "org/cached"
    assert found["known"].where == "download" and not found["known"].is_here
    assert found["cached"].has_template is True and found["known"].has_template is not True
    assert "20261121-lora-efgh" not in found


def test_a_model_that_is_here_in_parts_says_what_is_missing(own_disk: Path) -> None:
    broken = a_model(own_disk / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    choice = {choice.name: choice for choice in gathered(no_gpu())}["broken"]
    assert "cut off" in choice.problem and choice.fit is None


@pytest.mark.parametrize("config", ["{", '{"model_type": 7}', "[]", ""])
def test_a_folder_whose_config_is_nonsense_does_not_spoil_the_list(own_disk: Path, config: str) -> None:
    (a_model(own_disk / "odd") / "config.json").write_text(config)
    choices = {choice.name: choice for choice in gathered(no_gpu())}
    assert choices["odd"].problem and len(choices) > 40


def test_a_folder_with_thousands_of_folders_is_looked_at_in_time(own_disk: Path) -> None:
    for number in range(2 * model_places.MOST_SCANNED):
        (own_disk / f"{number:05}").mkdir()
    assert model_places.nearby(Path("/runs")) == []


def test_a_download_that_was_cut_off_is_one_to_go_on_with(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--half"
    folder = a_model(repository / "snapshots" / "0123")
    (folder / "model.safetensors").unlink()
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["half"]
    assert not choice.problem and not choice.is_here and choice.where == "download"


def test_of_several_versions_in_the_cache_the_one_that_is_loaded_counts(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--two"
    a_model(repository / "snapshots" / "0123")
    newer = repository / "snapshots" / "4567"
    newer.mkdir()
    (newer / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["two"]
    assert choice.where == "cache" and choice.folder == repository / "snapshots" / "0123"


def test_the_licence_is_read_from_the_model_card_and_nothing_else(own_disk: Path) -> None:
    (a_model(own_disk / "mine") / "README.md").write_text("---\nlicense: apache-2.0\n---\n# \x1b[31mred")
    choice = {choice.name: choice for choice in gathered(no_gpu())}["mine"]
    assert choice.licence == "apache-2.0"


def test_sizes_read_as_people_say_them() -> None:
    sizes = [0, 999, 647_936, 134_515_008, 999_885_952, 8_190_735_360, 72_706_203_648]
    assert [size_text(size) for size in sizes] == ["–", "999", "648k", "135M", "1.0B", "8.2B", "73B"]


def test_going_back_to_the_list_measures_nothing_twice_until_the_free_memory_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    real = recommend

    def noting(question: Question) -> Recommendation:
        asked.append(question.shape.name)
        return real(question)

    monkeypatch.setattr(model_fit, "recommend", noting)
    monkeypatch.setattr(model_fit, "_ANSWERS", {})
    first = gathered(a_24gb_gpu())
    assert len(asked) == len([choice for choice in first if choice.fit])
    assert gathered(a_24gb_gpu()) == first and len(asked) == len(set(asked))
    gathered(FakeNvml(device(0, "GeForce RTX 4090", 24, 12.0)))
    assert len(asked) == 2 * len(set(asked))

"""What is foreseen of a run: the same numbers as everywhere, and sentences where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked_data import DATA, findings
from method_world import no_gpu
from settings_world import a_draft, a_gpu

from tui_ft import settings
from tui_ft.hardware.gpu import GpuReader
from tui_ft.spec import overrides
from tui_ft.tui.wizard.live import Live
from tui_ft.tui.wizard.live_words import (
    cost_text,
    count_words,
    memory_text,
    steps_text,
    time_text,
    tokens_text,
)
from tui_ft.vram.assess import assess
from tui_ft.vram.find_model import find_shape


@pytest.fixture(autouse=True)
def own_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


def test_memory_is_what_the_estimate_says_of_the_longest_row(tmp_path: Path) -> None:
    spec, reading = a_draft().spec, GpuReader(a_gpu()).read()
    outlook = Live(tmp_path).outlook(spec, {DATA: findings()}, reading)
    assert outlook.assessment is not None
    alone = assess(spec, find_shape("Qwen/Qwen3-8B"), reading, longest_row=400, with_step_downs=False)
    assert outlook.assessment.estimate == alone.estimate and outlook.assessment.verdict == alone.verdict
    assert outlook.gpu == "NVIDIA GeForce RTX 4090" and outlook.pace.basis == "formula"


def test_more_passes_take_more_time_and_money(tmp_path: Path) -> None:
    live, reading = Live(tmp_path), GpuReader(a_gpu()).read()
    spec = a_draft().spec
    once, thrice = (
        live.outlook(overrides.apply(spec, [f"training.epochs={epochs}"]), {DATA: findings()}, reading)
        for epochs in (1, 3)
    )
    assert (
        once.pace.high_s
        and thrice.pace.high_s
        and thrice.pace.high_s == pytest.approx(3 * once.pace.high_s, rel=0.02)
    )
    assert (
        once.cost.high
        and thrice.cost.high
        and thrice.cost.high == pytest.approx(3 * once.cost.high, rel=0.02)
    )


def test_without_model_data_or_gpu_everything_is_a_dash_with_a_reason(tmp_path: Path) -> None:
    outlook = Live(tmp_path).outlook(a_draft(model="nobody/knows-this").spec, {}, GpuReader(no_gpu()).read())
    assert "nobody/knows-this" in memory_text(outlook)
    assert steps_text(outlook) == "– steps of 16 rows" and tokens_text(outlook.volume) == "– tokens an epoch"
    assert time_text(outlook.pace) == cost_text(outlook.cost) == "–"
    assert outlook.pace.text and outlook.cost.text


def test_settings_that_cannot_be_read_are_said_and_harm_nothing(tmp_path: Path) -> None:
    settings.config_folder().mkdir(parents=True)
    (settings.config_folder() / "settings.toml").write_text("price_per_hour = -3\n")
    outlook = Live(tmp_path).outlook(a_draft().spec, {DATA: findings()}, GpuReader(a_gpu()).read())
    assert "price_per_hour" in outlook.problem and outlook.pace.low_s is not None


def test_a_length_that_the_model_cannot_read_is_a_sentence(tmp_path: Path) -> None:
    spec = overrides.apply(a_draft().spec, ["data.max_length=1000000"])
    outlook = Live(tmp_path).outlook(spec, {}, GpuReader(a_gpu()).read())
    assert outlook.assessment is None
    assert memory_text(outlook).startswith("Qwen3-8B reads at most 40960 tokens")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "–"),
        (0, "0"),
        (950, "950"),
        (9_999, "9,999"),
        (12_345, "12.3k"),
        (2_410_000, "2.41M"),
        (3e12, "3T"),
    ],
)
def test_counts_have_the_digits_that_matter(count: float | None, text: str) -> None:
    assert count_words(count) == text

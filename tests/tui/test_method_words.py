"""Bars, shares and changes of the Method screen: plain functions."""

from __future__ import annotations

import dataclasses

import pytest
from home_world import a_gpu

from tui_ft.guide.compare import MethodRow
from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import ModelSection, RunSpec
from tui_ft.tui.gpu_seats import Seat, many_line, own_seat, seat_of, seats
from tui_ft.tui.screens.ask_model import complete_name
from tui_ft.tui.spec_changes import changes
from tui_ft.tui.widgets.memory_bars import bar_cells, share_text, size_text
from tui_ft.vram.result import Estimate, Parts


def row(needed: int | None) -> MethodRow:
    """LoRA that needs so many bytes."""
    estimate = needed and Estimate(
        parts=Parts(weights=needed), needed_bytes=needed, nvidia_smi_bytes=needed, low_bytes=needed,
        high_bytes=needed, context_bytes=0, trainable_parameters=1, basis="closed_form", validated=True,
        peak_phase="backward",
    )  # fmt: skip
    return MethodRow(
        method="lora", label="LoRA", overrides=(), spec=RunSpec(), estimate=estimate or None,
        verdict="fits", trainable_share=0.1, checkpoint_bytes=1, result_bytes=1, speed="fast",
        best_use="", runnable=True, why_not="",
    )  # fmt: skip


def test_bars_of_any_width_are_exactly_as_wide_as_they_may() -> None:
    for width in (8, 20, 33, 70):
        for total, free in ((100, 100), (100, 0), (100, 37), (None, None), (100, None)):
            for need in (None, 1, 36, 37, 38, 99, 100, 101, 110, 10_000):
                seat = Seat(name="x", total_bytes=total, free_bytes=free)
                cells = bar_cells(row(need), seat, total or 10_000, width)
                assert sum(len(text) for text, _ in cells) == width, (width, total, free, need)


def test_what_crosses_the_end_of_the_memory_is_seen() -> None:
    seat = Seat(name="x", total_bytes=100, free_bytes=50)

    def drawn(needed: int) -> str:
        return "".join(text for text, _ in bar_cells(row(needed), seat, 100, 25))

    assert drawn(10) == "▚" * 10 + "█" * 2 + "░" * 8 + "│" + "    "
    assert drawn(50) == "▚" * 10 + "█" * 10 + "│" + "    "
    assert drawn(51) == "▚" * 10 + "█" * 10 + "│█   ", "the smallest lack is one cell"
    assert drawn(1000) == "▚" * 10 + "█" * 10 + "│███▶"


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.047, "4.7 %"), (0.0053, "0.53 %"), (0.00001, "<0.01 %")]
)
def test_shares_have_the_digits_that_tell_them_apart(share: float, text: str) -> None:

    assert share_text(dataclasses.replace(row(1), trainable_share=share)) == text
    assert share_text(row(None)) == "–"


def test_sizes() -> None:
    assert [size_text(size) for size in (300 << 10, 5 << 20, 3 << 30)] == ["300 KiB", "5.0 MiB", "3.0 GiB"]


def test_many_gpus_fit_any_width_and_the_one_looked_at_is_there() -> None:
    gpus = [a_gpu(index) for index in range(16)]
    for width in (40, 78, 118):
        for gpu in gpus:
            line = many_line(gpus, seat_of(gpu), width)
            assert len(line) <= width
            assert f"[{gpu.index} ○ 140]" in line
    assert many_line(gpus[:1], seat_of(gpus[0]), 78) == ""


def test_the_seats_are_those_of_the_box_and_then_those_to_rent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    reading = GpuReading((a_gpu(0, 100), a_gpu(1)))
    found = seats(reading)
    assert [seat.uuid for seat in found[:3]] == ["GPU-0", "GPU-1", None]
    assert own_seat(RunSpec(), reading).uuid == "GPU-1"
    absent = overrides.apply(RunSpec(model=ModelSection(id="demo")), ["hardware.gpus=7"])
    assert own_seat(absent, reading) == Seat() == own_seat(RunSpec(), GpuReading(()))


def test_changes_name_field_and_both_values() -> None:
    first = RunSpec(model=ModelSection(id="a/b"))
    spec = overrides.apply(first, ["training.batch_size=1", "method.kind=qlora", "model.id=c/d"])
    assert changes(first, first) == []
    assert changes(spec, first, without=("method",)) == ["model.id a/b → c/d", "batch_size 4 → 1"]
    assert "quantization unset → nf4" in changes(spec, first)


def test_names_are_found_by_any_part_and_completed_as_far_as_they_agree() -> None:
    names = ["Qwen/Qwen3-8B", "Qwen/Qwen3-0.6B", "org/Other-1B"]
    assert complete_name("other", names) == ("org/Other-1B", ["org/Other-1B"])
    assert complete_name("qwen", names) == ("Qwen/Qwen3-", names[:2])
    assert complete_name("3-8", names)[0] == "Qwen/Qwen3-8B"
    assert complete_name("", names) == ("", []) and complete_name("zz", names) == ("zz", [])
    many = [f"m/{number}" for number in range(20)]
    assert complete_name("m", many)[1][-1] == "… 12 more"

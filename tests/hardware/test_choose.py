"""Which GPU a run gets."""

from __future__ import annotations

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import choose_gpu
from tui_ft.hardware.gpu import Gpu, GpuReading


def box(*free: int | None, names: tuple[str, ...] = ()) -> GpuReading:
    return GpuReading(
        tuple(
            Gpu(index=n, uuid=f"GPU-{n}{n}{n}", name=names[n] if names else "A100", free_bytes=bytes_)
            for n, bytes_ in enumerate(free)
        )
    )


NONE = GpuReading((), "No NVIDIA driver is installed here.")


def test_auto_takes_the_emptiest_and_the_cpu_where_there_is_none() -> None:
    assert choose_gpu(box(10, 30, 20), "auto") == ["GPU-111"]
    assert choose_gpu(box(None, 5), "auto") == ["GPU-111"]
    assert choose_gpu(box(5, 5), "auto") == ["GPU-000"]
    assert choose_gpu(NONE, "auto") == []


def test_auto_avoids_the_gpu_of_a_starting_run_unless_there_is_no_other() -> None:
    assert choose_gpu(box(10, 30, 20), "auto", taken={"GPU-111"}) == ["GPU-222"]
    assert choose_gpu(box(10), "auto", taken={"GPU-000"}) == ["GPU-000"]


def test_a_count_and_a_list() -> None:
    assert choose_gpu(box(10, 30, 20), 2) == ["GPU-111", "GPU-222"]
    assert choose_gpu(box(10, 30, 20), [2, "GPU-000", "GPU-0"]) == ["GPU-222", "GPU-000"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["GPU-111"]), ("0,2", ["GPU-222"]), ("2", ["GPU-222"]), ("GPU-0", ["GPU-000"]),
        ("GPU-000,GPU-222", ["GPU-222"]), ("", []), ("-1", []), ("0,-1,1", ["GPU-000"]), ("7,1", []),
    ],
)  # fmt: skip
def test_an_inherited_limit_is_kept(visible: str | None, expected: list[str]) -> None:
    assert choose_gpu(box(10, 30, 20), "auto", visible) == expected


def test_unlike_gpus_make_an_index_ambiguous() -> None:
    mixed = box(10, 30, names=("T4", "A100"))
    with pytest.raises(TuiFtError, match="does not say which"):
        choose_gpu(mixed, "auto", "0")
    assert choose_gpu(mixed, "auto", "0", order="PCI_BUS_ID") == ["GPU-000"]
    assert choose_gpu(mixed, "auto", "GPU-000") == ["GPU-000"]


@pytest.mark.parametrize(
    ("reading", "wanted", "visible", "says"),
    [
        (box(1, 1), 3, None, "asks for 3 GPUs"),
        (box(1, 1), [5], None, "GPU 5"),
        (box(1, 1), ["GPU-9"], None, "GPU-9"),
        (box(1, 1), ["GPU-"], None, "GPU-"),
        (box(1, 1), [1], "0", "allowed by CUDA_VISIBLE_DEVICES"),
        (box(1, 1), 1, "", "allows none"),
        (NONE, [0], None, "No NVIDIA driver"),
        (NONE, 1, None, "No NVIDIA driver"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(
    reading: GpuReading, wanted: int | list[int | str], visible: str | None, says: str
) -> None:
    with pytest.raises(TuiFtError) as caught:
        choose_gpu(reading, wanted, visible)
    assert says in caught.value.message
    assert caught.value.hint

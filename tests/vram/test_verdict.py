"""The verdict: what is needed against what is free, and over several GPUs the worst."""

from __future__ import annotations

import pytest
from vram_cases import GIB, estimate_of

from tui_ft.vram.gpu_classes import CLASSES
from tui_ft.vram.verdict import judge, worst


@pytest.mark.parametrize(
    "free, verdict",
    [
        (None, "unknown"),
        (0, "does_not_fit"),
        (int(8.99 * GIB), "does_not_fit"),
        (9 * GIB, "tight"),
        (10 * GIB, "tight"),
        (round(10 * GIB / 0.98) - 2, "tight"),
        (round(10 * GIB / 0.98) + 2, "fits"),
        (200 * GIB, "fits"),
    ],
)
def test_two_percent_of_what_is_free_are_kept_and_the_lower_bound_may_still_do(
    free: int | None, verdict: str
) -> None:
    assert judge(estimate_of(10, low=9), free) == verdict


def test_more_free_memory_never_makes_it_worse() -> None:
    order = ["does_not_fit", "tight", "fits"]
    places = [order.index(judge(estimate_of(10, low=9), free * GIB // 8)) for free in range(160)]
    assert places == sorted(places)


def test_the_worst_gpu_decides() -> None:
    assert worst(["fits", "tight"]) == "tight"
    assert worst(["fits", "unknown", "tight"]) == "unknown"
    assert worst(["unknown", "does_not_fit"]) == "does_not_fit"
    assert worst([]) == "unknown"


def test_kinds_of_gpus_are_told_apart_and_keep_something_for_the_driver() -> None:
    assert len({kind.name for kind in CLASSES}) == len(CLASSES)
    assert all(0 < kind.free_bytes < kind.total_bytes for kind in CLASSES)
    for kind in CLASSES:  # the name says what is sold in GB, the driver reports a little more or less
        said = float(kind.name.split()[-2])
        assert kind.total_bytes / GIB == pytest.approx(said, rel=0.08)

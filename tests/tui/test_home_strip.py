"""The GPU strip: three lines at most, whatever the box has."""

from __future__ import annotations

import pytest
from home_world import A_PROCESS, NO_GPU, a_gpu

from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.tui.widgets.gpu_strip import bar, is_held, strip_lines


def lines(*gpus: Gpu, width: int = 78) -> list[str]:
    return strip_lines(GpuReading(gpus), width)


def test_one_gpu_shows_memory_use_heat_and_its_holder() -> None:
    (line,) = lines(a_gpu(used_gib=34.2, processes=A_PROCESS))
    for piece in ("GPU 0 H200", "██░░", "34.2/140 GiB", "87%", "61 °C", "540 W", "1 process"):
        assert piece in line


def test_without_a_gpu_it_says_where_training_runs_and_why() -> None:
    assert strip_lines(NO_GPU, 78) == [
        "No GPU: training runs on the CPU (No NVIDIA driver is installed here)"
    ]
    long = GpuReading((), "The NVIDIA driver and its library differ in version: restart the container.")
    assert " ".join(strip_lines(long, 40)).endswith("restart the container)")


def test_memory_that_nobody_visible_holds_is_held_by_hidden_processes() -> None:
    assert "hidden processes" in lines(a_gpu(used_gib=20))[0]
    assert "process" not in lines(a_gpu(used_gib=0.4))[0]
    assert not is_held(a_gpu(used_gib=20, is_unified=True))


def test_what_is_not_known_is_a_dash_and_never_an_empty_bar() -> None:
    unknown = Gpu(index=0, uuid="GPU-0", name="NVIDIA GB10")
    (line,) = lines(unknown)
    assert "–/– GiB" in line and "··········" in line and "░" not in line
    assert bar(0, 10, 4) == "░░░░" and bar(20, 10, 4) == "████"


def test_a_gpu_that_is_slowed_says_so_where_there_is_room() -> None:
    slow = a_gpu(throttle="too hot")
    assert "slowed: too hot" in lines(slow, width=118)[0]


@pytest.mark.parametrize("width", [40, 58, 78, 118])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 16, 72])
def test_any_number_of_gpus_fits(count: int, width: int) -> None:
    gpus = [a_gpu(number, used_gib=139.9 * (number % 2)) for number in range(count)]
    shown = lines(*gpus, width=width)
    assert len(shown) <= 3
    assert all(len(line) <= width for line in shown)


def test_eight_gpus_are_all_there_at_80_columns() -> None:
    gpus = [a_gpu(number, used_gib=100.0 if number < 3 else 0.0) for number in range(8)]
    head, *rest = lines(*gpus)
    assert head.startswith("8 × H200 140 GiB  ● 3 held  ○ 5 free")
    cells = "  ".join(rest)
    for number in range(8):
        assert f"{number} {'●' if number < 3 else '○'}" in cells


def test_gpus_that_find_no_place_are_counted() -> None:
    assert "8 more" in lines(*[a_gpu(number) for number in range(16)])[0]


def test_a_hostile_name_brings_no_control_character() -> None:
    assert "".join(lines(a_gpu(name="H\x1b[31m200\n"))).isprintable()

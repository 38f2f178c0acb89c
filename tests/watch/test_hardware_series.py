"""Every number of the hardware is a curve over seconds; what is not known is no point."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_run import START, SyntheticRun

from tui_ft.runs.records import GpuSample, HardwareRow, JsonLinesWriter
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource

GIB = 1024**3


def read(tmp_path: Path, *rows: HardwareRow) -> Reading:
    with SyntheticRun(tmp_path, total_steps=5, gpu=False) as made:
        writer = JsonLinesWriter(made.run.hardware)
        for row in rows:
            writer.write(row)
        writer.close()
        return read_whole(TuiFtSource(made.run, clock=lambda: made.now))


def gpu(index: int, **numbers: float) -> GpuSample:
    return GpuSample(index=index, uuid=f"GPU-{index}", **numbers)  # type: ignore[arg-type]


def test_all_numbers_of_two_gpus_and_of_the_box(tmp_path: Path) -> None:
    one = gpu(0, used_bytes=3 * GIB, total_bytes=24 * GIB, utilization=90, power_w=70.5, temperature_c=61)
    reading = read(
        tmp_path,
        HardwareRow(time=START, gpus=[one, gpu(1, used_bytes=GIB)], trainer_rss_bytes=2 * GIB),
        HardwareRow(
            time=START + 10, gpus=[one], memory_used_bytes=5 * GIB, memory_limit_bytes=16 * GIB,
            disk_free_bytes=80 * GIB,
        ),
    )  # fmt: skip
    assert reading.hardware_origin == START
    found = {
        name: [(series.steps[at], series.values[at]) for at in range(len(series))]
        for name, series in reading.hardware_series.items()
    }
    assert found == {
        "gpu_utilization": [(0, 90), (10, 90)],
        "gpu_power_w": [(0, 70.5), (10, 70.5)],
        "gpu_temperature_c": [(0, 61), (10, 61)],
        "gpu_used_gib": [(0, 3), (10, 3)],
        "gpu_total_gib": [(0, 24), (10, 24)],
        "gpu_used_gib_1": [(0, 1)],
        "rss_gib": [(0, 2)],
        "host_used_gib": [(10, 5)],
        "host_total_gib": [(10, 16)],
        "disk_free_gib": [(10, 80)],
    }
    assert reading.memory is not None
    assert reading.memory.series is reading.hardware_series["gpu_used_gib"]


def test_without_rows_there_is_nothing(tmp_path: Path) -> None:
    reading = read(tmp_path)
    assert reading.hardware_series == {}
    assert reading.hardware_origin is None
    assert reading.memory is None


@pytest.mark.parametrize("is_gpu", [True, False])
def test_what_is_free_of_an_unknown_whole_is_not_known_and_never_below_nothing(
    tmp_path: Path, is_gpu: bool
) -> None:
    def row(at: int, used: int, whole: int) -> HardwareRow:
        gpus = [gpu(0, used_bytes=used, total_bytes=whole)] if is_gpu else []
        return HardwareRow(
            time=START + at,
            gpus=gpus,
            trainer_rss_bytes=GIB,
            memory_used_bytes=used,
            memory_limit_bytes=whole,
        )

    memory = read(tmp_path / "first", row(0, GIB, 0)).memory
    assert memory is not None
    assert (memory.total_gib, memory.free_gib) == (None, None)
    memory = read(tmp_path / "over", row(0, 9 * GIB, 8 * GIB)).memory
    assert memory is not None
    assert (memory.total_gib, memory.free_gib) == (8, 0)

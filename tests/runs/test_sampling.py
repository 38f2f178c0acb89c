"""When a row of hardware.jsonl is written, and what stands in it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tui_ft.hardware import host
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.sampling import HardwareSampler

GIB = 1 << 30


class Reader:
    """Stands in for NVML: whatever the test last put there."""

    def __init__(self) -> None:
        self.gpu = Gpu(
            index=1, uuid="GPU-b", name="A", total_bytes=80 * GIB, used_bytes=10 * GIB, utilization=50.0,
            power_w=300.0, temperature_c=60.0,
        )  # fmt: skip
        self.problem: str | None = None

    def read(self, *, with_processes: bool = True) -> GpuReading:
        assert not with_processes, "nobody reads them, and they cost"
        return GpuReading((Gpu(index=0, uuid="GPU-a", name="A"), self.gpu), self.problem)

    def close(self) -> None:
        pass


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(host, "memory", lambda: host.Memory(5 * GIB, 100 * GIB))
    monkeypatch.setattr("tui_ft.runs.sampling.processes.resident_bytes", lambda tree: 2 * GIB)
    monkeypatch.setattr("tui_ft.runs.sampling._free", lambda run: (500 * GIB, 1_000_000, 4_000_000))
    return Reader()


def sampler(tmp_path: Path, reader: Reader) -> HardwareSampler:
    return HardwareSampler(RunDirectory(tmp_path), ["GPU-b"], os.getpid(), reader)  # type: ignore[arg-type]


def times(sampler: HardwareSampler, seconds: int, start: float = 1000.0) -> list[float]:
    return [now - start for now in (start + n for n in range(seconds)) if sampler.sample(now) is not None]


def test_the_row_holds_the_runs_own_gpu_and_the_box(tmp_path: Path, reader: Reader) -> None:
    row = sampler(tmp_path, reader).sample(1000.0)
    assert [gpu.uuid for gpu in row.gpus] == ["GPU-b"]
    assert (row.gpus[0].used_bytes, row.gpus[0].utilization) == (10 * GIB, 50.0)
    assert (row.trainer_rss_bytes, row.memory_limit_bytes) == (2 * GIB, 100 * GIB)
    assert row.disk_free_bytes == 500 * GIB


def test_without_a_change_a_row_every_ten_seconds(tmp_path: Path, reader: Reader) -> None:
    assert times(sampler(tmp_path, reader), 31) == [0, 10, 20, 30]


def test_a_change_is_written_at_once_but_at_most_once_a_second(tmp_path: Path, reader: Reader) -> None:
    sampling = sampler(tmp_path, reader)
    assert sampling.sample(1000.0)
    reader.gpu = replace(reader.gpu, used_bytes=20 * GIB)
    assert sampling.sample(1000.3) is None
    assert sampling.sample(1001.0).gpus[0].used_bytes == 20 * GIB
    reader.gpu = replace(reader.gpu, used_bytes=20 * GIB + 1000)
    assert sampling.sample(1002.0) is None, "noise is no change"


@pytest.mark.parametrize(
    "changes", [{"utilization": 90.0}, {"temperature_c": 75.0}, {"throttle": "too hot"}, {"power_w": None}]
)
def test_what_counts_as_a_change(tmp_path: Path, reader: Reader, changes: dict[str, object]) -> None:
    sampling = sampler(tmp_path, reader)
    sampling.sample(1000.0)
    reader.gpu = replace(reader.gpu, **changes)
    assert sampling.sample(1001.0) is not None


def test_after_an_hour_it_is_coarser(tmp_path: Path, reader: Reader) -> None:
    sampling = sampler(tmp_path, reader)
    sampling.sample(1000.0)
    late = times(sampling, 121, start=1000.0 + 3700)
    assert late == [0, 60, 120]
    reader.gpu = replace(reader.gpu, used_bytes=70 * GIB)
    assert sampling.sample(1000.0 + 3700 + 125) is None, "at most every ten seconds"
    assert sampling.sample(1000.0 + 3700 + 131) is not None


def test_a_clock_that_is_set_back_does_not_silence_it(tmp_path: Path, reader: Reader) -> None:
    sampling = sampler(tmp_path, reader)
    sampling.sample(1_000_000.0)
    assert sampling.sample(1000.0) is not None


def test_a_cpu_run_asks_no_gpu(tmp_path: Path, reader: Reader) -> None:
    reader.problem = "No NVIDIA driver is installed here."
    sampling = HardwareSampler(RunDirectory(tmp_path), [], os.getpid(), reader)  # type: ignore[arg-type]
    row = sampling.sample(1000.0)
    assert (row.gpus, row.gpu_problem) == ([], None)

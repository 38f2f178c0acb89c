"""Reading GPUs: all answers, some answers, none."""

from __future__ import annotations

import os
from types import ModuleType

import pytest

from tui_ft.hardware import host, processes
from tui_ft.hardware.gpu import GpuReader, GpuReading, read_gpus

GIB = 1 << 30


def test_everything(fake: ModuleType) -> None:
    reading = read_gpus(fake.FakeNvml({**fake.FULL, "compute": [(2**22 + 1, 5 * GIB)]}))
    assert reading.problem is None
    (gpu,) = reading.gpus
    assert (gpu.index, gpu.uuid, gpu.name) == (0, "GPU-1111", "NVIDIA H100")
    assert (gpu.total_bytes, gpu.free_bytes, gpu.used_bytes) == (80 * GIB, 60 * GIB, 20 * GIB)
    assert (gpu.utilization, gpu.power_w, gpu.temperature_c) == (75.0, 350.0, 64.0)
    assert (gpu.throttle, gpu.compute_capability, gpu.is_unified) == (None, (9, 0), False)
    assert [(entry.pid, entry.used_bytes, entry.name) for entry in gpu.processes] == [
        (2**22 + 1, 5 * GIB, None)
    ]


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ("util", "utilization"), ("power", "power_w"), ("heat", "temperature_c"), ("reasons", "throttle"),
        ("capability", "compute_capability"),
    ],
)  # fmt: skip
def test_each_query_may_fail_alone(fake: ModuleType, missing: str, field: str) -> None:
    device = {key: value for key, value in fake.FULL.items() if key != missing}
    (gpu,) = read_gpus(fake.FakeNvml(device)).gpus
    assert getattr(gpu, field) is None
    assert gpu.used_bytes == 20 * GIB


def test_a_gpu_that_answers_nothing_is_still_there(fake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "memory", lambda: host.Memory(None, None))
    (gpu,) = read_gpus(fake.FakeNvml({})).gpus
    assert (gpu.uuid, gpu.name, gpu.used_bytes, gpu.processes) == ("0", "", None, ())


def test_older_drivers_know_version_1_of_the_memory_query(fake: ModuleType) -> None:
    (gpu,) = read_gpus(fake.FakeNvml({**fake.FULL, "only_v1": True})).gpus
    assert gpu.used_bytes == 20 * GIB


def test_unified_memory_is_the_boxs(fake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "memory", lambda: host.Memory(40 * GIB, 128 * GIB))
    device = {key: value for key, value in fake.FULL.items() if key != "memory"}
    (gpu,) = read_gpus(fake.FakeNvml(device)).gpus
    assert (gpu.total_bytes, gpu.free_bytes, gpu.used_bytes) == (128 * GIB, 88 * GIB, 40 * GIB)
    assert gpu.is_unified


@pytest.mark.parametrize(
    ("code", "says"),
    [(12, "No NVIDIA driver"), (9, "not loaded"), (18, "differ in version"), (999, "NVML error 999")],
)
def test_no_driver_is_a_sentence(fake: ModuleType, code: int, says: str) -> None:
    reading = read_gpus(fake.FakeNvml(init_error=code))
    assert reading.gpus == ()
    assert says in (reading.problem or "")


def test_a_dead_card_does_not_hide_the_others(fake: ModuleType) -> None:
    reading = read_gpus(fake.FakeNvml(None, fake.FULL))
    assert [gpu.index for gpu in reading.gpus] == [1]
    assert "1 of 2" in (reading.problem or "")


def test_a_driver_that_goes_away_and_comes_back(fake: ModuleType) -> None:
    nvml = fake.FakeNvml(fake.FULL)
    reader = GpuReader(nvml)
    assert len(reader.read().gpus) == 1
    assert reader.read().gpus and nvml.inits == 1, "initialised once"
    count = nvml.nvmlDeviceGetCount

    def gone() -> int:
        raise fake.NVMLError(1)

    nvml.nvmlDeviceGetCount = gone
    assert reader.read() == GpuReading((), "The NVIDIA driver does not answer.")
    nvml.nvmlDeviceGetCount = count
    assert len(reader.read().gpus) == 1
    reader.close()


def test_mig_slices_stand_for_the_whole(fake: ModuleType) -> None:
    slices = [
        {"UUID": "MIG-a", "Name": "H100 1g.10gb", "memory": (10 * GIB, 9 * GIB, 1 * GIB)},
        {"UUID": "MIG-b", "Name": "H100 1g.10gb", "memory": (10 * GIB, 10 * GIB, 0)},
    ]
    first, second = read_gpus(fake.FakeNvml({**fake.FULL, "slices": slices})).gpus
    assert (first.uuid, first.total_bytes, first.utilization) == ("MIG-a", 10 * GIB, None)
    assert (second.uuid, second.power_w, second.compute_capability) == ("MIG-b", 350.0, (9, 0))
    (whole,) = read_gpus(fake.FakeNvml({**fake.FULL, "slices": []})).gpus
    assert whole.uuid == "GPU-1111"


def test_processes_in_both_lists_without_memory_and_with_foreign_pids(fake: ModuleType) -> None:
    me = os.getpid()
    device = {
        **fake.FULL,
        "compute": [(me, None), (2**22 + 1, 3 * GIB)],
        "graphics": [(me, 0), (2**22 + 1, None)],
    }
    (gpu,) = read_gpus(fake.FakeNvml(device)).gpus
    known = {entry.pid: (entry.used_bytes, entry.name) for entry in gpu.processes}
    assert known == {2**22 + 1: (3 * GIB, None), me: (None, None)}, (
        "a pid that opens no GPU here is not named"
    )


@pytest.mark.parametrize(("bits", "word"), [(0x1, None), (0x4, "power limit"), (0x44, "too hot (hardware)")])
def test_throttling(fake: ModuleType, bits: int, word: str | None) -> None:
    assert read_gpus(fake.FakeNvml({**fake.FULL, "reasons": bits})).gpus[0].throttle == word


def test_names_are_made_printable(fake: ModuleType) -> None:
    device = {**fake.FULL, "Name": b"Tesla\x1b[2J T4", "UUID": b"GPU-2"}
    (gpu,) = read_gpus(fake.FakeNvml(device)).gpus
    assert (gpu.name, gpu.uuid) == ("Tesla[2J T4", "GPU-2")


def test_without_processes_none_are_asked_for(fake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "command_line", lambda pid: pytest.fail("asked"))
    reader = GpuReader(fake.FakeNvml({**fake.FULL, "compute": [(os.getpid(), 1)]}))
    assert reader.read(with_processes=False).gpus[0].processes == ()


def test_the_real_box_can_be_asked() -> None:
    reading = read_gpus()
    assert reading.gpus or reading.problem is not None or reading == GpuReading(())


def test_the_driver_is_told_where_it_is_known(fake: ModuleType) -> None:
    nvml = fake.FakeNvml(fake.FULL)
    assert read_gpus(nvml).driver is None
    nvml.nvmlSystemGetDriverVersion = lambda: b"570.86.15"
    assert read_gpus(nvml).driver == "570.86.15"

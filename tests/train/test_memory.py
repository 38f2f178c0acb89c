"""The measured peaks: whose phase they are, when they are written, and nothing at all on a CPU."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from fake_counters import MIB, FakeCounters
from training import MakeRun, events, steps

from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading
from tui_ft.runs.records import MemoryEvent
from tui_ft.train import memory
from tui_ft.train.entry import run_attempt
from tui_ft.train.memory import LARGEST_CONTEXT, MemoryMeter, Reading, beside_allocator

# the libraries' own warnings are theirs to mend
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

GIB = 1 << 30
EMPTY = Gpu(index=0, uuid="GPU-a", name="L4", total_bytes=24 * GIB, used_bytes=1 * GIB)
PID = 77


class Scripted(FakeCounters):
    """The readings are those given, one after the other; the last one stays."""

    def __init__(self, *peaks: tuple[int, int]) -> None:
        super().__init__()
        self._peaks = list(peaks)

    def read(self) -> Reading:
        allocated, reserved = self._peaks.pop(0) if len(self._peaks) > 1 else self._peaks[0]
        return Reading(allocated_peak=allocated * MIB, reserved_peak=reserved * MIB, reserved=reserved * MIB)


def measured(*peaks: tuple[int, int]) -> tuple[MemoryMeter, list[MemoryEvent]]:
    written: list[MemoryEvent] = []
    return MemoryMeter(Scripted(*peaks), written.append), written


def test_a_peak_belongs_to_the_phase_that_it_came_in() -> None:
    meter, written = measured((5000, 6000), (9000, 9500), (7000, 9500))
    meter.leave("loading model")
    meter.leave("training")
    meter.leave("evaluating")
    meter.report(1)
    (event,) = written
    assert (event.allocated_bytes, event.reserved_bytes) == (9000 * MIB, 9500 * MIB)
    assert event.phase == "training"
    peaks = {name: peak.allocated_bytes // MIB for name, peak in event.phases.items()}
    assert peaks == {"loading model": 5000, "training": 9000, "evaluating": 7000}


def test_a_step_has_the_peak_of_its_own_also_when_it_is_paused_on_the_way() -> None:
    meter, _ = measured((9000, 9000), (8000, 9500), (300, 9500))
    meter.begin_step("training")
    meter.leave("training")  # the pause
    assert meter.end_step("paused") == (8000 * MIB, 9500 * MIB)


def test_maxima_are_written_when_they_have_grown_by_a_hundredth_and_at_the_end() -> None:
    meter, written = measured((1000, 1200), (1005, 1200), (1011, 1200), (1012, 1200))
    for step in range(1, 5):
        meter.end_step("training")
        meter.report(step)
    assert [event.step for event in written] == [1, 3]
    meter.report(4, is_last=True)
    meter.report(4, is_last=True)
    assert [(event.step, event.allocated_bytes // MIB) for event in written[2:]] == [(4, 1012)]


def test_nothing_is_written_before_anything_was_on_the_gpu() -> None:
    meter, written = measured((0, 0))
    meter.leave("loading libraries")
    meter.report(0, is_last=True)
    assert written == []


def holding(*processes: tuple[int, int | None], used: int | None = 12 * GIB) -> Gpu:
    held = tuple(GpuProcess(pid, size, None) for pid, size in processes)
    return replace(EMPTY, processes=held, used_bytes=used)


@pytest.mark.parametrize(
    ("before", "now", "context"),
    [
        (EMPTY, holding((PID, 10_500 * MIB), (5, 900 * MIB)), 500),
        (EMPTY, holding((5, 10_400 * MIB)), 400),
        (EMPTY, holding((5, 10_400 * MIB), (6, 10_300 * MIB)), None),
        (EMPTY, holding(used=GIB + 10_600 * MIB), 600),
        (EMPTY, holding((PID, None), used=GIB + 10_600 * MIB), 600),
        (None, holding(), None),
        (EMPTY, None, None),
        (EMPTY, holding(used=None), None),
        (EMPTY, holding((5, 900 * MIB)), None),
        (EMPTY, holding((PID, 10_000 * MIB + 2 * LARGEST_CONTEXT)), None),
        (EMPTY, replace(holding(used=GIB + 10_600 * MIB), is_unified=True), None),
    ],
    ids=[
        "its own pid", "the host's pid of the only one", "two foreign pids", "no process is shown",
        "a process without memory", "not known what was there", "no NVML", "no figure at all",
        "somebody else's", "more than a context", "the box's own memory",
    ],
)  # fmt: skip
def test_the_context_is_told_where_it_can_be(
    before: Gpu | None, now: Gpu | None, context: int | None
) -> None:
    found = beside_allocator(before, now, PID, 10_000 * MIB)
    assert found == (None if context is None else context * MIB)


class Nvml:
    """A GPU reader whose one GPU is as it is said to be."""

    def __init__(self, *seen: Gpu) -> None:
        self._seen = list(seen)

    def read(self) -> GpuReading:
        return GpuReading((self._seen.pop(0) if len(self._seen) > 1 else self._seen[0],), driver="570.1")


def test_the_door_to_cuda_asks_nothing_of_a_gpu_that_is_not_yet_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "memory_stats_as_nested_dict", lambda device: {})
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: pytest.fail("no allocator yet"))
    door = memory.CudaCounters(torch.device("cuda"), Nvml(EMPTY))  # type: ignore[arg-type]
    assert door.read() == Reading(allocated_peak=0, reserved_peak=0, reserved=0)
    door.reset()


def test_the_door_to_cuda_reads_the_allocator_and_what_the_gpu_held_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stats = {
        "allocated_bytes": {"all": {"current": 5, "peak": 7}, "small_pool": {"current": 1, "peak": 1}},
        "reserved_bytes": {"all": {"current": 8, "peak": 9}},
    }
    monkeypatch.setattr(torch.cuda, "memory_stats_as_nested_dict", lambda device: stats)
    properties = SimpleNamespace(name="NVIDIA L4", total_memory=24 * GIB)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    door = memory.CudaCounters(torch.device("cuda"), Nvml(EMPTY, holding(used=12 * GIB)))  # type: ignore[arg-type]
    assert door.read() == Reading(allocated_peak=7, reserved_peak=9, reserved=8)
    assert door.beside(10 * GIB) == GIB
    facts = door.facts()
    assert (facts.gpu, facts.total_bytes, facts.driver) == ("NVIDIA L4", 24 * GIB, "570.1")
    assert {"torch", "transformers", "trl", "peft"} <= set(facts.versions)


def test_a_run_on_a_gpu_writes_what_it_took(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeCounters()
    monkeypatch.setattr(memory, "counters", lambda device: fake)
    run = make_run("data.max_length=64")
    assert run_attempt(run.path, 1) == 0, events(run, "end")
    written = events(run, "memory")
    last = written[-1]
    assert written[0]["step"] == 1
    assert last["allocated_bytes"] == max(peak["allocated_bytes"] for peak in last["phases"].values())
    assert last["allocated_bytes"] > written[0]["allocated_bytes"]
    assert {"loading model", "training", "evaluating", "sampling", "saving"} <= set(last["phases"])
    assert (last["gpu"], last["driver"], last["context_bytes"]) == ("NVIDIA Fake", "570.1", 300 * MIB)
    assert 0 < last["longest_row"] <= 64
    kinds = [event["event"] for event in events(run)]
    assert kinds.index("memory") < kinds.index("end") == len(kinds) - 1
    for row in steps(run):
        assert row["gpu_reserved_gib"] > row["gpu_memory_gib"] > 0
        assert "rss_gib" not in row


def test_a_run_that_fails_writes_what_it_had_taken(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "counters", lambda device: FakeCounters())
    run = make_run("model.id=/nowhere")
    assert run_attempt(run.path, 1) == 1
    assert [event["event"] for event in events(run)][-2:] == ["memory", "end"]


def test_a_run_on_a_cpu_writes_no_memory_and_no_zero(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=2")
    assert run_attempt(run.path, 1) == 0
    assert events(run, "memory") == []
    assert all("gpu_memory_gib" not in row and "rss_gib" in row for row in steps(run))

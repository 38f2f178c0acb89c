"""When a queued run starts on a box with GPUs: alone or beside, when memory is free, on the right one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from home_world import a_gpu
from queue_world import FAKE_TRAINER, QueueWorld, queue_world, wait_until

from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading
from tui_ft.runs import control, launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.known_roots import remember
from tui_ft.runs.queueing import advancing, queue
from tui_ft.runs.queueing.deciding import Decision, decide, environment_of
from tui_ft.runs.queueing.foresight import foresee
from tui_ft.runs.queueing.queue_file import QueueDocument, QueueEntry
from tui_ft.runs.queueing.sight import QueueSight
from tui_ft.runs.records import StateRecord
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import Truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

ROOT = Path("/nowhere")
GIB = 2**30


def a_spec(**changes: str) -> RunSpec:
    """A run of the demo model; it needs well below one GiB beside the context."""
    return overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", *changes.values()])


def going(name: str, status: str = "running", gpus: tuple[str, ...] = ("GPU-0",)) -> Any:
    state = StateRecord(status=status, gpus=list(gpus))  # type: ignore[arg-type]
    return RunDirectory(ROOT / f"20261121-{name}-aaaa"), Truth(state, status, None, None)  # type: ignore[arg-type]


def decided(
    gpus: list[Gpu], *others: Any, entry: QueueEntry | None = None, spec: RunSpec | None = None, **terms: Any
) -> Decision:
    entry = entry or QueueEntry(id="20261121-next-aaaa", **terms)
    with environment_of(entry):
        return decide(
            QueueDocument(entries=(entry,)),
            entry,
            spec or a_spec(),
            QueueSight(going=tuple(others)),
            GpuReading(tuple(gpus)),
            ROOT,
        )


def busy(index: int = 0, free_gib: float = 0.2) -> Gpu:
    return a_gpu(index, 140 - free_gib, processes=(GpuProcess(4711, int((140 - free_gib) * GIB), "vllm"),))


def test_a_free_gpu_is_taken() -> None:
    assert decided([a_gpu()]) == Decision(
        start=True, gpus=("GPU-0",), needed_bytes=decided([a_gpu()]).needed_bytes
    )


def test_it_waits_for_a_run_of_ours_on_the_only_gpu() -> None:
    decision = decided([a_gpu(used_gib=20)], going("first"))
    assert (decision.start, decision.waits_for, decision.behind) == (False, "run", "20261121-first-aaaa")
    assert decision.reason == "behind first-aaaa"


def test_with_two_gpus_it_takes_the_one_that_none_of_ours_is_on() -> None:
    decision = decided([a_gpu(0), a_gpu(1, 100)], going("first"))
    assert (decision.start, decision.gpus) == (True, ("GPU-1",))


def test_a_run_on_the_processor_does_not_wait_for_one_on_a_gpu() -> None:
    assert decided([], going("first")).start
    assert decided([], going("first", gpus=())).waits_for == "run"


def test_beside_another_run_it_starts_when_memory_is_left() -> None:
    assert decided([a_gpu(used_gib=60)], going("first"), beside=True).start
    decision = decided([busy()], going("first"), beside=True)
    assert decision.waits_for == "memory"


def test_beside_a_run_that_is_just_loading_it_waits_until_that_has_what_it_takes() -> None:
    assert decided([a_gpu()], going("first", "starting"), beside=True).waits_for == "run"


def test_memory_that_somebody_else_holds_is_waited_for_and_said() -> None:
    decision = decided([busy()])
    assert (decision.start, decision.hold, decision.waits_for) == (False, False, "memory")
    assert "GPU 0 has 0.20 GiB free" in decision.reason
    assert "vllm (pid 4711)" in decision.reason
    assert decision.needed_bytes is not None
    assert decision.needed_bytes > 0.2 * GIB


def test_it_starts_whatever_the_estimate_says_when_told_to() -> None:
    assert decided([busy()], any_memory=True).start


def test_what_fits_no_gpu_here_is_held_not_waited_for() -> None:
    spec = a_spec(batch="training.batch_size=1024")
    small = a_gpu(total_bytes=2 * GIB, free_bytes=2 * GIB, used_bytes=0)
    decision = decided([small], spec=spec)
    assert decision.hold
    assert "2.0 GiB in all" in decision.reason
    found = foresee(spec, GpuReading((small,)))
    assert "it will be held" in found.problem
    assert foresee(spec, GpuReading((a_gpu(),))).needed_bytes == found.needed_bytes


def test_a_busy_gpu_is_no_problem_when_a_run_is_queued() -> None:
    assert foresee(a_spec(), GpuReading((busy(),))).problem == ""


def test_the_gpus_that_the_user_was_limited_to_hold_for_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that decides was started by the supervisor of another run, which has a GPU of its own."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-0")
    entry = QueueEntry(id="20261121-next-aaaa", environment={"CUDA_VISIBLE_DEVICES": "GPU-1"})
    assert decided([a_gpu(0), a_gpu(1)], entry=entry).gpus == ("GPU-1",)
    free = QueueEntry(id="20261121-next-aaaa")
    assert decided([a_gpu(0, 100), a_gpu(1)], entry=free).gpus == ("GPU-1",)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-0"


def test_names_of_processes_reach_no_terminal_as_they_are() -> None:
    gpu = a_gpu(0, 139.8, processes=(GpuProcess(4711, 139 * GIB, "\x1b]0;evil\x07x"),))
    assert "\x1b" not in decided([gpu]).reason


# --- the process that waits --------------------------------------------------------------------------------


@pytest.fixture
def world(bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueWorld]:
    with queue_world(bench.root, bench.spec, tmp_path, monkeypatch) as world:
        world.spec = overrides.apply(bench.spec, ["model.id=demo"])
        yield world


class Box:
    """The GPUs that every reader of this process sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *gpus: Gpu) -> None:
        self.gpus = gpus
        for name in ("tui_ft.hardware.gpu.read_gpus", "tui_ft.runs.choosing.read_gpus"):
            monkeypatch.setattr(name, lambda: GpuReading(self.gpus))


def test_it_starts_as_soon_as_the_memory_is_free(world: QueueWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(monkeypatch, busy())
    for name in ("_FIRST_PAUSE_S", "_TICK_S"):
        monkeypatch.setattr(advancing, name, 0.05)
    run = world.add("steps=2")
    waiting = threading.Thread(target=advancing.stay, args=(world.root,))
    waiting.start()
    wait_until(lambda: world.entry(run).waits_for == "memory", lambda: str(world.entries()))
    assert world.status(run) == "queued"
    assert not world.nudge(), "somebody is at it already"
    assert "needs" in queue.queue_line(world.root)
    box.gpus = (a_gpu(),)
    world.wait_for(run, "finished")
    waiting.join(10)
    assert not waiting.is_alive()
    assert read_state(run).gpus == ["GPU-0"]


def test_two_gpus_are_filled_and_the_third_run_waits(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    Box(monkeypatch, a_gpu(0), a_gpu(1))
    runs = [world.add("forever", name) for name in "abc"]
    assert world.advance() == "run"
    for run in runs[:2]:
        world.wait_for(run, "running")
    assert sorted(uuid for run in runs[:2] for uuid in read_state(run).gpus) == ["GPU-0", "GPU-1"]
    assert world.status(runs[2]) == "queued"
    queue.hold(world.root)
    control.request(runs[0], "stop", "a test")
    world.wait_for(runs[0], "stopped")
    queue.go(world.root)
    world.advance()
    world.wait_for(runs[2], "running")
    assert read_state(runs[2]).gpus == read_state(runs[0]).gpus


def test_it_gives_up_waiting_after_its_time_and_says_what_for(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    Box(monkeypatch, busy())
    run = world.add()
    advancing.stay(world.root, stays_s=0.0)
    entry = world.entry(run)
    assert (entry.state, entry.waits_for) == ("waiting", "memory")
    assert msgspec.json.decode((world.root / "queue.json").read_bytes())["entries"][0]["reason"]


# --- who gets which ----------------------------------------------------------------------------------------


def test_two_launches_at_once_do_not_take_the_same_gpu(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also under another runs root: the choice of one was seen by the other only once its state said so."""
    Box(monkeypatch, a_gpu(0), a_gpu(1))
    create = launch.create

    def slowly(*arguments: Any) -> RunDirectory:
        time.sleep(0.5)  # as on a busy disk
        return create(*arguments)

    monkeypatch.setattr(launch, "create", slowly)
    roots = (world.root, tmp_path / "other-runs")
    for root in roots:
        remember(root)
    with ThreadPoolExecutor() as pool:
        runs = list(
            pool.map(
                lambda root: launch.start(
                    world.spec, root, trainer=[sys.executable, str(FAKE_TRAINER), "loading"]
                ),
                roots,
            )
        )
    try:
        assert sorted(uuid for run in runs for uuid in read_state(run).gpus) == ["GPU-0", "GPU-1"]
    finally:
        for run in runs:
            control.request(run, "stop", "a test", now=True)
            world.wait_for(run, "stopped")


def test_a_gpu_that_was_taken_meanwhile_is_waited_for(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the queue's decision and its launch somebody started a run by hand."""
    Box(monkeypatch, a_gpu())
    run = world.add("steps=2")
    with monkeypatch.context() as patch:
        patch.setattr("tui_ft.runs.choosing._of_starting", lambda root: {"GPU-0"})
        assert world.advance() == "launch"
    assert world.status(run) == "queued" and "just being started" in world.entry(run).reason
    world.advance()
    world.wait_for(run, "finished")


def test_the_gpus_of_the_users_shell_are_recorded_not_the_one_that_the_queue_chose(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs after it, and the queue's next process, chose among one GPU only."""
    Box(monkeypatch, a_gpu(0), a_gpu(1))
    for allowed in (None, "GPU-1,GPU-0"):
        if allowed is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
        run = world.add("forever")
        world.advance()
        world.wait_for(run, "running")
        [pid] = [process.pid for process in read_state(run).processes if process.role == "supervisor"]
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        assert environment["CUDA_VISIBLE_DEVICES"] == read_state(run).gpus[0]
        assert environment.get("TUI_FT_CUDA_VISIBLE_DEVICES") == allowed
        control.request(run, "stop", "a test")
        world.wait_for(run, "stopped")

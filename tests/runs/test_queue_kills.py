"""A kill at any instant of whoever changes or advances the queue: nothing is lost, nothing starts twice.

The work is done in a forked child that kills itself at its Nth operation on files, locks or processes. A
sample of the instants is taken each time; TUI_FT_ALL_KILLS=1 takes every one of them.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from queue_world import QueueWorld, queue_world, wait_until

from tui_ft.runs import launch, truth  # noqa: F401 - imported before the fork
from tui_ft.runs.adopting import adopt_orphans
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.queueing import queue
from tui_ft.runs.queueing.removing import remove
from tui_ft.runs.records import AttemptEvent, decode_event, decode_metrics
from tui_ft.runs.state import read_state

SAMPLE = 6
IS_WHOLE = bool(os.environ.get("TUI_FT_ALL_KILLS"))
MOST_INSTANTS = 400
_COUNTED = frozenset(
    {
        "os.rename", "os.mkdir", "os.remove", "os.rmdir", "fcntl.flock", "subprocess.Popen", "os.truncate",
        "os.utime", "shutil.rmtree",
    }
)  # fmt: skip
_STEPS = 3


@pytest.fixture
def world(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[QueueWorld]:
    monkeypatch.setattr(truth, "_LAUNCH_S", 0.5)
    with queue_world(bench.root, bench.spec, tmp_path, monkeypatch) as world:
        yield world
    for run in list_directories(bench.root):  # one whose making was cut off has no such folder
        (run.path / "attempts").mkdir(exist_ok=True)


def killed_at(instant: int, deed: Callable[[], object]) -> bool:
    """Do `deed` in a child that dies at its operation number `instant`; True when it came so far."""
    pid = os.fork()
    if pid == 0:
        left = instant

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in _COUNTED or (event == "open" and _writes(arguments)):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            deed()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return False


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def instants(deed: Callable[[int], bool], about: int) -> int:
    """Kill at a sample of all instants, of which there are `about` so many, or at each of them.

    `deed` says whether it still came so far. Returns how many kills there were.
    """
    if IS_WHOLE:
        count = 0
        while deed(count):
            count += 1
            assert count < MOST_INSTANTS
        sys.stderr.write(f"{count} instants\n")
        return count
    chosen = random.Random().sample(range(about), min(SAMPLE, about))
    return sum(deed(instant) for instant in sorted(chosen))


def settle(world: QueueWorld, run: RunDirectory) -> None:
    """Go on as the next command would, until the run has ended."""

    def is_over() -> bool:
        adopt_orphans(world.root)
        if any(entry.state == "held" and entry.id == run.id for entry in world.entries()):
            queue.go(world.root, [run.id])
        world.advance()
        return world.status(run) == "finished"

    wait_until(is_over, lambda: f"{run.id}: {truth.read_truth(run)} {world.entries()}", 30.0)


def check_ran_once(run: RunDirectory) -> None:
    steps = [decode_metrics(line)["step"] for line in run.metrics.read_bytes().splitlines()]
    assert steps == list(range(1, _STEPS + 1))
    events = [decode_event(line) for line in run.events.read_bytes().splitlines()]
    assert [event.attempt for event in events if isinstance(event, AttemptEvent)] == [1]
    assert read_state(run).attempt == 1


def test_a_kill_while_the_next_run_is_started(world: QueueWorld) -> None:
    def deed(instant: int) -> bool:
        run = world.add(f"steps={_STEPS}")
        was_killed = killed_at(instant, world.advance)
        assert run.path.is_dir()
        settle(world, run)
        check_ran_once(run)
        wait_until(lambda: run.id not in [entry.id for entry in world.entries()], lambda: str(world.ids()))
        return was_killed

    assert instants(deed, 40) > 0


def test_a_kill_while_a_run_is_added(world: QueueWorld) -> None:
    def deed(instant: int) -> bool:
        before = set(world.ids())
        was_killed = killed_at(instant, lambda: world.add(f"steps={_STEPS}"))
        entries = world.entries()
        queued = {run.id for run in list_directories(world.root) if world.status(run) == "queued"}
        assert {entry.id for entry in entries} == queued, "what is queued is in the queue, and nothing else"
        assert before <= queued
        assert was_killed or len(queued) == len(before) + 1
        return was_killed

    assert instants(deed, 20) > 0


def test_a_kill_while_a_run_is_removed(world: QueueWorld) -> None:
    def deed(instant: int) -> bool:
        run, other = world.add(name="a"), world.add(name="b")
        was_killed = killed_at(instant, lambda: remove(world.root, [run.id]))
        ids = [entry.id for entry in world.entries()]
        assert other.id in ids
        assert (run.id in ids) == run.path.exists()
        assert was_killed or not run.path.exists()
        if run.path.exists():
            assert world.status(run) == "queued"
            remove(world.root, [run.id])
        remove(world.root, [other.id])
        assert not list(world.root.glob(".removed-*"))
        return was_killed

    assert instants(deed, 22) > 0


def test_a_kill_while_the_order_changes(world: QueueWorld) -> None:
    runs = [world.add(name=name) for name in "abc"]

    def deed(instant: int) -> bool:
        before = world.ids()
        was_killed = killed_at(instant, lambda: queue.move(world.root, runs[2].id, "first"))
        after = world.ids()
        moved = [runs[2].id, *[name for name in before if name != runs[2].id]]
        assert after in (before, moved)
        assert was_killed or after == moved
        queue.move(world.root, runs[2].id, "last")
        return was_killed

    assert instants(deed, 5) > 0

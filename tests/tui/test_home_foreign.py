"""Runs of this box that tui-ft did not start, among ours: seen, watched, never steered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from home_world import NO_GPU, NOON, Rooms, a_gpu, a_run, an_app, on_screen, ready, shown, until
from textual.screen import Screen
from textual.widgets import Static

from tui_ft.hardware.gpu import GpuReading
from tui_ft.tui import home_reading
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.foreign_poll import ForeignPoll, ForeignRun
from tui_ft.tui.home_list import found_of
from tui_ft.watch.found import FoundRun
from tui_ft.watch.sources.protocol import Place

OURS = "20261121-demo-0001"


def theirs(path: str = "/home/other/outputs/sft", **changes: Any) -> ForeignRun:
    place = Place(format="hf_trainer_state", path=Path(path), files=(Path(path) / "trainer_state.json",))
    known: dict[str, Any] = {
        "id": path, "path": path, "status": "running", "name": "sft", "pid": 4711, "user": "other",
        "method": "HF Trainer", "started_at": NOON, "step": 30, "total_steps": 60, "loss": 1.5,
        "reason": f"{path} is running, not started by tui-ft (other, pid 4711).",
        "found": FoundRun(title="sft", path=Path(path), places=(place,)), **changes,
    }  # fmt: skip
    return ForeignRun(**known)


class Opened(Screen[None]):
    """What the app shows for a found run in these tests."""

    def __init__(self, found: FoundRun) -> None:
        super().__init__()
        self.found = found

    def compose(self) -> Any:
        yield Static(str(self.found.path))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_they_stand_among_ours_with_a_sign_and_enter_watches_them(size: tuple[int, int]) -> None:
    rooms = Rooms()
    rooms.runs, rooms.foreign = [a_run(1)], [theirs()]
    app = an_app(rooms)
    app._found_screen = Opened  # type: ignore[method-assign, assignment]
    async with app.run_test(size=size) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: len(home.runs.rows) == 2)
        await pilot.press("home")
        await on_screen(pilot, "▶ running › sft")
        await on_screen(pilot, "not started by tui-ft (other, pid 4711)")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Opened))
        assert pilot.app.screen.found.path == Path("/home/other/outputs/sft")


async def test_they_are_not_steered() -> None:
    rooms = Rooms()
    rooms.foreign = [theirs()]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: home.runs.rows)
        for key in "srwem":
            home.notice.say("")
            await pilot.press(key)
            await on_screen(pilot, "✗ sft was not started by tui-ft: it can only be watched.")
        assert not rooms.stopped and not rooms.restarted


async def test_one_that_writes_nothing_yet_says_so() -> None:
    rooms = Rooms()
    rooms.foreign = [theirs(id="pid 4711", found=None)]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: home.runs.rows)
        await pilot.press("enter")
        await on_screen(pilot, "✗ pid 4711 writes nothing yet that is known here.")
        await pilot.press("i")
        await on_screen(pilot, "✗ pid 4711 writes nothing yet that a label could be put on.")


async def test_they_are_filtered_tagged_and_marked_like_ours() -> None:
    rooms = Rooms()
    rooms.runs, rooms.foreign = [a_run(1), a_run(2)], [theirs()]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: len(home.runs.rows) == 3)
        await pilot.press("home", "space", "space")
        assert [found.path for found in home.compared_runs()] == [
            Path("/home/other/outputs/sft"), Path("/runs") / OURS,
        ]  # fmt: skip
        assert [found.is_ours for found in home.compared_runs()] == [False, True]
        await pilot.press("slash", *"hf trainer", "enter")
        assert [run.id for run in home.runs.rows] == ["/home/other/outputs/sft"]


async def test_a_gpu_whose_owner_cannot_be_seen_is_said_in_a_line() -> None:
    rooms = Rooms()
    rooms.reading = GpuReading((a_gpu(used_gib=21),))
    rooms.notes = ["GPU 0: 21.0 GiB used, owner not visible from this container"]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: shown(pilot.app)[1].strip() == rooms.notes[0])
        rooms.notes = []
        home.query_one("GpuStrip").show_notes([])
        await until(pilot, lambda: "owner not visible" not in " ".join(shown(pilot.app)))


async def test_processes_are_not_looked_for_behind_another_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_reading, "NO_FOREIGN_EVERY_S", 0.01)
    rooms, asked = Rooms(), 0

    def count(_: Any) -> Any:
        nonlocal asked
        asked += 1
        return [], []

    rooms.list_foreign = count  # type: ignore[method-assign]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: asked > 2)
        await pilot.press("question_mark")
        await pilot.pause()
        before = asked
        for _ in range(20):
            await pilot.pause(0.01)
        assert asked <= before + 1


# --- real processes ----------------------------------------------------------------------------------

SCRIPT = """
import json, os, sys, time
folder = sys.argv[2]
os.makedirs(folder, exist_ok=True)
log = open(os.path.join(folder, "trainer_log.jsonl"), "a")
step = 0
while True:
    step += 1
    row = {"current_steps": step, "total_steps": 1000, "loss": 2.0, "lr": 1e-4, "epoch": 0.1,
           "percentage": 0.1, "elapsed_time": "0:00:01", "remaining_time": "0:10:00"}
    log.write(json.dumps(row) + "\\n"); log.flush()
    time.sleep(0.05)
"""


@contextmanager
def a_training(folder: Path, script: str = SCRIPT) -> Iterator[subprocess.Popen[bytes]]:
    """A process that calls itself train.py, writes into `folder`, and is killed in the end."""
    path = folder / "train.py"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    with subprocess.Popen(
        [sys.executable, str(path), "--output_dir", str(folder / "out")], cwd=folder
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def poll_until(
    poll: ForeignPoll, condition: Callable[[tuple[ForeignRun, ...]], object]
) -> tuple[ForeignRun, ...]:
    import time

    deadline = time.monotonic() + 30
    while not condition(runs := poll.read(NO_GPU).runs):
        assert time.monotonic() < deadline, runs
        time.sleep(0.05)
    return runs


def of(process: subprocess.Popen[bytes], runs: tuple[ForeignRun, ...]) -> ForeignRun | None:
    return next((run for run in runs if run.pid == process.pid), None)


def test_a_process_is_found_read_and_seen_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_ft.tui import foreign_poll

    monkeypatch.setattr(foreign_poll, "LOOK_AGAIN_S", (0.0,))
    poll = ForeignPoll()
    with a_training(tmp_path / "work") as process:
        runs = poll_until(poll, lambda runs: (run := of(process, runs)) and run.step)
        run = of(process, runs)
        assert run is not None and run.found is not None
        assert Path(run.id) == run.found.path and tmp_path in run.found.path.parents
        assert (run.status, run.total_steps, run.loss) == ("running", 1000, 2.0)
        assert run.method == "LLaMA-Factory"
        process.kill()
        process.wait()
        runs = poll_until(poll, lambda runs: (run := of(process, runs)) and run.status == "lost")
        assert found_of(of(process, runs)) is not None  # type: ignore[arg-type]


def test_who_writes_now_stands_for_a_folder_that_others_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_ft.tui import foreign_poll

    monkeypatch.setattr(foreign_poll, "LOOK_AGAIN_S", (0.0,))
    poll = ForeignPoll()
    with a_training(tmp_path / "work") as first:
        poll_until(poll, lambda runs: (run := of(first, runs)) and run.found)
    with a_training(tmp_path / "work") as second:
        runs = poll_until(poll, lambda runs: (run := of(second, runs)) and run.found)
        assert of(first, runs) is None
        assert len({run.id for run in runs}) == len(runs)


def test_a_process_that_writes_nothing_is_listed_while_it_lives(tmp_path: Path) -> None:
    poll = ForeignPoll()
    with a_training(tmp_path / "work", "import time\ntime.sleep(600)\n") as process:
        runs = poll_until(poll, lambda runs: of(process, runs))
        run = of(process, runs)
        assert run is not None and run.found is None and run.id == f"pid {process.pid}"
        assert "It writes nothing yet that is known here" in (run.reason or "")
        process.kill()
        process.wait()
        poll_until(poll, lambda runs: of(process, runs) is None)


def test_a_label_on_anothers_run_is_kept_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_ft.tui import foreign_poll

    monkeypatch.setattr(foreign_poll, "LOOK_AGAIN_S", (0.0,))
    actions = LocalActions(tmp_path / "runs", lambda: NO_GPU, lambda: NOON)
    with a_training(tmp_path / "work") as process:
        assert actions._foreign is None
        actions.list_foreign(NO_GPU)
        assert actions._foreign is not None
        runs = poll_until(actions._foreign, lambda runs: (run := of(process, runs)) and run.found)
        run = of(process, runs)
        assert run is not None
        actions.label([run.id], tags=("theirs",), note="look at it")
        (again,) = [run for run in actions.list_foreign(NO_GPU)[0] if getattr(run, "pid", 0) == process.pid]
        assert (again.tags, again.note) == (("theirs",), "look at it")
        assert not list((tmp_path / "work").glob("labels*"))

"""Runs of this box that tui-ft did not start, among ours: seen, watched, never steered."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from home_world import NO_GPU, NOON, Rooms, a_gpu, a_run, an_app, on_screen, ready, shown, until
from textual.screen import Screen
from textual.widgets import Static

from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs.labels import change_labels
from tui_ft.runs.listing import RunSummary
from tui_ft.tui import home_reading
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.foreign_poll import ForeignPoll, ForeignRun, is_our_own, line_of, told_apart
from tui_ft.tui.home_list import found_of
from tui_ft.tui.screens.pick_run import PickRun
from tui_ft.watch.finding import find_runs
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.box import Group
from tui_ft.watch.reading import Reading
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
        assert run.method == "" and "LLaMA-Factory)" in run.reason  # what it is read from is no method
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


async def test_the_keys_of_our_runs_are_not_offered_on_another() -> None:
    rooms = Rooms()
    rooms.runs, rooms.foreign = [a_run(1)], [theirs()]
    async with an_app(rooms).run_test(size=(120, 30)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: len(home.runs.rows) == 2)
        await pilot.press("home")
        await until(pilot, lambda: "Filter" in shown(pilot.app)[-1] and "Restart" not in shown(pilot.app)[-1])
        assert not {"Stop", "Save", "Method", "Edit"} & set(shown(pilot.app)[-1].split())
        await pilot.press("down")
        await until(pilot, lambda: {"Restart", "Stop", "Edit", "Method"} <= set(shown(pilot.app)[-1].split()))


@pytest.mark.parametrize(("ours", "at"), [([a_run(1), a_run(2)], 1), ([], 0)], ids=["ours", "none of ours"])
async def test_the_cursor_starts_on_the_newest_run_of_ours_and_one_list_has_it(
    ours: list[RunSummary], at: int
) -> None:
    rooms = Rooms()
    rooms.runs, rooms.foreign = ours, [theirs()]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: len(home.runs.rows) == len(ours) + 1)
        await pilot.pause()
        assert home.runs.index == at
        assert sum("▸" in line for line in shown(pilot.app)) == 1
        await pilot.press("tab")
        assert sum("▸" in line for line in shown(pilot.app)) == 1


async def test_names_have_the_room_where_no_model_is_known_and_a_small_screen_has_rows() -> None:
    rooms = Rooms()
    rooms.foreign = [theirs(name="finetune-llama-on-contracts", model="", method="")]
    async with an_app(rooms).run_test(size=(60, 15)) as pilot:
        home = await ready(pilot)
        await until(pilot, lambda: home.runs.rows)
        await on_screen(pilot, "› finetune-")
        assert "GPU" in shown(pilot.app)[0] and "Runs" in shown(pilot.app)[1]
        assert home.presets.size.height <= 3


def test_runs_of_one_name_are_told_apart_by_their_folder_or_their_arguments() -> None:
    runs = [
        theirs("/home/a/exp1/out", name="out"), theirs("/home/a/exp2/out", name="out"),
        theirs("/x", name="alone"),
        theirs("/w", id="pid 7", name="train.py", command="python train.py --lr 1"),
        theirs("/w", id="pid 8", name="train.py", command="python train.py --lr 2"),
    ]  # fmt: skip
    assert [run.name for run in told_apart(runs)] == [
        "out · exp1", "out · exp2", "alone", "train.py · --lr 1", "train.py · --lr 2",
    ]  # fmt: skip


def test_numbers_that_are_half_read_are_no_facts(tmp_path: Path) -> None:
    found = theirs().found
    half = Reading(source="wandb", title="red-run", path="/x", status="quiet", step=940, is_complete=False)
    line = line_of(found, half, None, is_living=True)
    assert (line.status, line.step, line.loss, line.name) == ("running", None, None, "red-run")
    whole = replace(half, status="running", step=1985, is_complete=True)
    assert line_of(found, whole, whole).step == 1985


def test_the_own_helpers_are_no_trainings() -> None:
    known: dict[str, Any] = {
        "pid": 1,
        "start_time": 1,
        "started_at": None,
        "pids": (1,),
        "user": "me",
        "title": "x",
    }
    assert is_our_own(Group(command="/usr/bin/python -m tui_ft.train.simulate spec.toml", **known))
    assert not is_our_own(Group(command="python train.py", **known))


def test_a_labelled_run_stays_in_the_list_when_its_process_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "work" / "sft"
    folder.mkdir(parents=True)
    rows = [{"current_steps": step, "total_steps": 3, "loss": 2.0} for step in (1, 2, 3)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "trainer_log.jsonl").write_text(text, encoding="utf-8")
    run = find_runs(folder)[0]
    change_labels(tmp_path / "runs", [str(run.path), str(tmp_path / "gone")], tags=("best",), note="the one")
    actions = LocalActions(tmp_path / "runs", lambda: NO_GPU, time.time)
    for _ in range(20):
        listed = {line.id: line for line in actions.list_foreign(None)[0]}
        if listed[str(run.path)].step:
            break
    line = listed[str(run.path)]
    assert (line.step, line.tags, line.note) == (3, ("best",), "the one")
    assert found_of(line) is not None
    gone = listed[str(tmp_path / "gone")]
    assert gone.status == "unknown" and "No run is at" in gone.reason and found_of(gone) is None


async def test_a_run_is_picked_from_what_home_lists_and_from_what_was_found_beside() -> None:
    rooms = Rooms()
    rooms.runs, rooms.foreign = [a_run(1)], [theirs()]
    app = an_app(rooms)
    app._actions = rooms  # type: ignore[assignment]
    sibling = theirs("/home/other/outputs/dpo").found
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.found_here[str(sibling.path)] = sibling
        picked: list[Any] = []
        app.push_screen(PickRun(()), picked.append)
        await until(pilot, lambda: len(getattr(app.screen, "_runs", ())) == 3)
        await pilot.press("slash", *"dpo", "enter", "enter")
        await until(pilot, lambda: picked)
        assert picked[0].path == sibling.path


async def test_where_no_run_can_be_picked_the_keys_that_it_has_are_said() -> None:
    app = an_app(Rooms())
    app._actions = Rooms()  # type: ignore[assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.push_screen(PickRun(()))
        await on_screen(pilot, "f takes the path of a folder or file")
        assert "new run" not in " ".join(shown(app))

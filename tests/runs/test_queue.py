"""Runs that wait: their order, what becomes of them, and what a hostile or damaged queue can do."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from checkpoint_made import save
from queue_world import FAKE_TRAINER, QueueWorld, queue_world, wait_until

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs import control, launch, launch_record
from tui_ft.runs import lock as locks
from tui_ft.runs.companions import Sight
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.health_rows import DeedRow, decode_health
from tui_ft.runs.queueing import advancing, queue
from tui_ft.runs.queueing import deciding as queue_deciding
from tui_ft.runs.queueing import pausing as queue_pausing
from tui_ft.runs.queueing.companion import GRACE_S, QueueCompanion
from tui_ft.runs.queueing.nudging import is_being_advanced, nudge
from tui_ft.runs.queueing.queue_file import QueueDocument, QueueEntry, queue_path, read_queue, write_queue
from tui_ft.runs.queueing.removing import remove
from tui_ft.runs.records import ExitRecord, decode_metrics, encode_document
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides


@pytest.fixture
def world(bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueWorld]:
    with queue_world(bench.root, bench.spec, tmp_path, monkeypatch) as world:
        yield world


# --- order -----------------------------------------------------------------------------------------------


def test_a_queued_run_is_a_directory_with_its_spec_and_nothing_else(world: QueueWorld) -> None:
    run = world.add()
    assert world.status(run) == "queued"
    assert world.ids() == [run.id]
    assert run.spec.is_file()
    assert not run.events.exists()
    assert not list(run.checkpoints.iterdir())
    assert queue_path(world.root).stat().st_mode & 0o077 == 0


def test_runs_are_put_in_order(world: QueueWorld) -> None:
    one, two, three = (world.add(name=name) for name in ("a", "b", "c"))
    front = world.add(name="front", front=True)
    assert world.ids() == [front.id, one.id, two.id, three.id]
    queue.move(world.root, three.id, "first")
    queue.move(world.root, "2", "last")
    assert world.ids() == [three.id, one.id, two.id, front.id]
    queue.move(world.root, one.id, "down")
    queue.move(world.root, one.id, "up")
    queue.move(world.root, "3", "2")
    assert world.ids() == [three.id, two.id, one.id, front.id]
    queue.move(world.root, front.id, "99")
    queue.move(world.root, three.id, "up")
    assert world.ids() == [three.id, two.id, one.id, front.id]


@pytest.mark.parametrize("name", ["", "nosuch", "5", "0", "20", "../a", "2026"])
def test_a_name_that_means_no_run_or_several_is_refused(world: QueueWorld, name: str) -> None:
    for letter in "ab":
        world.add(name=letter)
    with pytest.raises(TuiFtError):
        queue.move(world.root, name, "first")
    with pytest.raises(TuiFtError):
        remove(world.root, [name])
    assert len(world.ids()) == 2


def test_no_place_is_said_as_a_sentence(world: QueueWorld) -> None:
    world.add()
    with pytest.raises(TuiFtError, match="no place"):
        queue.move(world.root, "1", "sideways")


# --- running through it ----------------------------------------------------------------------------------


def test_one_after_the_other_with_nobody_there_also_after_a_failure(world: QueueWorld) -> None:
    runs = [world.add(how, how[0]) for how in ("steps=3", "fail", "steps=2")]
    assert world.nudge()
    for run, status in zip(runs, ("finished", "failed", "finished"), strict=True):
        world.wait_for(run, status)
    states = [read_state(run) for run in runs]
    for before, after in itertools.pairwise(states):
        assert before.ended_at <= after.started_at
    assert states[0].created_at < states[0].started_at
    wait_until(lambda: not world.ids(), lambda: str(world.ids()))


def test_it_goes_on_when_the_run_before_is_stopped(world: QueueWorld) -> None:
    first, second = world.add("forever", "a"), world.add("steps=2", "b")
    world.nudge()
    world.wait_for(first, "running")
    wait_until(lambda: world.entry(second).waits_for == "run", lambda: str(world.entries()))
    assert world.entry(second).behind == first.id
    control.request(first, "stop", "a test")
    world.wait_for(second, "finished")
    assert world.status(first) == "stopped"
    rows = [decode_health(line) for line in first.health.read_bytes().splitlines()]
    assert [row.message for row in rows if isinstance(row, DeedRow)] == [
        f"The queue goes on: {second.id.partition('-')[2]} is next."
    ]


def test_a_run_that_wants_a_finished_one_before_it_is_held_after_a_failure(world: QueueWorld) -> None:
    failing, careful = world.add("fail", "a"), world.add("steps=2", "b", hold_on_failure=True)
    behind = world.add("steps=2", "c")
    world.nudge()
    world.wait_for(behind, "finished")
    assert world.status(failing) == "failed"
    entry = world.entry(careful)
    assert (entry.state, world.status(careful)) == ("held", "queued")
    assert "failed" in entry.reason
    queue.go(world.root, [careful.id])
    world.nudge()
    world.wait_for(careful, "finished")


def test_a_held_queue_starts_nothing_until_it_is_let_go(world: QueueWorld) -> None:
    run = world.add()
    queue.hold(world.root)
    assert not world.nudge()
    assert world.advance() == ""
    assert world.status(run) == "queued"
    assert queue.waiting(world.root) == 0
    queue.go(world.root)
    assert queue.waiting(world.root) == 1
    world.nudge()
    world.wait_for(run, "finished")


def test_a_run_that_is_held_lets_those_behind_it_pass(world: QueueWorld) -> None:
    held, other = world.add(name="a", held=True), world.add("steps=2", "b")
    assert queue.queue_line(world.root).startswith("Queue: 1 run waits, 1 held · next b-")
    world.nudge()
    world.wait_for(other, "finished")
    assert world.status(held) == "queued"
    assert "held" in queue.queue_line(world.root)


def test_what_cannot_start_any_more_is_held_with_the_reason_and_the_next_one_goes_on(
    world: QueueWorld, data_file: Path
) -> None:
    broken = world.add(name="a")
    text = broken.spec.read_text().replace(str(data_file), "/nowhere/rows.jsonl")
    broken.spec.write_text(text)
    good = world.add("steps=2", "b")
    world.nudge()
    world.wait_for(good, "finished")
    entry = world.entry(broken)
    assert entry.state == "held"
    assert "/nowhere/rows.jsonl" in entry.reason
    assert world.status(broken) == "queued"


def test_a_full_disk_is_waited_for_and_holds_nothing(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.add("steps=2")
    with monkeypatch.context() as patch:
        patch.setattr("tui_ft.runs.preflight._LEAST_FREE_BYTES", 1 << 60)
        assert world.advance() == "disk"
    entry = world.entry(run)
    assert (entry.state, entry.waits_for) == ("waiting", "disk")
    assert "full" in entry.reason
    assert world.advance() == ""
    world.wait_for(run, "finished")


def test_on_a_machine_that_may_go_down_the_next_run_waits_for_that(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal from outside announces the end of the machine, or was meant for that run alone."""
    started: list[float] = []
    monkeypatch.setattr("tui_ft.runs.queueing.nudging._start", lambda root, after_s: started.append(after_s))
    run = world.add()
    companion = QueueCompanion(world.root)
    sight = Sight(
        now=time.time(), monotonic=0.0, state=read_state(run), follower=EventFollower(run, 1), hardware=None,
        trainer_pid=0,
    )  # fmt: skip
    said = []
    for cause in ("finished", "preempted"):
        record = ExitRecord(cause=cause, message="")  # type: ignore[arg-type]
        said += [row.message for row in companion.ended(sight, "stopped", record).rows]  # type: ignore[union-attr]
    assert started == [0.0, GRACE_S]
    name = run.id.partition("-")[2]
    assert said[0] == f"The queue goes on: {name} is next."
    assert said[1] == f"The queue goes on in 150 s, if the machine stays: {name} is next."


def test_a_fault_of_ours_in_one_start_holds_that_run_alone(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.add()

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("tui_ft.runs.launch.begin", broken)
    assert world.advance() == ""
    assert world.entry(run).state == "held"
    assert "ZeroDivisionError" in world.entry(run).reason
    assert "Traceback" in capsys.readouterr().err


def test_a_box_on_which_everything_fails_at_once_does_not_eat_the_whole_queue(world: QueueWorld) -> None:
    runs = [world.add("fail", f"r{number}") for number in range(5)]
    world.nudge()
    wait_until(lambda: all(world.entry(run).state == "held" for run in runs[3:]), lambda: str(world.ids()))
    assert [world.status(run) for run in runs] == ["failed"] * 3 + ["queued"] * 2
    assert "failed" in world.entry(runs[3]).reason


def test_after_a_reboot_the_next_command_goes_on(world: QueueWorld, bench) -> None:
    first, second = world.add("forever", "a"), world.add("steps=2", "b")
    world.nudge()
    world.wait_for(first, "running")
    wait_until(lambda: world.entry(second).waits_for == "run", lambda: str(world.entries()))
    wait_until(lambda: not is_being_advanced(world.root), lambda: "somebody is still at it")
    assert not nudge(world.root, has_changed=False), "the supervisor of the first sees to it"
    bench.kill(first, "supervisor")
    bench.kill(first, "trainer")
    wait_until(lambda: world.status(first) == "lost", lambda: world.status(first))
    assert nudge(world.root, has_changed=False)
    world.wait_for(second, "finished")


def test_after_a_reboot_a_run_that_goes_on_by_itself_comes_first(world: QueueWorld, bench) -> None:
    world.spec = overrides.apply(world.spec, ["checkpoints.auto_resume=true"])
    first, second = world.add("forever", "a"), world.add("steps=2", "b")
    world.nudge()
    world.wait_for(first, "running")
    save(first, 3)
    wait_until(lambda: world.entry(second).waits_for == "run", lambda: str(world.entries()))
    bench.kill(first, "supervisor")
    bench.kill(first, "trainer")
    wait_until(lambda: world.status(first) == "lost", lambda: world.status(first))
    assert nudge(world.root, has_changed=False)
    wait_until(lambda: read_state(first).attempt == 2, lambda: world.status(first))
    world.wait_for(first, "running")
    assert world.status(second) == "queued"
    control.request(first, "stop", "a test")
    world.wait_for(second, "finished")


def test_a_run_whose_supervisor_was_killed_is_adopted_and_still_comes_first(world: QueueWorld, bench) -> None:
    first, second = world.add("forever", "a"), world.add("steps=2", "b")
    world.nudge()
    world.wait_for(first, "running")
    wait_until(lambda: world.entry(second).waits_for == "run", lambda: str(world.entries()))
    bench.kill(first, "supervisor")
    wait_until(lambda: not is_being_advanced(world.root), lambda: "somebody is still at it")
    world.nudge()
    wait_until(lambda: not is_being_advanced(world.root), lambda: "somebody is still at it")
    assert (world.status(first), world.status(second)) == ("running", "queued")
    control.request(first, "stop", "a test")
    world.wait_for(second, "finished")


def test_a_run_started_by_hand_is_waited_for(world: QueueWorld, bench) -> None:
    going = bench.start("forever")
    run = world.add("steps=2")
    assert world.advance() == "run"
    assert world.entry(run).behind == going.id
    assert going.id.partition("-")[2] in queue.queue_line(world.root)
    control.request(going, "stop", "a test")
    world.wait_for(run, "finished")


def test_two_that_start_at_the_same_time_start_a_run_once(world: QueueWorld) -> None:
    run = world.add("steps=5")
    children = []
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            try:
                advancing.stay(world.root)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 5
    world.wait_for(run, "finished")
    steps = [decode_metrics(line)["step"] for line in run.metrics.read_bytes().splitlines()]
    assert steps == [1, 2, 3, 4, 5]


def test_a_run_that_is_just_launched_by_hand_counts_as_going(world: QueueWorld, bench) -> None:
    """Its supervisor has not written itself into the state yet; whoever launches it holds its lock."""
    by_hand = bench.start("forever")
    state = msgspec.structs.replace(read_state(by_hand), status="starting", processes=[])
    control.request(by_hand, "stop", "a test", now=True)
    world.wait_for(by_hand, "stopped", "failed")
    lock = locks.acquire(by_hand, patience_s=5.0)
    try:
        write_atomically(by_hand.state, encode_document(state))
        run = world.add()
        assert world.advance() == "run"
        assert world.entry(run).behind == by_hand.id
        queue.hold(world.root)
    finally:
        lock.close()


@pytest.mark.parametrize("change", ["hold", "hold all", "move"])
def test_who_holds_or_moves_while_a_start_is_decided_is_obeyed(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first, second = world.add("steps=2", "a"), world.add("steps=2", "b")
    began: list[str] = []
    monkeypatch.setattr(launch, "begin", lambda run, **_: began.append(run.id))
    decide = queue_deciding.decide

    def slowly(*given):
        decided = decide(*given)
        if not changed:
            changed.append(change)
            if change == "move":
                queue.move(world.root, second.id, "first")
            else:
                queue.hold(world.root, [first.id] if change == "hold" else ())
        return decided

    changed: list[str] = []
    monkeypatch.setattr(queue_deciding, "decide", slowly)
    advancing.advance(world.root)
    assert began == {"hold": [second.id], "hold all": [], "move": [second.id, first.id]}[change]


def test_nothing_starts_while_a_run_stops_only_to_go_on(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add()
    began: list[str] = []
    monkeypatch.setattr(launch, "begin", lambda run, **_: began.append(run.id))
    with queue_pausing.paused(world.root), queue_pausing.paused(world.root):
        assert advancing.advance(world.root) == "launch"
    decide = queue_deciding.decide

    def paused_meanwhile(*given):
        decided = decide(*given)
        stack.enter_context(queue_pausing.paused(world.root))
        return decided

    with ExitStack() as stack:
        monkeypatch.setattr(queue_deciding, "decide", paused_meanwhile)
        assert advancing.advance(world.root) == "launch"
        assert not began
    monkeypatch.setattr(queue_deciding, "decide", decide)
    advancing.advance(world.root)
    assert len(began) == 1


def test_a_run_of_another_root_is_waited_for(world: QueueWorld, bench, tmp_path: Path) -> None:
    trainer = [sys.executable, str(FAKE_TRAINER), "forever"]
    other = launch.start(bench.spec, tmp_path / "other", trainer=trainer)
    try:
        bench.wait_for(other, "running")
        run = world.add()
        assert advancing.advance(world.root) == "memory", "nobody tells this queue of that run's end"
        assert f"in {tmp_path / 'other'}" in world.entry(run).reason
        assert world.status(run) == "queued"
    finally:
        bench.kill(other, "supervisor")
        bench.kill(other, "trainer")


def test_a_run_that_is_cut_off_again_and_again_lets_the_next_one_pass(world: QueueWorld) -> None:
    world.spec = overrides.apply(world.spec, ["checkpoints.auto_resume=true"])
    front, second = world.add("steps=2", "a"), world.add("steps=2", "b")
    save(front, 3)
    for attempt in (1, 2, 3):
        front.attempt(attempt).path.mkdir(exist_ok=True, parents=True)
        front.attempt(attempt).spec.write_bytes(front.spec.read_bytes())
    state = msgspec.structs.replace(
        read_state(front), status="failed", attempt=3, exit=ExitRecord(cause="killed", message="")
    )
    write_atomically(front.state, encode_document(state))
    write_queue(world.root, msgspec.structs.replace(read_queue(world.root), earlier=(front.id,)))
    world.nudge()
    world.wait_for(second, "finished")
    assert read_state(front).attempt == 3
    assert "got no further" in (world.root / "queue.log").read_text()


def test_nothing_is_started_for_an_empty_or_absent_queue(world: QueueWorld) -> None:
    assert not nudge(world.root)
    world.root.mkdir()
    assert not nudge(world.root)
    write_queue(world.root, QueueDocument())
    assert not nudge(world.root)
    assert not (world.root / "queue.log").exists()


def test_who_queued_it_stands_in_the_launch_record(world: QueueWorld) -> None:
    """The process that starts it was asked for by nobody."""
    run = world.add("steps=2")
    asked = launch_record.read(run, 1)
    assert asked is not None
    world.nudge()
    world.wait_for(run, "finished")
    kept = launch_record.read(run, 1)
    assert kept is not None
    assert (kept.command, kept.folder, kept.user) == (asked.command, asked.folder, asked.user)
    assert kept.time > asked.time


# --- removing --------------------------------------------------------------------------------------------


def test_removing_takes_the_directory_away(world: QueueWorld) -> None:
    one, two = world.add(name="a"), world.add(name="b")
    assert remove(world.root, ["1"]) == [one.id]
    assert world.ids() == [two.id]
    assert not one.path.exists()
    assert not list(world.root.glob(".removed-*"))


def test_a_run_that_has_begun_is_never_removed(world: QueueWorld) -> None:
    run = world.add("forever")
    entry = world.entry(run)
    world.nudge()
    world.wait_for(run, "running")
    with pytest.raises(TuiFtError):
        remove(world.root, [run.id])
    document = read_queue(world.root)
    write_queue(world.root, msgspec.structs.replace(document, entries=(entry,)))  # as a stale copy has it
    with pytest.raises(TuiFtError):
        remove(world.root, [run.id])
    assert run.metrics.exists()
    assert world.status(run) == "running"


def test_a_link_in_place_of_a_run_is_not_followed(world: QueueWorld, tmp_path: Path) -> None:
    run = world.add()
    elsewhere = tmp_path / "elsewhere"
    run.path.rename(elsewhere)
    run.path.symlink_to(elsewhere)
    assert world.entries() == []
    assert elsewhere.is_dir()
    assert world.advance() == ""
    assert world.status(RunDirectory(elsewhere)) == "queued"


# --- damaged and hostile ---------------------------------------------------------------------------------


def test_a_lost_queue_is_found_again_from_the_directories_and_held(world: QueueWorld) -> None:
    runs = [world.add(name=name) for name in "ab"]
    queue_path(world.root).unlink()
    entries = world.entries()
    assert [entry.id for entry in entries] == [run.id for run in runs]
    assert {entry.state for entry in entries} == {"held"}, "nobody asked for a start of what was copied here"
    assert world.advance() == ""
    queue.go(world.root)
    world.nudge()
    world.wait_for(runs[1], "finished")


def test_a_damaged_queue_is_a_sentence_and_starts_nothing(world: QueueWorld) -> None:
    run = world.add()
    for data in (
        b"",
        b"{",
        b"[]",
        b'{"entries": [{"id": 3}]}',
        b'{"entries": ' + b"[" * 100_000,
        b"\xff\xfe",
    ):
        queue_path(world.root).write_bytes(data)
        with pytest.raises(TuiFtError):
            world.advance()
        assert not world.nudge()
        assert "cannot be read" in queue.queue_line(world.root)
        assert queue.waiting(world.root) == 0
    queue_path(world.root).unlink()
    assert [entry.id for entry in world.entries()] == [run.id]


def test_an_odd_entry_is_held_and_spoils_no_other(world: QueueWorld) -> None:
    odd, fine = world.add(), world.add()
    written = msgspec.json.decode(queue_path(world.root).read_bytes())
    written["entries"][0]["after"] = "never"
    queue_path(world.root).write_bytes(msgspec.json.encode(written))
    assert world.ids() == [odd.id, fine.id]
    assert world.entry(odd).state == "held" and "does not understand" in world.entry(odd).reason
    assert world.entry(fine).state == "waiting"


def test_the_queue_of_a_newer_version_is_shown_and_left_alone(world: QueueWorld) -> None:
    run = world.add()
    written = msgspec.json.decode(queue_path(world.root).read_bytes())
    data = msgspec.json.encode(written | {"schema": 2, "new": 1})
    queue_path(world.root).write_bytes(data)
    assert world.ids() == [run.id]
    assert not nudge(world.root)
    launch.prepare(world.spec_of("steps=1"), world.root)
    assert advancing.advance(world.root) == ""
    assert [entry.id for entry in world.entries()] == [run.id]
    with pytest.raises(TuiFtError, match="newer tui-ft"):
        queue.hold(world.root)
    assert queue_path(world.root).read_bytes() == data


def test_a_queue_that_is_a_link_is_refused(world: QueueWorld, tmp_path: Path) -> None:
    world.add()
    other = tmp_path / "other.json"
    queue_path(world.root).rename(other)
    queue_path(world.root).symlink_to(other)
    with pytest.raises(TuiFtError, match="cannot be read"):
        queue.current(world.root)
    assert not world.nudge()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_what_another_user_put_there_does_not_count(world: QueueWorld) -> None:
    run = world.add()
    os.chown(run.path, 12345, 12345)
    assert world.entries() == []
    os.chown(run.path, 0, 0)
    os.chown(queue_path(world.root), 12345, 12345)
    with pytest.raises(TuiFtError):
        queue.current(world.root)


def test_names_that_lead_elsewhere_are_dropped(world: QueueWorld) -> None:
    world.root.mkdir()
    names = ("../x", "/etc", "", "..", "a/b", "n" * 300, "a\0b")
    write_queue(world.root, QueueDocument(entries=tuple(QueueEntry(id=name) for name in names)))
    assert read_queue(world.root).entries == ()


def test_the_environment_of_who_queued_it_is_kept_but_no_secret(
    world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HOME", "/models")
    run = world.add()
    assert world.entry(run).environment == {"HF_HOME": "/models"}
    assert b"hf_secret" not in queue_path(world.root).read_bytes()


def test_many_runs_are_looked_through_quickly(world: QueueWorld) -> None:
    """Ten seconds apart, and at every command: 300 ended runs and a queue of ten."""
    run = world.add()
    state = read_state(run)
    ended = msgspec.structs.replace(state, status="finished")
    data = msgspec.json.encode(ended)
    for number in range(300):
        folder = world.root / f"20261121-old-{number:04d}"
        (folder / "attempts").mkdir(parents=True)
        (folder / "state.json").write_bytes(data)
    for _ in range(9):
        world.add()
    began = time.process_time()
    assert len(world.entries()) == 10
    assert time.process_time() - began < 1.0

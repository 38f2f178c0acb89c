"""What is left when the supervisor, or everybody, is killed; and what resume makes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.runs import adopting, control, elsewhere, launch
from tui_ft.runs import lock as locks
from tui_ft.runs.listing import list_runs
from tui_ft.runs.records import HardwareRow, StateRecord, decode_hardware, encode_document, encode_row
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth

FAKE = str(Path(__file__).with_name("fake_trainer.py"))


def fake(behaviour: str) -> list[str]:
    return [sys.executable, FAKE, behaviour]


def rewrite(run, **changes: object) -> StateRecord:
    """Make state.json say something else, as a copy from another machine would."""
    state = msgspec.structs.replace(read_state(run), **changes)
    write_atomically(run.state, encode_document(state))
    return state


def age_hardware(run) -> None:
    """As if its last row had been written long ago."""
    run.hardware.write_bytes(encode_row(HardwareRow(time=1000.0)) + b"\n")


def test_without_its_supervisor_the_run_goes_on_and_says_so(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    bench.wait_for_step(run)
    assert read_truth(run)[1:3] == ("running", "unsupervised")
    (summary,) = list_runs(bench.root)
    assert (summary.status, summary.reason) == ("running", "unsupervised")


def test_the_next_command_adopts_and_stop_works(bench) -> None:
    run = bench.start("forever")
    old = bench.kill(run, "supervisor")
    assert adopting.adopt_orphans(bench.root) == [run]
    assert read_truth(run)[1:3] == ("running", None)
    new = bench.process(run, "supervisor")
    assert new.pid != old.pid
    assert bench.process(run, "trainer").pid
    assert adopting.adopt_orphans(bench.root) == [], "one is enough"
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    assert read_state(run).exit.cause == "stopped"
    assert not list(run.control.iterdir())


def test_stop_alone_adopts_first(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    assert read_state(run).stop_requested_by == "test"


def test_stop_now_works_on_an_adopted_run(bench) -> None:
    run = bench.start("deaf")
    bench.kill(run, "supervisor")
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped", seconds=5)


def test_a_stop_that_the_dead_supervisor_had_not_passed_on_is_passed_on(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    rewrite(run, status="stopping", stop_requested_by="anna")
    assert read_truth(run)[1:3] == ("stopping", "unsupervised")
    adopting.adopt_orphans(bench.root)
    bench.wait_for(run, "stopped", seconds=5)


def test_an_adopted_trainer_that_is_killed_is_told(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    adopting.adopt_orphans(bench.root)
    bench.kill(run, "trainer")
    bench.wait_for(run, "failed", seconds=5)
    assert read_state(run).exit.cause == "killed"


def test_an_adopted_run_finishes_by_the_trainers_last_word(bench) -> None:
    run = bench.start("steps=150", until="running")
    bench.kill(run, "supervisor")
    adopting.adopt_orphans(bench.root)
    bench.wait_for(run, "finished")
    assert read_state(run).exit.message == "Finished after 150 steps."
    assert read_state(run).exit.code is None, "it was not our child: its exit code is not known"


def test_a_run_that_ended_unwatched_is_not_called_lost(bench) -> None:
    run = bench.start("steps=80", until="running")
    bench.kill(run, "supervisor")
    bench.wait_for(run, "finished")
    assert read_state(run).status == "running", "nobody has written it down yet"
    assert adopting.adopt_orphans(bench.root) == [run]
    state = read_state(run)
    assert (state.status, state.exit.cause) == ("finished", "finished")


def test_kill_9_of_both_is_lost(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    bench.wait_for(run, "lost", seconds=5)
    assert "no checkpoint" in read_truth(run).reason
    owner = run.lock.read_bytes()
    assert adopting.adopt_orphans(bench.root) == []
    assert run.lock.read_bytes() == owner, "a lost run is not touched"
    assert read_state(run).status == "running", "lost is derived, never written"
    with pytest.raises(TuiFtError) as caught:
        control.request(run, "stop", by="test")
    assert caught.value.exit_code == 1


def test_a_trainer_that_nobody_recorded_is_found(bench) -> None:
    """The supervisor can be killed between starting the trainer and writing its pid down."""
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    trainer = bench.process(run, "trainer")
    rewrite(run, processes=[bench.process(run, "supervisor")])
    assert read_truth(run)[1:3] == ("running", "unsupervised")
    assert adopting.adopt_if_orphan(run)
    assert bench.process(run, "trainer") == trainer


def test_a_reused_pid_is_not_the_trainer(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    trainer = bench.kill(run, "trainer")
    me = msgspec.structs.replace(trainer, pid=os.getpid())
    rewrite(run, processes=[bench.process(run, "supervisor"), me])
    assert read_truth(run).status == "lost"


# --- resume ------------------------------------------------------------------------------------------


def test_resume_goes_on_from_the_checkpoint_as_a_new_attempt(bench) -> None:
    run = bench.start("forever")
    bench.wait_for_step(run)
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    step = run.list_checkpoints()[0][0]
    assert (
        launch.resume(
            run,
            ["training.batch_size=2", "training.gradient_accumulation=8"],
            trainer=fake(f"steps={step + 3}"),
        )
        == run
    )
    bench.wait_for(run, "finished")
    state = read_state(run)
    assert (state.attempt, state.exit.cause, state.stop_requested_by) == (2, "finished", None)
    assert bench.steps(run) == step + 3, "no step is computed twice"
    assert "batch_size = 2" in run.attempt(2).spec.read_text()
    assert "batch_size = 2" not in run.spec.read_text()


def test_resume_of_a_lost_run(bench) -> None:
    run = bench.start("forever")
    control.request(run, "save", by="test")
    bench.wait_until(lambda: run.list_checkpoints(), "a checkpoint")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    launch.resume(run, trainer=fake("steps=5"))
    bench.wait_for(run, "finished")


@pytest.mark.parametrize("dead", [(), ("supervisor",)])
def test_resume_is_refused_while_anything_lives(bench, dead: tuple[str, ...]) -> None:
    run = bench.start("forever")
    control.request(run, "save", by="test")
    bench.wait_until(lambda: run.list_checkpoints(), "a checkpoint")
    for role in dead:
        bench.kill(run, role)
    before = run.state.read_bytes()
    with pytest.raises(TuiFtError) as caught:
        launch.resume(run, trainer=["/bin/true"])
    assert "while any of its processes lives" in caught.value.message
    assert caught.value.exit_code == 1
    assert run.state.read_bytes() == before
    assert not run.attempt(2).path.exists()


def test_resume_is_refused_when_there_is_nothing_to_resume(bench) -> None:
    finished = bench.start("steps=2", until="finished")
    with pytest.raises(TuiFtError, match="has finished"):
        launch.resume(finished, trainer=["/bin/true"])
    failed = bench.start("fail", until="failed")
    with pytest.raises(TuiFtError, match="no checkpoint"):
        launch.resume(failed, trainer=["/bin/true"])


def test_a_resumed_run_keeps_its_method_and_its_optimizer(bench) -> None:
    run = bench.start("forever")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    changes = ["method.rank=8", "training.optimizer=adafactor", "training.weight_decay=0.3"]
    for change in changes:
        with pytest.raises(TuiFtError) as caught:
            launch.resume(run, [change], trainer=["/bin/true"])
        assert change.partition("=")[0] in caught.value.message
    assert read_truth(run).status == "stopped"


# --- requests to runs that are over ----------------------------------------------------------------


def test_stop_of_an_ended_run_is_refused_with_exit_code_1(bench) -> None:
    run = bench.start("steps=2", until="finished")
    before = run.state.read_bytes()
    with pytest.raises(TuiFtError) as caught:
        control.request(run, "stop", by="test")
    assert caught.value.exit_code == 1
    assert run.state.read_bytes() == before
    assert not list(run.control.iterdir())


# --- copies and shared disks ------------------------------------------------------------------------


def test_a_copy_from_another_host_is_running_or_unknown_but_never_lost(bench) -> None:
    run = bench.start("forever")
    bench.wait_until(run.hardware.exists, "a hardware row")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    rewrite(run, host="elsewhere", boot_id="another")
    now = decode_hardware(run.hardware.read_bytes().splitlines()[-1]).time
    os.utime(run.hardware)  # a copy is young, its rows are not
    fresh = read_truth(run, now + 5)
    assert (fresh.status, fresh.reason) == ("running", "on elsewhere")
    stale = read_truth(run, now + 3 * 3600)
    assert stale.status == "unknown"
    assert "elsewhere" in stale.reason and "3 h" in stale.reason
    assert adopting.adopt_orphans(bench.root) == []
    age_hardware(run)
    with pytest.raises(TuiFtError) as caught:
        control.request(run, "stop", by="test")
    assert caught.value.exit_code == 1
    with pytest.raises(TuiFtError, match="not known whether"):
        launch.resume(run, trainer=["/bin/true"])


def test_take_over_resumes_what_ran_elsewhere(bench) -> None:
    run = bench.start("forever")
    control.request(run, "save", by="test")
    bench.wait_until(lambda: run.list_checkpoints(), "a checkpoint")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    rewrite(run, host="elsewhere", boot_id="another")
    age_hardware(run)
    launch.resume(run, take_over=True, trainer=fake("steps=5"))
    bench.wait_for(run, "finished")


def test_a_launch_that_was_cut_off_is_lost_not_starting_for_ever(bench) -> None:
    run = bench.start("steps=2", until="finished")
    state = rewrite(run, status="starting", processes=[], exit=None)
    run.events.unlink()
    soon = read_truth(run, state.started_at + 1)
    assert (soon.status, soon.reason) == ("lost", "its start was cut off"), (
        "nobody holds the lock: it is so now"
    )
    late = read_truth(run, state.started_at + 3600)
    assert (late.status, late.reason) == ("lost", "its start was cut off")
    held = locks.acquire(run)
    assert read_truth(run, state.started_at + 3600).status == "starting", "launch still holds the lock"
    held.close()


def test_a_silent_trainer_is_quiet_not_dead(bench) -> None:
    run = bench.start("loading", until="starting")
    bench.wait_until(run.events.exists, "events")
    now = run.events.stat().st_mtime
    assert read_truth(run, now + 60).status == "starting"
    quiet = read_truth(run, now + 900)
    assert quiet.status == "quiet"
    assert "15 min" in quiet.reason


def test_a_clock_that_was_set_back_does_not_hide_a_silence(bench) -> None:
    run = bench.start("loading", until="starting")
    bench.wait_until(run.events.exists, "events")
    now = run.events.stat().st_mtime
    assert read_truth(run, now - 3600).status == "starting", "all that is known lies in the future"
    rewrite(run, started_at=now + 3600)
    assert read_truth(run, now + 900).status == "quiet"


@pytest.mark.parametrize("role", ["trainer", "supervisor"])
def test_a_suspended_process_is_said_with_what_lets_it_go_on(bench, role: str) -> None:
    run = bench.start("forever")
    process = bench.kill(run, role, signal.SIGSTOP)
    bench.wait_until(lambda: "suspended" in (read_truth(run).reason or ""), "the truth")
    truth = read_truth(run)
    assert truth.status == ("quiet" if role == "trainer" else "running")
    assert f"`kill -CONT {process.pid}`" in truth.reason
    os.kill(process.pid, signal.SIGCONT)
    bench.wait_until(lambda: read_truth(run)[1:3] == ("running", None), "running again")


def test_a_stop_reaches_a_suspended_trainer(bench) -> None:
    run = bench.start("forever")
    bench.kill(run, "trainer", signal.SIGSTOP)
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped", seconds=5)


def test_an_end_that_a_suspended_supervisor_has_not_written_is_said(bench) -> None:
    run = bench.start("forever")
    supervisor = bench.kill(run, "supervisor", signal.SIGSTOP)
    bench.kill(run, "trainer", signal.SIGTERM)
    bench.wait_for(run, "stopped", seconds=5)
    assert read_state(run).status == "running", "nobody has written it down yet"
    os.kill(supervisor.pid, signal.SIGCONT)
    bench.wait_until(lambda: read_state(run).status == "stopped", "the supervisor's word")


def test_a_killed_trainer_of_a_suspended_supervisor_is_lost_until_that_wakes(bench) -> None:
    run = bench.start("forever")
    supervisor = bench.kill(run, "supervisor", signal.SIGSTOP)
    bench.kill(run, "trainer")
    bench.wait_for(run, "lost", seconds=5)
    assert f"`kill -CONT {supervisor.pid}`" in read_truth(run).reason
    with pytest.raises(TuiFtError, match="held"):
        locks.acquire(run)
    os.kill(supervisor.pid, signal.SIGCONT)
    bench.wait_for(run, "failed", seconds=5)


def test_after_a_restart_of_the_machine_nothing_is_called_running(
    bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fresh the last row is: machines start again within seconds."""
    run = bench.start("forever")
    bench.wait_until(run.hardware.exists, "a hardware row")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    rewrite(run, boot_id="the boot before")
    last = decode_hardware(run.hardware.read_bytes().splitlines()[-1]).time
    assert read_truth(run, last + 5).status == "running", "another machine of this name, on a shared disk"
    monkeypatch.setattr("tui_ft.runs.elsewhere._began_at", lambda: last + 2)
    truth = read_truth(run, last + 5)
    assert truth.status == "unknown"
    assert "before the last start of" in truth.reason
    assert elsewhere.is_surely_over(run, read_state(run))
    assert not elsewhere.is_surely_over(run, rewrite(run, host="another"))


def test_a_starter_that_is_killed_does_not_take_the_run_with_it(bench) -> None:
    """Its end of the pipe is closed when the supervisor says that it is ready."""
    run = bench.start("forever")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tui_ft.runs.supervisor", str(run.path), "--attempt", "1"]
    bench.wait_until(lambda: not locks.is_locked(run.lock), "the supervisor's end")
    subprocess.Popen(
        [*command, "--ready-fd", str(writer), "--trainer", json.dumps(fake("steps=3"))],
        pass_fds=[writer], start_new_session=True,
    ).wait()  # fmt: skip
    os.close(writer)
    assert read_state(run).status == "finished"


def test_a_zombie_is_dead() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert processes.start_time(pid) is None
    os.waitpid(pid, 0)


def test_signals_of_the_adopter_are_its_own(bench) -> None:
    """An adopting supervisor passes SIGTERM on like the first one."""
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    adopting.adopt_orphans(bench.root)
    bench.kill(run, "supervisor", signal.SIGTERM)
    bench.wait_for(run, "stopped", seconds=5)
    assert read_state(run).exit.cause == "preempted"

"""The hook that may stop a machine: when it runs, and above all when not; and a machine that stands idle."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ended_run import A_COPY, a_task, an_ended_run, deeds, rewrite
from settings_written import write_settings

from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.runs import control
from tui_ft.runs import lock as locks
from tui_ft.runs.after import following_up, idle_guard, machine_use, notifying, stopping_hook
from tui_ft.runs.after import task as after_task
from tui_ft.runs.after.copying import Copy
from tui_ft.runs.after.hooks import run_command
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.money import idle
from tui_ft.runs.queueing import queue
from tui_ft.runs.records import ExitRecord
from tui_ft.spec import overrides

NO_GPU = GpuReading(())
FREE = (
    "[hooks.free]\ncommand = 'true'\nneeds_copy = false\n[hooks.upload]\ncommand = 'true'\nat_once = true\n"
)


def a_gpu(utilization: float | None) -> GpuReading:
    return GpuReading((Gpu(index=0, uuid="GPU-0", name="NVIDIA H200", utilization=utilization),))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine_use, "known_roots", list)
    monkeypatch.setattr(machine_use, "last_key", lambda: None)
    monkeypatch.setattr(machine_use, "busy_with", lambda reading: "")
    monkeypatch.setattr(idle_guard, "FREE_TWICE_S", 0.01)
    write_settings(tmp_path, monkeypatch, f'[hooks]\nstop = "touch {tmp_path / "ran"}"\n{FREE}')
    return tmp_path / "runs"


# --- the hook ----------------------------------------------------------------------------------------------


def stay(task: AfterTask) -> None:
    hook = stopping_hook.hook_of(task)
    idle_guard.Guard(task, has_hook=hook is not None).stay()


def test_it_runs_when_nothing_goes_on(root: Path, tmp_path: Path) -> None:
    run = an_ended_run(root, time.time())
    stay(a_task(run, hook="stop"))
    assert (tmp_path / "ran").exists()
    assert [(row.deed, row.is_done) for row in deeds(run)] == [("hook", True), ("hook", True)]


@pytest.mark.parametrize("what", ["run", "queue", "gpu"])
def test_it_waits(bench: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """For another run, for the queue, for others' work on a GPU: it ends before the third look."""
    run, busy = an_ended_run(root, time.time()), [what == "gpu"]
    other = bench.start() if what == "run" else queue.add(bench.spec, root) if what == "queue" else None
    monkeypatch.setattr(machine_use, "busy_gpu", lambda reading: "GPU 0 is at 90 %" if busy[0] else "")
    looks: list[bool] = []

    class Watched(idle_guard.Guard):
        def _look(self, reading: GpuReading) -> None:
            looks.append((tmp_path / "ran").exists())
            if len(looks) == 3:
                busy[0] = False
                if what == "run":
                    control.request(other, "stop", by="ada")
                    bench.wait_for(other, "stopped")
                elif what == "queue":
                    queue.hold(root)
            assert len(looks) < 20
            super()._look(reading)

    Watched(a_task(run, hook="stop"), has_hook=True).stay()
    assert looks == [False] * 4 and (tmp_path / "ran").exists()
    work = "somebody else's work is on a GPU."
    waiting = {"run": "goes on.", "queue": "runs wait in the queue.", "gpu": work}
    said = [row for row in deeds(run) if row.message.startswith("The hook stop waits: ")]
    assert len(said) == 1 and said[0].is_done, "who comes back sees what it waits for, once"
    assert said[0].message.endswith(waiting[what])


def test_it_gives_up_when_the_run_goes_on_again(root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    run = an_ended_run(root, time.time())
    task = a_task(run, hook="stop")
    monkeypatch.setattr(machine_use, "busy_gpu", lambda reading: resume(run))
    stay(task)
    assert not (tmp_path / "ran").exists()
    assert [row.message.split(":")[0] for row in deeds(run)] == ["The hook stop waits"]


def resume(run: RunDirectory) -> str:
    rewrite(run, attempt=2)
    return "busy"


@pytest.mark.parametrize(
    ("state", "after", "copy", "why"),
    [
        ({}, {"copy_to": "/x"}, None, "there is no verified copy"),
        ({}, {"copy_to": "/x", "idle_minutes": 1.0}, None, "there is no verified copy"),
        ({}, {}, None, "there is no verified copy"),
        ({}, {"hook": "free"}, None, ""),
        ({}, {"hook": "upload"}, None, ""),
        ({}, {"hook": "upload", "copy_to": "/x"}, None, "there is no verified copy"),
        ({}, {"copy_to": "/x"}, A_COPY, ""),
        ({"status": "failed"}, {}, A_COPY, ""),
        ({"status": "stopped", "stop_requested_by": "ada (app)"}, {}, A_COPY, "ada (app) stopped the run"),
        ({"status": "stopped", "stop_requested_by": "ada (app)"}, {"idle_minutes": 5.0}, A_COPY, ""),
        ({"status": "stopped", "stop_requested_by": "the budget"}, {}, A_COPY, ""),
        ({"status": "stopped", "stop_requested_by": "the guard: nonfinite"}, {}, A_COPY, ""),
    ],
)
def test_when_it_may_run(root: Path, state: Any, after: Any, copy: Copy | None, why: str) -> None:
    task = a_task(an_ended_run(root, time.time(), **state), **{"hook": "stop", **after})
    task.copy = copy
    assert stopping_hook.refusal(task, stopping_hook.find_hook(task.after.hook or "")) == why


@pytest.mark.parametrize("what", ["queue", "state"])
def test_what_cannot_be_read_is_not_taken_for_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A queue that may hold runs, a run whose supervisor lives: the machine is not stopped under them."""
    run = an_ended_run(root, time.time())
    other = create(root, "other")
    if what == "state":
        other.state.write_bytes(b"{")
    lock = locks.acquire(other)
    if what == "queue":
        (root / "queue.json").write_text("{")
    looks: list[bool] = []

    class Watched(idle_guard.Guard):
        def _look(self, reading: GpuReading) -> None:
            looks.append((tmp_path / "ran").exists())
            if len(looks) == 4:
                lock.close()
                (root / "queue.json").unlink(missing_ok=True)
            assert len(looks) < 20
            super()._look(reading)

    Watched(a_task(run, hook="stop"), has_hook=True).stay()
    assert looks == [False] * 5 and (tmp_path / "ran").exists()
    if what == "queue":
        assert "is damaged" in deeds(run)[0].message and not deeds(run)[0].is_done


def test_a_run_that_tells_nobody_does_not_silence_the_guard(root: Path, monkeypatch: Any) -> None:
    run = an_ended_run(root, time.time() - 3600)
    other, told = create(root, "other"), []
    going = iter([other, other])
    monkeypatch.setattr(machine_use, "goes_on", lambda roots, now: next(going, None))
    task = a_task(run, notify=["me"], idle_minutes=0.02 / 60)
    task.tell = lambda message, waits_s=(): told.append(message.text)  # type: ignore[method-assign]
    stay(task)
    assert len(told) == 4


def test_a_run_that_was_asked_to_end_on_a_machine_that_stays_is_seen_to(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody killed it by hand: no copy, no hook and no guard would have followed, ever."""
    monkeypatch.setattr(after_task, "GRACE_S", 0.05)
    run = an_ended_run(
        root, time.time(), f'hook = "stop"\ncopy_to = "{tmp_path / "copies"}"\n',
        status="failed", exit=ExitRecord(cause="preempted", message="asked to end"),
    )  # fmt: skip
    following_up.follow_up(run, 1)
    assert (tmp_path / "copies" / run.id).is_dir() and (tmp_path / "ran").exists()


def test_a_bell_is_not_said_to_have_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, monkeypatch, '[notify.ring]\nkind = "bell"\n')
    [told] = notifying.tell_all(["ring"], notifying.Message("title", "text"), notifying.ONCE)
    assert not told.problem and "was told" not in told.sentence and "in the app" in told.sentence


def test_names_that_no_pipe_takes_are_told_all_the_same(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = f"sh -c 'cat > {out}; printf %s \"$NAME\" >> {out}'"
    assert run_command(command, {"NAME": "a\ud800\0b"}, text="x\udcffy").problem == ""
    assert out.read_text() == "x\\udcffya\\ud800b"


def test_a_hook_that_is_not_there_is_said(root: Path) -> None:
    run = an_ended_run(root, time.time())
    stay(a_task(run, hook="gone"))
    [row] = deeds(run)
    assert not row.is_done and "no hook 'gone'" in row.message


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = (
        "import subprocess,time; p=subprocess.Popen(['sleep','60']); "
        f"open({str(pid)!r},'w').write(str(p.pid)); time.sleep(60)"
    )
    began = time.monotonic()
    outcome = run_command(f'{sys.executable} -c "{script}"', {}, longest_s=1.0)
    assert "did not end within 1 s" in outcome.problem and time.monotonic() - began < 10
    child = int(pid.read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/no/such/thing SECRET", "cannot be started"), ("false SECRET", "code 1"),
        ("sh -c 'kill -9 $$'", "signal 9"),
    ],
)  # fmt: skip
def test_how_a_command_failed_is_said_without_the_command(command: str, why: str) -> None:
    outcome = run_command(command, {})
    assert why in outcome.problem and "SECRET" not in outcome.problem


# --- an idle machine ---------------------------------------------------------------------------------


def test_idle_counts_from_the_last_end_and_costs_all_gpus(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3\n")
    now = time.time()
    an_ended_run(root, now - 9000)
    run = an_ended_run(root, now - 7800)
    monkeypatch.setattr(idle.processes, "boot_time", lambda: now - 86_400)
    two = GpuReading(a_gpu(0.0).gpus * 2)
    found = idle.idle_now(root, now, two)
    assert found is not None and found.run == run.id and found.seconds == pytest.approx(7800)
    assert found.text == "idle 2 h 10 min since the last run ended: about $13.00 at $6.00 an hour"


def test_nothing_is_idle_while_a_run_goes_on_or_before_the_first(bench: Any, root: Path) -> None:
    assert idle.idle_now(root, time.time(), NO_GPU) is None
    an_ended_run(root, time.time() - 7800)
    bench.start()
    assert idle.idle_now(root, time.time(), NO_GPU) is None


def test_another_machine_s_end_is_not_ours(root: Path) -> None:
    an_ended_run(root, time.time() - 7800, boot_id="another")
    assert idle.idle_now(root, time.time(), NO_GPU) is None


@pytest.mark.parametrize(("used", "busy"), [(0.0, ""), (4.9, ""), (5.0, "GPU 0 is at 5 %"), (None, "")])
def test_a_gpu_that_is_hardly_used_stands_idle(used: float | None, busy: str) -> None:
    assert machine_use.busy_with(a_gpu(used)) == busy


def test_a_gpu_that_tells_nothing_is_judged_by_its_memory() -> None:
    gpu = Gpu(index=0, uuid="GPU-0", name="NVIDIA H200", total_bytes=100, used_bytes=4)
    assert machine_use.busy_with(GpuReading((gpu,))) == ""
    import dataclasses

    assert "not known" in machine_use.busy_with(GpuReading((dataclasses.replace(gpu, used_bytes=5),)))


def test_a_queue_that_does_not_go_on_is_told_of_and_holds_the_hook_back(
    bench: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, told = an_ended_run(root, time.time() - 3600), []
    queue.add(bench.spec, root)
    task = a_task(run, hook="stop", notify=["me"], idle_minutes=0.02 / 60)

    def tell(message: Any, waits_s: Any = ()) -> None:
        assert not (tmp_path / "ran").exists()
        told.append(message.text)
        if len(told) == 4:
            queue.hold(root)

    task.tell = tell  # type: ignore[method-assign]
    stay(task)
    assert len(told) == 4 and "1 in the queue cannot start" in told[0]
    assert (tmp_path / "ran").exists()


def test_somebody_at_a_terminal_is_seen(tmp_path: Path) -> None:
    for name, at in (("0", 100.0), ("7", 300.0), ("ptmx", 900.0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, 1.0))
    assert machine_use.last_key(tmp_path) == 300.0
    assert machine_use.last_key(tmp_path / "none") is None


def test_patience_tells_four_times_and_begins_anew_with_any_use() -> None:
    patience = idle.Patience(0.0, 10.0)
    told = [second for second in range(1, 700) if patience.look(float(second), "")[1]]
    assert told == [10, 40, 160, 480] and patience.has_said_all
    assert patience.look(701.0, "GPU 0 is at 90 %") == (False, False)
    assert patience.look(705.0, "") == (False, False) and patience.look(711.0, "") == (True, True)


def test_the_hook_that_waits_for_an_idle_machine_runs_then(root: Path, tmp_path: Path) -> None:
    run = an_ended_run(root, time.time())
    began = time.monotonic()
    stay(a_task(run, hook="stop", idle_minutes=0.3 / 60))
    assert (tmp_path / "ran").exists() and time.monotonic() - began > 0.3


def test_work_on_the_gpu_holds_it_back(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, looks = an_ended_run(root, time.time()), []

    def busy(reading: GpuReading) -> str:
        looks.append(time.monotonic())
        assert not (tmp_path / "ran").exists()
        return "GPU 0 is at 80 %" if len(looks) < 12 else ""

    monkeypatch.setattr(machine_use, "busy_with", busy)
    stay(a_task(run, hook="stop", idle_minutes=0.1 / 60))
    assert (tmp_path / "ran").exists() and looks[-1] - looks[11] > 0.05


def test_without_anybody_to_tell_nothing_stays(root: Path) -> None:
    began = time.monotonic()
    stay(a_task(an_ended_run(root, time.time())))
    assert time.monotonic() - began < 1.0


def test_an_idle_machine_is_told_of(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "told"
    script = f"import sys; open({str(out)!r},'a').write(sys.stdin.read()+'|')"
    command = f"command = '''{sys.executable} -c \"{script}\"'''\n"
    write_settings(tmp_path, monkeypatch, f'price_per_hour = 3\n[notify.me]\nkind = "command"\n{command}')
    run = an_ended_run(root, time.time() - 3600)
    stay(a_task(run, notify=["me"], idle_minutes=0.02 / 60))
    told = out.read_text().split("|")
    assert len(told) == 5 and "stands idle" in told[0] and "Idle 1 h" in told[0] and "$3.00" in told[0]


def test_a_spec_that_names_what_is_not_there_does_not_start(bench: Any, root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    from tui_ft.errors import TuiFtError
    from tui_ft.runs import launch

    for change, what in (
        ("after.notify=phone", "'phone', which is not in your settings"),
        ("after.hook=other", "name stop"),
        ("after.hook=stop", "nothing is copied before"),
        (f"after.copy_to={bench.root / 'copies'}", "among the runs"),
        (f"after.copy_to={tmp_path / 'file' / 'x'}", "cannot be written"),
        ("after.copy_to=/proc/x", "cannot be written"),
    ):
        with pytest.raises(TuiFtError) as raised:
            launch.start(overrides.apply(bench.spec, [change]), bench.root)
        assert what in str(raised.value)

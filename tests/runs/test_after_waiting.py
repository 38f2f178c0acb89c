"""What the hook that may stop a machine waits for beside runs: others' copies and work; and how it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ended_run import A_COPY, a_task, an_ended_run, deeds, rewrite, with_result
from settings_written import write_settings

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.runs.after import following_up, idle_guard, machine_use, owed, stopping_hook, telling
from tui_ft.runs.after import task as after_task
from tui_ft.runs.after.task import AfterTask
from tui_ft.runs.directory import RunDirectory


class Reader:
    """The GPUs that this machine has for a test."""

    gpus: tuple[Gpu, ...] = ()

    def read(self, with_processes: bool = True) -> GpuReading:
        return GpuReading(self.gpus)

    def close(self) -> None:
        return


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine_use, "known_roots", list)
    monkeypatch.setattr(machine_use, "last_key", lambda: None)
    monkeypatch.setattr(machine_use, "busy_with", lambda reading: "")
    monkeypatch.setattr(idle_guard, "FREE_TWICE_S", 0.01)
    monkeypatch.setattr(idle_guard, "GpuReader", Reader)
    ran = tmp_path / "ran"
    write_settings(
        tmp_path, monkeypatch,
        f"[hooks]\nstop = 'touch {ran}'\nbad = 'sh -c \"echo x >> {ran}; exit 3\"'\n"
        f"[hooks.now]\ncommand = 'touch {ran}'\nat_once = true\n"
        '[notify.me]\nkind = "command"\ncommand = "true"\n',
    )  # fmt: skip
    return tmp_path / "runs"


def stay(
    task: AfterTask, at_look: dict[int, Callable[[], object]], *, at_once: bool = False, most: int = 40
) -> int:
    """Watch until it ends; before the look of that number something is done. How often was looked."""
    looks = 0

    class Watched(idle_guard.Guard):
        def _look(self, reading: GpuReading) -> None:
            nonlocal looks
            looks += 1
            assert looks < most
            at_look.get(looks, lambda: None)()
            super()._look(reading)

    Watched(task, has_hook=True, at_once=at_once).stay()
    return looks


# --- the copy of another run ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["being made", "failed", "state unreadable"])
def test_the_copy_of_another_run_holds_it_back(root: Path, tmp_path: Path, what: str) -> None:
    ran, run = tmp_path / "ran", an_ended_run(root, time.time())
    other = an_ended_run(root, time.time(), f'copy_to = "{tmp_path / "copies"}"\n')
    assert telling.owe(other, 1)
    hold = owed.take(other, 1)
    assert hold is not None
    if what == "failed":
        rewrite(other, findings={"copy": "error"})
        hold.settle()
    state = other.state.read_bytes()
    if what == "state unreadable":
        other.state.write_bytes(b"{")

    def release() -> None:
        assert not ran.exists()
        hold.settle()
        hold.close()
        other.state.write_bytes(state)
        rewrite(other, findings={})

    assert stay(a_task(run, hook="stop"), {4: release}) == 5
    assert ran.exists()
    said = [row for row in deeds(run) if "waits: " in row.message]
    assert len(said) == 1 and other.id in said[0].message
    assert said[0].is_done is (what != "failed")


def test_a_copy_that_nobody_makes_any_more_is_made_before_it_runs(
    bench: Any, root: Path, tmp_path: Path
) -> None:
    """Its process was killed. It begins again, and the machine is not stopped before it is done."""
    ran, run = tmp_path / "ran", an_ended_run(root, time.time())
    other = with_result(an_ended_run(root, time.time(), f'copy_to = "{tmp_path / "copies"}"\n'))
    telling.owe(other, 1)
    task = a_task(run, hook="stop")
    task.pause_s = 0.3

    class Watched(idle_guard.Guard):
        def _try_hook(self) -> None:
            assert (tmp_path / "copies" / other.id).is_dir()
            super()._try_hook()

    Watched(task, has_hook=True).stay()
    assert ran.exists()


@pytest.mark.parametrize("change", [{"boot_id": "another"}, {"attempt": 2}, {"status": "queued"}])
def test_what_is_owed_elsewhere_holds_nothing_back(root: Path, change: dict[str, Any]) -> None:
    other = an_ended_run(root, time.time(), 'copy_to = "/x"\n')
    telling.owe(other, 1)
    run = an_ended_run(root, time.time())
    assert machine_use.uncopied([root], run) is not None
    assert machine_use.uncopied([root], other) is None
    rewrite(other, **change)
    assert machine_use.uncopied([root], run) is None


def test_the_mark_lasts_until_the_copy_is_there_or_has_failed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while people are told before it, and while it is waited whether the machine goes down."""
    seen: list[bool] = []
    monkeypatch.setattr(following_up, "PATIENTLY", ())
    monkeypatch.setattr(after_task, "tell_all", lambda *_: seen.append(owed.is_copy_owed(run, 1)) or [])
    monkeypatch.setattr(following_up.Guard, "stay", lambda guard: seen.append(owed.is_copy_owed(run, 1)))
    (tmp_path / "file").touch()
    for place in ("copies", "file/copies"):
        run = with_result(
            an_ended_run(root, time.time(), f'notify = ["me"]\ncopy_to = "{tmp_path / place}"\n')
        )
        telling.owe(run, 1)
        following_up.follow_up(run, 1)
        assert not owed.is_owed(run, 1), "all is done"
    assert seen == [
        True,
        False,
        True,
        False,
        False,
    ]  # of the second a trouble is told, and the finding stands
    assert deeds(run)[-1].deed == "copy" and machine_use.uncopied([root], RunDirectory(tmp_path)) is not None


# --- what is no more as it was seen -----------------------------------------------------------------------


def test_a_decision_does_not_outlast_telling(root: Path, tmp_path: Path) -> None:
    """Telling takes minutes where there is no network; meanwhile somebody resumed the run."""
    run = an_ended_run(root, time.time() - 3600)
    task = a_task(run, hook="stop", notify=["me"], idle_minutes=0.02 / 60)
    task.tell = lambda message, waits_s=(): rewrite(run, attempt=2)  # type: ignore[method-assign]
    stay(task, {})
    assert not (tmp_path / "ran").exists()


def test_who_sits_down_while_people_are_told_is_not_cut_off(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = [""]
    monkeypatch.setattr(machine_use, "busy_with", lambda reading: work[0])
    run = an_ended_run(root, time.time() - 3600)
    task = a_task(run, hook="stop", notify=["me"], idle_minutes=0.02 / 60)
    task.tell = lambda *_: work.__setitem__(0, "GPU 0 is at 90 %")  # type: ignore[method-assign]

    def leave() -> None:
        assert work[0] and not (tmp_path / "ran").exists()
        task.tell = lambda *_: None  # type: ignore[method-assign]
        work[0] = ""

    stay(task, {15: leave}, most=1000)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("hook", ["stop", "now"])
def test_just_before_the_command_it_is_looked_once_more(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    run = an_ended_run(root, time.time())
    written = stopping_hook.write_deed

    def write(run: RunDirectory, deed: Any, message: str, **more: Any) -> None:
        written(run, deed, message, **more)
        if message.endswith("begins."):
            rewrite(run, status="starting", attempt=2)

    monkeypatch.setattr(stopping_hook, "write_deed", write)
    stay(a_task(run, hook=hook), {}, at_once=hook == "now")
    assert not (tmp_path / "ran").exists()
    assert deeds(run)[-1].message == f"The hook {hook} does not begin yet: {run.id} goes on."


def test_a_run_that_a_fix_resumes_is_neither_copied_nor_said_to_have_no_copy(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = f'notify = ["me"]\ncopy_to = "{tmp_path / "copies"}"\n'
    run = with_result(an_ended_run(root, time.time(), after))
    telling.owe(run, 1)
    told: list[str] = []

    def tell(names: Any, message: Any, waits_s: Any) -> list[Any]:
        told.append(message.text)
        rewrite(run, attempt=2)
        return []

    monkeypatch.setattr(after_task, "tell_all", tell)
    following_up.follow_up(run, 1)
    assert len(told) == 1 and not (tmp_path / "copies").exists()

    def fail(*_: Any, **__: Any) -> None:
        rewrite(run, attempt=2)
        raise TuiFtError("a checkpoint went")

    rewrite(run, attempt=1)
    monkeypatch.setattr(following_up, "copy_run", fail)
    monkeypatch.setattr(after_task, "tell_all", lambda *_: told.append("again") or [])
    telling.owe(run, 1)
    following_up.follow_up(run, 1)
    assert told[1:] == ["again"] and not deeds(run), "its end was told, and no trouble"


def test_a_disk_that_stumbles_does_not_end_the_watch(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, answers = an_ended_run(root, time.time()), iter([False, True, True, False, True])
    read = after_task.read_state

    def stumble(one: RunDirectory) -> Any:
        if next(answers, False):
            raise TuiFtError("Stale file handle")
        return read(one)

    monkeypatch.setattr(after_task, "read_state", stumble)
    stay(a_task(run, hook="stop"), {})
    assert (tmp_path / "ran").exists()


def test_a_directory_that_was_removed_ends_the_watch(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_task, "GONE_FOR_S", 0.1)
    monkeypatch.setattr(machine_use, "taken_gpu", lambda reading: "busy")
    run = an_ended_run(root, time.time())
    stay(a_task(run, hook="stop"), {3: lambda: run.path.rename(root.parent / "elsewhere")})


# --- others' work -----------------------------------------------------------------------------------------


def test_memory_that_somebody_holds_is_work_though_the_gpu_stands_still(monkeypatch: Any) -> None:
    """It loads its rows, or saves: two readings of 0 %, ten seconds apart, say nothing."""
    gpu = Gpu(index=1, uuid="GPU-1", name="NVIDIA H200", utilization=0.0, total_bytes=100, used_bytes=60)
    assert machine_use.taken_gpu(GpuReading((gpu,))) == "somebody holds memory of GPU 1"
    assert machine_use.busy_gpu(GpuReading((gpu,))) == ""
    assert machine_use.taken_gpu(GpuReading(())) == ""


def test_it_waits_for_held_memory_where_no_minutes_are_asked_for(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Gpu(index=0, uuid="G", name="H200", utilization=0.0, total_bytes=100, used_bytes=50)
    monkeypatch.setattr(Reader, "gpus", (gpu,))

    def release() -> None:
        assert not (tmp_path / "ran").exists()
        Reader.gpus = ()

    run = an_ended_run(root, time.time())
    assert stay(a_task(run, hook="stop"), {5: release}) == 7, "that look had read before, then free twice"
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(("ahead_s", "is_used"), [(3600.0, False), (0.0, True), (-0.5, True), (-60.0, False)])
def test_a_key_from_before_the_clock_was_set_back_is_none(
    root: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float, is_used: bool
) -> None:
    now = time.time()
    monkeypatch.setattr(machine_use, "last_key", lambda: now + ahead_s)
    guard = idle_guard.Guard(a_task(an_ended_run(root, now), idle_minutes=0.5), has_hook=True)
    assert bool(guard._use(GpuReading(()), now)) is is_used


# --- a hook that does not work ------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [False, True])
def test_a_command_that_fails_is_told_of_and_tried_again(root: Path, tmp_path: Path, at_once: bool) -> None:
    run, told = an_ended_run(root, time.time()), []
    task = a_task(run, hook="bad", notify=["me"])
    task.retry_s = 0.05
    task.tell = lambda message, waits_s=(): told.append(message.text)  # type: ignore[method-assign]
    began = time.monotonic()
    guard = idle_guard.Guard(task, has_hook=True, at_once=at_once)
    guard._tells = False
    guard.stay()
    assert (tmp_path / "ran").read_text() == "x\n" * 3 and time.monotonic() - began >= 0.1
    assert len(told) == 2 and "ended with code 3" in told[0] and "tried again in" in told[0]
    assert "the last" in told[1]
    assert [row.is_done for row in deeds(run) if "failed" in row.message] == [False] * 3


def test_a_hook_that_vanished_from_the_settings_is_told_of(root: Path) -> None:
    run, told = an_ended_run(root, time.time()), []
    task = a_task(run, hook="gone", notify=["me"])
    task.tell = lambda message, waits_s=(): told.append(message.text)  # type: ignore[method-assign]
    assert stopping_hook.hook_of(task) is None
    assert not stopping_hook.carry_out(task, lambda: "")
    assert len(told) == 2 and all("no hook 'gone'" in text for text in told)


def test_what_was_found_late_waits_for_an_idle_machine(root: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Whoever looked at the runs and so began it sits at the machine that it would stop."""
    monkeypatch.setattr(idle_guard, "_usual_minutes", lambda: 0.3 / 60)
    task = a_task(an_ended_run(root, time.time()), hook="stop")
    task.is_late = True
    began = time.monotonic()
    stay(task, {})
    assert (tmp_path / "ran").exists() and time.monotonic() - began > 0.3
    assert task.copy is A_COPY

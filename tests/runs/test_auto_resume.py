"""The same command again: what was cut off goes on, what runs is left alone, all else is a new run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from checkpoint_made import save

from tui_ft.cli.main import main
from tui_ft.errors import TuiFtError
from tui_ft.runs import auto_resume, control, launch, preflight
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.records import AttemptEvent, ExitRecord, encode_row
from tui_ft.runs.state import StateFile, read_state
from tui_ft.spec import overrides, toml

FAKE = [sys.executable, str(Path(__file__).with_name("fake_trainer.py"))]


def rewrite(run: RunDirectory, **changes: object) -> None:
    file = StateFile(run, msgspec.structs.replace(read_state(run), **changes))
    file.is_written = False
    assert file.write()


def cut_off(bench, behaviour: str = "forever") -> RunDirectory:
    """A run with a whole checkpoint of which both processes were killed."""
    run = bench.start(behaviour)
    save(run, 3)
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    return run


def chosen(bench) -> tuple[str | None, RunDirectory | None]:
    found = auto_resume.choose(bench.spec, bench.root)
    return (None, None) if found is None else (found.what, found.run)


def test_nothing_there_is_a_new_run(bench) -> None:
    assert chosen(bench) == (None, None)


def test_a_lost_run_goes_on_and_one_without_a_checkpoint_does_not(bench) -> None:
    run = cut_off(bench)
    assert chosen(bench) == ("resume", run)
    (run.checkpoint(3) / "optimizer.pt").unlink()
    assert chosen(bench) == ("anew", run)
    assert auto_resume.cut_off(run) is None


def test_a_new_run_in_the_place_of_one_without_a_checkpoint_says_why(
    bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench.spec = overrides.apply(bench.spec, ["checkpoints.auto_resume=true"])
    run = bench.start("forever")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    monkeypatch.setattr(preflight, "trainer_python", lambda: str(trainer(tmp_path, "steps=5")))
    file = tmp_path / "spec.toml"
    file.write_text(toml.dumps(bench.spec))
    assert main(["start", str(file), "--json", "--no-ui", "--runs-root", str(bench.root)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["id"] != run.id
    assert f"{run.id} was cut off" in said.err
    assert "before it had a checkpoint: a new run begins" in said.err


def test_another_spec_is_another_run(bench) -> None:
    cut_off(bench)
    other = overrides.apply(bench.spec, ["training.seed=7"])
    assert auto_resume.choose(other, bench.root) is None


def test_what_runs_waits_or_has_finished_is_left_alone(bench) -> None:
    run = bench.start("forever")
    assert chosen(bench) == ("runs", run)
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped")
    with pytest.raises(TuiFtError, match="was stopped by test: it does not begin again") as caught:
        chosen(bench)
    assert caught.value.exit_code == 1 and f"tui-ft restart {run.id}" in caught.value.hint
    done = bench.start("steps=1", until="finished")
    assert chosen(bench) == ("finished", done)
    waiting = launch.prepare(bench.spec, bench.root)
    assert chosen(bench) == ("waits", waiting)


def test_one_that_the_machine_asked_to_end_goes_on(bench) -> None:
    run = bench.start("forever")
    save(run, 3)
    bench.kill(run, "supervisor", signal.SIGTERM)
    bench.wait_for(run, "stopped")
    assert read_state(run).exit.cause == "preempted"
    assert chosen(bench) == ("resume", run)


def test_one_of_an_earlier_boot_goes_on_and_one_of_another_machine_is_asked_about(bench) -> None:
    run = cut_off(bench)
    rewrite(run, boot_id="before")
    found = auto_resume.choose(bench.spec, bench.root)
    assert found is not None and found.surely_over
    assert auto_resume.interrupted(bench.root)[0].run == run
    rewrite(run, host="elsewhere")
    run.hardware.unlink(missing_ok=True)
    with pytest.raises(TuiFtError, match="not known whether it still runs") as caught:
        auto_resume.choose(bench.spec, bench.root)
    assert "--take-over" in caught.value.hint
    assert auto_resume.interrupted(bench.root) == []


def ended(bench, made_at: float, **state: object) -> RunDirectory:
    """A run that was made then and has ended, with nobody in it."""
    run = launch.prepare(bench.spec, bench.root)
    run.attempt(1).spec.write_bytes(run.spec.read_bytes())
    rewrite(run, created_at=made_at, started_at=made_at, ended_at=made_at + 9, **state)
    return run


def by(cause: str) -> ExitRecord:
    return ExitRecord(cause=cause, message="")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how",
    [
        {"status": "stopped", "exit": by("stopped"), "stop_requested_by": "the budget"},
        {"status": "failed", "exit": by("error")},
    ],
    ids=["budget", "error"],
)
def test_what_a_guard_stopped_or_failed_by_itself_does_not_begin_again_at_the_next_boot(bench, how) -> None:
    run = ended(bench, 1.0, **how)
    with pytest.raises(TuiFtError, match="does not begin again by itself") as caught:
        chosen(bench)
    assert "resume" not in caught.value.hint, "it has no checkpoint"
    save(run, 3)
    with pytest.raises(TuiFtError) as caught:
        chosen(bench)
    assert caught.value.exit_code == 1 and f"tui-ft resume {run.id}" in caught.value.hint


def test_the_newest_one_decides_whatever_the_times_of_the_files_are(bench) -> None:
    old = ended(bench, 1.0, status="finished", exit=by("finished"))
    new = ended(bench, 2.0, status="failed", exit=by("preempted"))
    os.utime(old.spec, (2e9, 2e9))
    assert chosen(bench) == ("anew", new), "cut off before its first checkpoint"
    save(new, 3)
    assert chosen(bench) == ("resume", new)


def test_a_run_that_gets_no_further_does_not_go_on_by_itself(
    bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ended(bench, 1.0, status="failed", exit=by("killed"))
    save(run, 3)
    rows = [AttemptEvent(time=0.0, attempt=1)]
    for attempt in (2, 3):
        assert chosen(bench) == ("resume", run)
        rows.append(AttemptEvent(time=0.0, attempt=attempt, step=3))
        run.events.write_bytes(b"".join(encode_row(row) + b"\n" for row in rows))
        shutil.copytree(run.attempt(1).path, run.attempt(attempt).path)
        rewrite(run, attempt=attempt)
    with pytest.raises(TuiFtError, match="got no further than the checkpoint of step 3") as caught:
        chosen(bench)
    assert f"tui-ft resume {run.id}" in caught.value.hint
    assert main(["resume", "--lost", "--runs-root", str(bench.root)]) == 1
    assert "got no further" in capsys.readouterr().out
    assert read_state(run).attempt == 3
    save(run, 4)
    assert chosen(bench) == ("resume", run), "now it did"


def test_attempts_that_do_not_even_open_count_too(bench) -> None:
    run = ended(bench, 1.0, status="failed", exit=by("killed"), attempt=3)
    save(run, 3)
    shutil.copytree(run.attempt(1).path, run.attempt(3).path)
    with pytest.raises(TuiFtError, match="got no further"):
        chosen(bench)


@pytest.mark.parametrize("change", ["after.notify=ring", "training.epochs=9", "after.budget=5"])
def test_an_attempt_that_does_something_else_at_the_end_is_not_gone_on_with_unasked(bench, change) -> None:
    run = ended(bench, 1.0, status="failed", exit=by("preempted"))
    save(run, 3)
    run.attempt(1).spec.write_text(toml.dumps(overrides.apply(bench.spec, [change])))
    if change != "after.notify=ring":
        assert chosen(bench) == ("resume", run), "what a resume may change"
        return
    with pytest.raises(TuiFtError, match=r"another after\.notify than was asked for"):
        chosen(bench)
    assert auto_resume.interrupted(bench.root)[0].against


def test_neither_links_nor_what_is_somebody_elses_goes_on_by_itself(bench, tmp_path: Path) -> None:
    run = ended(bench, 1.0, status="failed", exit=by("preempted"))
    save(run, 3)
    run.path.rename(tmp_path / run.id)
    run.path.symlink_to(tmp_path / run.id)
    assert chosen(bench) == (None, None)
    assert auto_resume.interrupted(bench.root) == []
    run.path.unlink()
    (tmp_path / run.id).rename(run.path)
    if os.geteuid() == 0:
        os.chown(run.path, 12345, -1)
        assert chosen(bench) == (None, None)
        assert auto_resume.interrupted(bench.root) == []


def test_the_same_command_twice_at_once_starts_one_run(
    bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench.spec = overrides.apply(bench.spec, ["checkpoints.auto_resume=true"])
    monkeypatch.setattr(preflight, "trainer_python", lambda: str(trainer(tmp_path, "forever")))
    file = tmp_path / "spec.toml"
    file.write_text(toml.dumps(bench.spec))
    command = ["start", str(file), "--json", "--no-ui", "--runs-root", str(bench.root)]
    both = [threading.Thread(target=main, args=(command,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(list_directories(bench.root)) == 1


def test_the_same_command_again_goes_on_in_the_same_run(
    bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench.spec = overrides.apply(bench.spec, ["checkpoints.auto_resume=true"])
    run = cut_off(bench)
    monkeypatch.setattr(preflight, "trainer_python", lambda: str(trainer(tmp_path, "steps=5")))
    file = tmp_path / "spec.toml"
    file.write_text(toml.dumps(bench.spec))
    command = ["start", str(file), "--json", "--no-ui", "--runs-root", str(bench.root)]
    assert main(command) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["id"] == run.id
    assert "was cut off" in said.err
    bench.wait_for(run, "finished")
    assert read_state(run).attempt == 2
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) | {"run": ""} == {
        "schema": 1, "run": "", "id": run.id, "status": "finished",
    }  # fmt: skip
    assert list_directories(bench.root) == [run], "nothing new was paid for"


def test_all_that_were_cut_off_go_on_at_once(
    bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = ["--runs-root", str(bench.root)]
    assert main(["resume", "--lost", *root]) == 0
    assert "No run here" in capsys.readouterr().out
    runs = {cut_off(bench), cut_off(bench)}
    monkeypatch.setattr(preflight, "trainer_python", lambda: str(trainer(tmp_path, "steps=5")))
    assert main(["resume", "--lost", "--json", *root]) == 0
    assert {row["id"] for row in json.loads(capsys.readouterr().out)} == {run.id for run in runs}
    for run in runs:
        bench.wait_for(run, "finished")
    assert main(["resume", *root]) == 2


def trainer(folder: Path, behaviour: str) -> Path:
    """An interpreter of the trainer that is the fake one: it is given `-m tui_ft.train run RUN …`."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nshift 2\nexec "{FAKE[0]}" "{FAKE[1]}" {behaviour} "$@"\n')
    path.chmod(0o700)
    return path

"""The same command again: what was cut off goes on, what runs is left alone, all else is a new run."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from checkpoint_made import save

from tui_ft.cli.main import main
from tui_ft.errors import TuiFtError
from tui_ft.runs import auto_resume, control, launch, preflight
from tui_ft.runs.directory import RunDirectory, list_directories
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
    assert chosen(bench) == (None, None)


def test_another_spec_is_another_run(bench) -> None:
    cut_off(bench)
    other = overrides.apply(bench.spec, ["training.seed=7"])
    assert auto_resume.choose(other, bench.root) is None


def test_what_runs_waits_or_has_finished_is_left_alone(bench) -> None:
    run = bench.start("forever")
    assert chosen(bench) == ("runs", run)
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped")
    assert chosen(bench) == (None, None), "a person stopped it"
    done = bench.start("steps=1", until="finished")
    os.utime(done.spec, (2e9, 2e9))
    assert chosen(bench) == ("finished", done)
    waiting = launch.prepare(bench.spec, bench.root)
    os.utime(waiting.spec, (3e9, 3e9))
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

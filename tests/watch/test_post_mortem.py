"""Post-mortems of runs whose trainer really ended so, without torch in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkpoint_made import save
from synthetic_run import SyntheticRun
from whole_model import a_whole_model

from tui_ft.health.finding import Finding, Fix
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import FoundRow
from tui_ft.runs.records import AttemptEvent, ExitRecord, JsonLinesWriter, PhaseEvent
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import dumps
from tui_ft.watch.post_mortem import PostMortem, again_text, as_json, post_mortem
from tui_ft.watch.report import read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource

FAKE = Path(__file__).parents[1] / "runs" / "fake_trainer.py"


@pytest.fixture(autouse=True)
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour costs 3.60, so that a second costs a tenth of a cent."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "tui-ft"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("price_per_hour = 3.6\n")
    (folder / "settings.toml").chmod(0o600)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    folder = a_whole_model(tmp_path / "model")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"instruction": "Say yes.", "output": "Yes."}\n' * 8)
    return overrides.apply(RunSpec(), [f"model.id={folder}", f"data.train={rows}"])


def until(is_so: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < end, "never came to be"
        time.sleep(0.02)


def start(spec: RunSpec, root: Path, behaviour: str) -> RunDirectory:
    return launch.start(spec, root, trainer=[sys.executable, str(FAKE), behaviour])


def kill(run: RunDirectory, *roles: str, number: int = signal.SIGKILL) -> None:
    for role in roles:
        for process in read_state(run).processes:
            if process.role == role:
                os.kill(process.pid, number)


def looked_into(run: RunDirectory) -> PostMortem:
    reading = read_whole(TuiFtSource(run))
    post = post_mortem(reading, run)
    assert post is not None, reading.status
    json.dumps(as_json(post))
    assert post.headline.isprintable()
    return post


def test_ends_that_really_happened_are_told_apart(tmp_path: Path, spec: RunSpec) -> None:
    root = tmp_path / "runs"
    behaviours = {
        "error": "fail", "oom": "cuda_oom", "code": "exit=3", "done": "steps=2", "killed": "forever",
        "lost": "forever", "stopped": "forever",
    }  # fmt: skip
    runs = {name: start(spec, root, behaviour) for name, behaviour in behaviours.items()}
    for name in ("killed", "lost", "stopped"):
        until(lambda name=name: read_truth(runs[name]).status == "running")
    kill(runs["killed"], "trainer")
    kill(runs["lost"], "supervisor", "trainer")
    subprocess.run([sys.executable, "-m", "tui_ft", "stop", str(runs["stopped"].path)], check=True)
    over = {"failed", "finished", "stopped", "lost"}
    until(lambda: all(read_truth(run).status in over for run in runs.values()))
    posts = {name: looked_into(run) for name, run in runs.items()}
    assert {name: post.ending for name, post in posts.items()} == {
        "error": "exception", "oom": "cuda_oom", "code": "exit_code", "done": "finished", "killed": "signal",
        "lost": "lost", "stopped": "stopped",
    }  # fmt: skip
    assert "ValueError: no good" in posts["error"].headline
    assert ("exit code", "3") in posts["code"].evidence
    assert any(name == "signal" and text.startswith("SIGKILL") for name, text in posts["killed"].evidence)
    assert any("none of them lives" in text for _, text in posts["lost"].evidence)
    assert "(command)" in posts["stopped"].headline
    assert posts["oom"].fixes[0].changes[0].startswith("training.batch_size=")
    assert posts["killed"].fixes[0].name == "restart", "no checkpoint is left"
    assert posts["done"].fixes == ()
    assert posts["done"].is_orderly
    assert not posts["lost"].is_orderly


def a_failed_run(made: SyntheticRun, spec: RunSpec) -> None:
    made.keep_spec(dumps(spec))
    made.begin_training()
    made.advance(40)
    save(made.run, 20)
    save(made.run, 40)
    made.advance(30)


def test_to_go_on_with_what_came_apart_is_not_the_first_advice(tmp_path: Path, spec: RunSpec) -> None:
    """No checkpoint is old enough: the run begins again, but at a rate that it can bear."""
    with SyntheticRun(tmp_path, total_steps=120) as made:
        a_failed_run(made, spec)
        calmer = Fix(
            name="go_back", title="calmer", how="resume_before", step=2,
            changes=["training.learning_rate=1e-05"],
        )  # fmt: skip
        finding = Finding(
            code="divergence", level="error", message="It rose.", time=made.now, step=5,
            evidence={"lowest_at_step": 2}, fixes=[calmer],
        )  # fmt: skip
        health = JsonLinesWriter(made.run.health)
        health.write(FoundRow(time=made.now, finding=finding))
        health.close()
        made.set_state(
            "stopped", processes=[], stop_requested_by="the guard: divergence",
            exit=ExitRecord(cause="stopped", message="Stopped."),
        )  # fmt: skip
    post = looked_into(made.run)
    assert [fix.name for fix in post.fixes][:2] == ["go_back", "resume"]


def test_hours_in_which_the_box_was_off_are_not_done_again(tmp_path: Path, spec: RunSpec) -> None:
    with SyntheticRun(tmp_path, total_steps=120, step_s=10.0) as made:
        a_failed_run(made, spec)
        made.now, made.step = made.now + 36_000, 40
        made.event(AttemptEvent(time=made.now, attempt=2, step=40))
        made.set_state("running", attempt=2)
        made.run.attempt(2).path.mkdir()
        made.run.attempt(2).spec.write_bytes(made.run.attempt(1).spec.read_bytes())
        made.event(PhaseEvent(time=made.now, phase="training", step=40, total_steps=120))
        made.advance(30)
        made.fail("ValueError: no good")
    post = looked_into(made.run)
    assert post.kept is not None
    assert (post.kept.step, post.kept.again_steps, post.kept.again_s) == (40, 30, pytest.approx(300.0))


def test_what_a_resume_would_do_again_is_counted_in_steps_time_and_money(
    tmp_path: Path, spec: RunSpec
) -> None:
    with SyntheticRun(tmp_path, total_steps=120, step_s=10.0) as made:
        a_failed_run(made, spec)
        made.fail("CUDA out of memory. Tried to allocate 2.10 GiB")
    post = looked_into(made.run)
    assert post.kept is not None
    assert (post.kept.step, post.kept.again_steps, post.kept.again_s) == (40, 30, pytest.approx(300.0))
    assert post.kept.money == "$0.30"
    assert again_text(post.kept) == (
        "A resume goes on from the checkpoint of step 40: 30 steps are done again (5m00s, $0.30)."
    )
    (made.run.checkpoint(40) / "optimizer.pt").unlink()
    again = looked_into(made.run)
    assert again.kept is not None
    assert again.kept.step == 20, "the newest whole one"


def test_the_fix_of_the_finding_that_stopped_it_comes_first(tmp_path: Path, spec: RunSpec) -> None:
    def finding(code: str, rate: str, how: str = "resume_before") -> Finding:
        fix = Fix(name="half", title=code, how=how, changes=[f"training.learning_rate={rate}"], step=30)  # type: ignore[arg-type]
        return Finding(code=code, level="error", message=f"It is {code}.", time=made.now, fixes=[fix])  # type: ignore[arg-type]

    with SyntheticRun(tmp_path, total_steps=120) as made:
        a_failed_run(made, spec)
        health = JsonLinesWriter(made.run.health)
        evil = Fix(name="evil", title="evil", how="restart", changes=["after.hook=shutdown"])
        for one in (finding("nonfinite", "1e-4"), finding("divergence", "1e-5"), finding("plateau", "1e-4")):
            health.write(FoundRow(time=made.now, finding=one))
        worse = Finding(code="hang", level="error", message="evil", time=made.now + 1, fixes=[evil])
        health.write(FoundRow(time=made.now, finding=worse))
        health.close()
        made.set_state(
            "stopped", processes=[], ended_at=made.now, stop_requested_by="the guard: nonfinite",
            findings={"nonfinite": "error"},
        )  # fmt: skip
    post = looked_into(made.run)
    assert (post.ending, post.code) == ("guard", "nonfinite")
    assert "It is nonfinite." in post.headline
    assert [(fix.name, fix.title) for fix in post.fixes] == [
        ("half", "nonfinite"), ("half_2", "divergence"), ("resume", "go on from the newest whole checkpoint"),
    ], "the same change is offered once, and one that no fix may make not at all"  # fmt: skip


def test_a_machine_that_was_started_again_is_told_from_a_run_elsewhere(tmp_path: Path, spec: RunSpec) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        a_failed_run(made, spec)
        made.live_here()
        made.set_state("running", boot_id="0000-before")
    assert looked_into(made.run).ending == "reboot"
    with SyntheticRun(tmp_path, total_steps=120) as made:
        a_failed_run(made, spec)
        made.live_here()
        made.set_state("running", boot_id="0000-before", host="another")
    assert looked_into(made.run).ending == "elsewhere"


def test_nobody_dies_of_a_run_directory_that_is_damaged(tmp_path: Path, spec: RunSpec) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        a_failed_run(made, spec)
        made.fail("ValueError: \x1b[2Jx")
    made.run.attempt(1).spec.write_text("model = [")
    (made.run.checkpoint(40) / "manifest.json").write_bytes(b"\xff")
    post = looked_into(made.run)
    assert post.fixes == ()
    made.run.state.write_bytes(b"{")
    reading = read_whole(TuiFtSource(made.run))
    assert post_mortem(reading, made.run) is None

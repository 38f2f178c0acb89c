"""A fix is shown as the change that it is, and carried out on runs that really go."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from checkpoint_made import save
from settings_written import write_settings

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.health.finding import Fix
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.fixes import fix_process, fixing
from tui_ft.runs.fixes.oom_ladder import oom_fixes
from tui_ft.runs.queueing import queue
from tui_ft.runs.queueing.nudging import nudge
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")

CLIP = Fix(name="clip", title="clip harder", how="resume", changes=["training.max_grad_norm=0.3"])


def a_fix(how: str, *changes: str, step: int | None = None, name: str = "try") -> Fix:
    return Fix(name=name, title=name, how=how, changes=list(changes), step=step)  # type: ignore[arg-type]


@pytest.fixture
def ended(tmp_path: Path, spec: RunSpec) -> RunDirectory:
    """A stopped run with whole checkpoints of steps 10, 20 and 30, and one of step 40 that is cut."""
    run = launch.prepare(spec, tmp_path / "runs")
    state = json.loads(run.state.read_bytes())
    run.state.write_text(json.dumps({**state, "status": "stopped"}))
    run.attempt(1).path.mkdir(parents=True, exist_ok=True)
    run.attempt(1).spec.write_text(run.spec.read_text())
    for step in (10, 20, 30, 40):
        save(run, step)
    (run.checkpoint(40) / "optimizer.pt").write_bytes(b"")
    return run


def test_a_plan_says_what_changes_and_from_where(ended: RunDirectory) -> None:
    made = fixing.plan(ended, CLIP, step=34)
    assert [change.text for change in made.changes] == ["training.max_grad_norm 1.0 → 0.3"]
    assert (made.how, made.from_step, made.again, made.is_live) == ("resume", 30, 4, False)
    assert made.text == "It goes on from the checkpoint of step 30; 4 steps are done again."


def test_before_the_trouble_is_the_newest_whole_one_before_it(ended: RunDirectory) -> None:
    made = fixing.plan(ended, a_fix("resume_before", "training.learning_rate=1e-4", step=25), step=34)
    assert (made.how, made.from_step, made.again) == ("resume_before", 20, 14)
    late = Fix(name="late", title="Go on from before it, at half the rate", how="resume_before", step=5)
    made = fixing.plan(ended, late, step=34)
    assert made.how == "restart"
    assert made.fix.title == "Begin again from step 0, at half the rate"
    assert "No checkpoint of step 5 or before" in made.remark


def test_what_the_checkpoints_do_not_fit_begins_again(ended: RunDirectory) -> None:
    made = fixing.plan(ended, a_fix("resume", "method.rank=4"), step=34)
    assert made.how == "restart"
    assert "method.rank" in made.remark
    assert made.from_step is None
    made = fixing.plan(ended, a_fix("resume", "training.batch_size=1"))
    assert made.how == "restart", "another effective batch"


def test_without_a_whole_checkpoint_it_begins_again(ended: RunDirectory) -> None:
    for step in (10, 20, 30):
        (ended.checkpoint(step) / "scheduler.pt").unlink()
    made = fixing.plan(ended, CLIP, step=34)
    assert made.how == "restart"
    assert "No checkpoint is whole" in made.remark


@pytest.mark.parametrize(
    "change",
    [
        "after.hook=shutdown", "model.trust_remote_code=true", "model.id=/tmp/evil", "data.train=/etc/passwd",
        "objective.reward_function=evil.py", "objective.teacher=/tmp/evil",
        "evaluation.probe=/etc/shadow", "after.copy_to=/root",
        "notes.text=x", "hardware.rendezvous=evil:1", "tracking.report_to=wandb",
    ],
)  # fmt: skip
def test_what_stands_in_a_run_directory_changes_no_more_than_a_fix_may(
    ended: RunDirectory, change: str
) -> None:
    with pytest.raises(TuiFtError, match="no fix may"):
        fixing.plan(ended, a_fix("restart", change))


@pytest.mark.parametrize("change", ["training.learning_rate=high", "training.nonsense=1", "nonsense", ""])
def test_a_fix_that_does_not_suit_is_a_sentence(ended: RunDirectory, change: str) -> None:
    with pytest.raises(TuiFtError):
        fixing.plan(ended, a_fix("resume", change))


def test_a_command_is_for_the_person(ended: RunDirectory, tmp_path: Path) -> None:
    fix = Fix(name="kill", title="end it", how="command", command="touch /tmp/never")
    made = fixing.plan(ended, fix)
    assert made.text == "For you to run: touch /tmp/never"
    with pytest.raises(TuiFtError, match="for you to do"):
        fixing.carry_out(ended, made, tmp_path)


def test_an_ended_run_goes_on_with_the_change(ended: RunDirectory, bench: object) -> None:
    made = fixing.plan(ended, a_fix("resume_before", "training.max_grad_norm=0.3", step=25), step=34)
    going = fixing.carry_out(ended, made, ended.path.parent, trainer=_trainer("steps=50"))
    assert going.path == ended.path
    assert toml.load(ended.attempt(2).spec).training.max_grad_norm == 0.3
    assert toml.load(ended.spec).training.max_grad_norm == 1.0
    record = json.loads(ended.attempt(2).launch.read_bytes())
    assert (record["from_step"], record["fix"], record["changes"]) == (
        20,
        "try",
        ["training.max_grad_norm=0.3"],
    )


def _trainer(behaviour: str) -> list[str]:
    import sys

    return [sys.executable, str(Path(__file__).with_name("fake_trainer.py")), behaviour]


def test_a_live_run_saves_and_stops_first(bench: object) -> None:
    run = bench.start("forever")  # type: ignore[attr-defined]
    made = fixing.plan(run, CLIP)
    assert (made.is_live, made.from_step) == (True, None)
    said: list[str] = []
    going = fixing.carry_out(
        run, made, run.path.parent, by="ann (fix clip)", say=said.append, trainer=_trainer("forever")
    )
    assert going.path == run.path
    assert read_state(run).attempt == 2
    assert toml.load(run.attempt(2).spec).training.max_grad_norm == 0.3
    assert said[0] == "The run saves a checkpoint and stops."
    bench.wait_for(run, "running")  # type: ignore[attr-defined]


def test_a_fix_does_not_let_the_queue_take_its_place(bench: object) -> None:
    run = bench.start("forever")  # type: ignore[attr-defined]
    waits = queue.add(bench.spec, bench.root)  # type: ignore[attr-defined]
    nudge(bench.root)  # type: ignore[attr-defined]
    fixing.carry_out(run, fixing.plan(run, CLIP), run.path.parent, trainer=_trainer("forever"))
    bench.wait_for(run, "running")  # type: ignore[attr-defined]
    assert read_state(run).attempt == 2
    assert read_state(waits).status == "queued"
    queue.hold(bench.root, [waits.id])  # type: ignore[attr-defined]


def test_a_new_run_has_the_change_on_top_of_those_before(bench: object, ended: RunDirectory) -> None:
    changed = overrides.apply(toml.load(ended.spec), ["training.epochs=7"])
    ended.attempt(1).spec.write_text(toml.dumps(changed))
    made = fixing.plan(ended, a_fix("restart", "method.rank=4"))
    going = fixing.carry_out(ended, made, bench.root, trainer=_trainer("steps=1"))  # type: ignore[attr-defined]
    assert going.path != ended.path
    fresh = toml.load(going.spec)
    assert (fresh.training.epochs, fresh.method.rank) == (7, 4)


def test_a_run_that_does_not_stop_is_given_up_on(bench: object) -> None:
    run = bench.start("deaf")  # type: ignore[attr-defined]
    made = fixing.plan(run, CLIP)
    (run.path / "control").chmod(0o700)
    with pytest.raises(TuiFtError, match="has not stopped within"):
        fixing.carry_out(run, made, run.path.parent, patience_s=0.0)


# --- a hang --------------------------------------------------------------------------------------------

GO_ON = Fix(
    name="go_on", title="Stop it and go on from the newest checkpoint", how="resume",
)  # fmt: skip
ILL_TRAINER = Path(__file__).with_name("ill_fake_trainer.py")


@pytest.fixture
def hung(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """A run whose trainer really hangs, as its guard has found; thresholds are those of the impatient."""
    write_settings(
        tmp_path, monkeypatch, "[health]\nhang_s = 1\nhang_busy_s = 2\nhang_grace_s = 1\nhang_idle_s = 900\n"
    )
    run = launch.start(bench.spec, bench.root, trainer=[sys.executable, str(ILL_TRAINER), "stuck"])
    bench.wait_until(lambda: "hang" in read_state(run).findings, "a hang")
    return run


def test_a_run_that_hangs_is_ended_and_goes_on_from_its_newest_checkpoint(
    hung: RunDirectory, bench: Any
) -> None:
    save(hung, 2)
    save(hung, 4)
    made = fixing.plan(hung, GO_ON, step=5)
    assert (made.how, made.from_step, made.again) == ("resume", 4, 1)
    assert made.text == (
        "The run hangs: it is asked to stop, and ended without saving if it has not moved after 1 s. "
        "Unless it saves a newer one, it goes on from the checkpoint of step 4; 1 step is done again."
    )
    said: list[str] = []
    fixing.carry_out(
        hung, made, hung.path.parent, patience_s=10, say=said.append, trainer=_trainer("forever")
    )
    assert said == [
        "The run is asked to stop.",
        "It has not moved: it is ended without saving.",
        "The run goes on.",
    ]
    assert read_state(hung).attempt == 2
    bench.wait_for(hung, "running")
    events = [json.loads(line) for line in hung.events.read_bytes().splitlines()]
    assert [one["step"] for one in events if one["event"] == "attempt"][-1] == 4


def test_one_that_hangs_and_never_saved_begins_again(hung: RunDirectory) -> None:
    made = fixing.plan(hung, GO_ON, step=5)
    assert (made.how, made.fix.title) == ("restart", "Stop it and begin again from step 0")
    assert made.text.endswith("after 1 s. Then a new run begins from step 0.")


def test_its_process_of_its_own_ends_it_too(hung: RunDirectory, bench: Any) -> None:
    save(hung, 4)
    made = fixing.plan(hung, a_fix("resume_before", "training.max_grad_norm=0.3", step=4), step=5)
    process = fix_process.begin(
        hung, made, bench.root, by="ann", trainer=_trainer("forever"), patience_s=10.0
    )
    words: list[fix_process.Word] = []
    bench.wait_until(
        lambda: words.extend(process.look()) or (words and (words[-1].run or words[-1].error)),
        "its last word",
    )
    assert [word.error for word in words] == [None] * len(words)
    assert read_state(hung).attempt == 2


# --- out of memory -------------------------------------------------------------------------------------


def test_the_ladder_keeps_the_effective_batch_and_prefers_what_can_be_resumed(ended: RunDirectory) -> None:
    spec = overrides.apply(
        toml.load(ended.spec), ["training.batch_size=8", "training.gradient_accumulation=2"]
    )
    ended.attempt(1).spec.write_text(toml.dumps(spec))
    fixes = oom_fixes(ended, spec, GpuReading(()), {})
    assert fixes[0].how == "resume"
    assert set(fixes[0].changes) == {"training.batch_size=4", "training.gradient_accumulation=4"}
    for fix in fixes:
        after = overrides.apply(spec, fix.changes).training
        assert after.batch_size * after.gradient_accumulation == 16


def test_of_a_known_model_every_rung_has_its_number(ended: RunDirectory) -> None:
    spec = overrides.apply(toml.load(ended.spec), ["model.id=Qwen/Qwen3-8B", "training.batch_size=8",
                                                   "training.gradient_checkpointing=false"])  # fmt: skip
    gpu = Gpu(index=0, uuid="GPU-0", name="NVIDIA L4", total_bytes=24 * 2**30, free_bytes=23 * 2**30)
    fixes = oom_fixes(ended, spec, GpuReading((gpu,)), {"total_gib": 24.0})
    assert fixes
    assert all("GiB foreseen" in fix.title for fix in fixes)


def test_a_live_run_is_not_stopped_for_a_fix_that_cannot_be(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_file = write_settings(tmp_path, monkeypatch)
    run = bench.start()
    settings_file.write_text("price_per_hour = 'much'\n")
    for how in ("resume", "restart"):
        made = fixing.plan(run, a_fix(how, "training.max_grad_norm=0.3"))
        with pytest.raises(TuiFtError, match="price_per_hour"):
            fixing.carry_out(run, made, bench.root, trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
        assert read_state(run).status == "running"
        assert not run.request("stop").exists()

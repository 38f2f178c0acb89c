"""The health screen, and what the run screen says of a run that is not well, as a person uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoint_made import save
from home_world import on_screen, shown, until
from scripted_source import NOW, ScriptedSource
from synthetic_run import SyntheticRun

from tui_ft.health.finding import Finding, Fix
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.fixes import fix_process, fixing
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow
from tui_ft.runs.records import JsonLinesWriter
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import dumps
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.ask_fix import AskFix
from tui_ft.tui.screens.health import HealthScreen
from tui_ft.tui.screens.run import RunScreen

SIZES = [(80, 24), (120, 40), (60, 15)]
CLIP = Fix(
    name="clip", title="Clip the gradient harder", how="resume", changes=["training.max_grad_norm=0.3"]
)
BEFORE = Fix(
    name="half", title="Go on from before it", how="resume_before", step=20,
    changes=["training.learning_rate=1e-4"],
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path, total_steps=120) as run:
        run.keep_spec(dumps(overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"])))
        run.begin_training()
        run.advance(60)
        save(run.run, 30)
        save(run.run, 15)
        yield run


def find(made: SyntheticRun, *rows: Any) -> None:
    writer = JsonLinesWriter(made.run.health)
    for row in rows:
        writer.write(row)
    writer.close()


def found(made: SyntheticRun, code: str, level: str, *fixes: Fix, message: str = "") -> FoundRow:
    finding = Finding(
        code=code, level=level, message=message or f"It is {code}.", time=made.now, step=made.step,  # type: ignore[arg-type]
        evidence={"grad_norm": 182.5, "rows": [12, 40]}, fixes=list(fixes),
    )  # fmt: skip
    return FoundRow(time=made.now, finding=finding)


def an_app(made: SyntheticRun) -> TuiFtApp:
    return TuiFtApp(made.run.path.parent, made.run, clock=lambda: made.now)


@pytest.mark.parametrize("size", SIZES)
async def test_a_live_run_that_is_not_well_says_so_with_its_keys(
    made: SyntheticRun, size: tuple[int, int]
) -> None:
    made.live_here()
    find(made, found(made, "grad_spikes", "warning", CLIP), found(made, "plateau", "note"))
    app = an_app(made)
    async with app.run_test(size=size) as pilot:
        await on_screen(
            pilot, "! WARNING It is grad_spikes. h: why, F: Clip the gradient harder, z: silence."
        )
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))
        await on_screen(pilot, "grad norm: 182.5 · rows: 12, 40")
        await on_screen(pilot, "warning It is grad_spikes.")
        text = "\n".join(shown(app))
        assert "Clip the gradient harder" in text
        assert all(len(line) <= size[0] for line in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_an_ended_run_is_looked_into(made: SyntheticRun, size: tuple[int, int]) -> None:
    find(made, found(made, "divergence", "error", BEFORE))
    made.fail("CUDA out of memory. Tried to allocate 2.10 GiB")
    app = an_app(made)
    async with app.run_test(size=size) as pilot:
        await on_screen(pilot, "FAILED")
        await until(pilot, lambda: app.screen.post is not None)  # type: ignore[attr-defined]
        await pilot.press("h")
        await on_screen(pilot, "The GPU ran out of memory while training at step 60 of 120.")
        await on_screen(pilot, "asked for 2.10 GiB")
        await on_screen(pilot, "What to change")
        await until(pilot, lambda: "Go on from before it" in "\n".join(shown(app)))


async def test_nothing_stands_on_the_alert_line_without_being_in_the_evidence(made: SyntheticRun) -> None:
    made.live_here()
    find(made, found(made, "plateau", "note"))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "60/120")
        assert "plateau" not in "\n".join(shown(app)), "a note alarms nobody"
        await pilot.press("h")
        await on_screen(pilot, "note It is plateau.")


async def test_what_was_and_what_was_done_stands_below(made: SyntheticRun) -> None:
    made.live_here()
    find(
        made,
        found(made, "hang", "error", message="No step for 5 minutes."),
        ClearedRow(time=made.now, code="hang", message="a step came"),
        DeedRow(time=made.now, deed="notify", message="Told the phone.", code="hang", is_done=False),
    )
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "60/120")
        await pilot.press("h")
        await on_screen(pilot, "No problem found.")
        await on_screen(pilot, "over: hang, a step came")
        await on_screen(pilot, "did not work: notify: Told the phone.")


class Done:
    """Stands for the room that carries fixes out."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.plans: list[fixing.Plan] = []
        self.looks = 0

    def begin(self, run: RunDirectory, made: fixing.Plan, root: Path, **options: Any) -> Done:
        self.plans.append(made)
        return self

    def look(self) -> list[fix_process.Word]:
        self.looks += 1
        return (
            [fix_process.Word(said="It stops.")]
            if self.looks == 1
            else [fix_process.Word(run=str(self.run.path))]
        )


async def test_a_fix_is_shown_as_a_change_and_done_by_one_key(
    made: SyntheticRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Done(made.run)
    monkeypatch.setattr(fix_process, "begin", done.begin)
    made.live_here()
    find(made, found(made, "divergence", "error", BEFORE))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "ERROR It is divergence.")
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, AskFix))
        await on_screen(pilot, "- training.learning_rate = unset + training.learning_rate = 0.0001")
        await on_screen(pilot, "stops and goes on from the checkpoint of step 15; 45 steps are done again.")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert done.plans == []
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, AskFix))
        await pilot.press("enter")
        await on_screen(pilot, "Done, it goes: Go on from before it.")
    assert [plan.from_step for plan in done.plans] == [15]


async def test_a_command_is_shown_and_never_run(made: SyntheticRun) -> None:
    made.live_here()
    kill = Fix(name="kill", title="End the holder", how="command", command="kill 4711")
    find(made, found(made, "leaked_gpu_memory", "warning", kill))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "F: End the holder")
        await pilot.press("F")
        await on_screen(pilot, "For you to run: kill 4711")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, AskFix)


async def test_a_fix_that_no_fix_may_make_is_not_offered(made: SyntheticRun) -> None:
    made.live_here()
    evil = Fix(name="evil", title="Free money", how="restart", changes=["after.hook=shutdown"])
    find(made, found(made, "divergence", "error", evil, CLIP))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "ERROR It is divergence. h: why, F: Clip the gradient harder, z: silence.")
        await pilot.press("h")
        await on_screen(pilot, "Clip the gradient harder")
        assert "Free money" not in "\n".join(shown(app))


async def test_silence_asks_the_supervisor_for_the_shown_finding(made: SyntheticRun) -> None:
    made.live_here()
    find(made, found(made, "grad_spikes", "warning", CLIP), found(made, "hang", "error"))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "It is hang.")
        await pilot.press("z")
        await on_screen(pilot, "hang is silenced for this run")
    [request] = made.run.control.glob("silence*.json")
    assert json.loads(request.read_bytes())["text"] == "hang"


async def test_the_same_key_hears_again_of_what_was_silenced(made: SyntheticRun) -> None:
    made.live_here()
    made.set_state("running", silenced=["hang"])
    find(made, found(made, "hang", "error"))
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "60/120")
        await pilot.press("h")
        await on_screen(pilot, "No other problem found; 1 finding is silenced.")
        await pilot.press("z")
        await on_screen(pilot, "hang is heard again in this run")
    [request] = made.run.control.glob("silence*.json")
    assert json.loads(request.read_bytes())["text"] == "-hang"


async def test_of_a_run_of_others_it_is_only_told() -> None:
    source = ScriptedSource(is_complete=True)
    for step in range(1, 200):
        source.add(step, loss=2.0 if step < 100 else float("nan"), grad_norm=0.5)
    source.change(status="failed", reason="CUDA out of memory. Tried to allocate 2.10 GiB")
    app = TuiFtApp(Path("/runs"), clock=lambda: NOW)
    app._home_screen = lambda: RunScreen(source)  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "FAILED")
        await pilot.press("h")
        await on_screen(pilot, "The GPU ran out of memory while training")
        assert isinstance(app.screen, HealthScreen)
        offered = {one.binding.action for one in app.screen.active_bindings.values() if one.enabled}
        assert not offered & {"fix", "silence", "prune"}


async def test_hostile_findings_reach_the_screen_as_text(made: SyntheticRun) -> None:
    made.live_here()
    nasty = Fix(
        name="n\x1b[2J", title="\x1b]0;x\x07title" + "y" * 500, how="resume", changes=["training.epochs=2"]
    )
    find(made, found(made, "hang", "error", nasty, message="gone \x1b[31m\u202e" + "z" * 900))
    app = an_app(made)
    async with app.run_test(size=(60, 15)) as pilot:
        await on_screen(pilot, "ERROR")
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HealthScreen))
        await pilot.pause()
        assert all(char.isprintable() for line in shown(app) for char in line)


async def test_an_idle_health_screen_draws_nothing(made: SyntheticRun) -> None:
    made.finish()
    app = an_app(made)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "finished")
        await pilot.press("h")
        await on_screen(pilot, "Finished at step 60 of 120")
        before = shown(app)
        await pilot.pause(1.2)
        assert shown(app) == before

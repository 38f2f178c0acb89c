"""The smoke run: small, as heavy as the real one, told nobody; what it proved, and what follows."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from home_world import shown, until
from synthetic_run import SyntheticRun

from tui_ft.atomic import write_atomically
from tui_ft.runs.records import encode_document
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens import launch
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.launch import LaunchScreen
from tui_ft.tui.wizard import smoke
from tui_ft.vram.workload import from_spec
from tui_ft.watch.sources.tui_ft import TuiFtSource

SPEC = RunSpec(model=ModelSection(id="demo"), data=DataSection(train="demo"))
DATA = {
    "sources": [{"rows": 5000, "used": 4812}], "train_rows": 64, "eval_rows": 16, "train_on": "completion",
}  # fmt: skip


# --- the spec ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [(), ("method.kind=qlora",), ("method.kind=full", "training.batch_size=2"), ("data.packing=true",)],
)
def test_it_takes_the_memory_of_the_real_run(changes: tuple[str, ...]) -> None:
    spec = overrides.apply(SPEC, changes)
    small = smoke.smoke_spec(spec)
    assert from_spec(small) == from_spec(spec)
    assert small.model == spec.model and small.method == spec.method and small.objective == spec.objective


def test_it_is_a_few_steps_on_few_rows_that_nobody_is_told_of() -> None:
    spec = overrides.apply(
        SPEC,
        ["training.epochs=3", "evaluation.every_epochs=0.1", "checkpoints.keep=9", "notes.name=mine",
         "notes.tags=a", "after.notify=phone", "tracking.report_to=wandb"],
    )  # fmt: skip
    small = smoke.smoke_spec(spec)
    assert small.training.max_steps is not None and small.training.max_steps <= 5
    assert small.data.limit == small.training.max_steps * 16
    assert small.checkpoints.keep == 1 and small.evaluation.every_steps == small.training.max_steps
    assert (small.after.notify, small.tracking.report_to) == ([], [])
    assert (small.notes.name, small.notes.tags) == ("mine-smoke", ["a", "smoke"])
    assert toml.loads(toml.dumps(small)) == small


def test_a_run_that_is_smaller_still_stays_as_small() -> None:
    small = smoke.smoke_spec(overrides.apply(SPEC, ["training.max_steps=2", "data.limit=5"]))
    assert (small.training.max_steps, small.data.limit) == (2, 5)


# --- what it proved ----------------------------------------------------------------------------------


def a_run(root: Path, **options: Any) -> SyntheticRun:
    return SyntheticRun(root, total_steps=4, name="demo-smoke", **options)


def read(made: SyntheticRun) -> Any:
    source = TuiFtSource(made.run)
    source.poll(5)
    return source.reading


def write_facts(made: SyntheticRun) -> None:
    folder = made.run.attempt(1)
    folder.path.mkdir(parents=True, exist_ok=True)
    write_atomically(folder.data, encode_document(DATA))
    write_atomically(
        folder.environment, encode_document({"parameters": 800_000, "trainable_parameters": 1000})
    )


def marks(made: SyntheticRun) -> list[tuple[str, str]]:
    return [(item.mark, item.what) for item in smoke.items(read(made), smoke.facts(made.run))]


def test_what_is_proved_is_ticked_off_in_order(tmp_path: Path) -> None:
    with a_run(tmp_path, gpu=False) as made:
        made.live_here()
        names = ["Data", "Model", "Training", "Evaluation", "Checkpoint", "Result"]
        assert marks(made) == list(zip(["now", *["open"] * 5], names, strict=True))
        write_facts(made)
        made.begin_training()
        assert marks(made)[:3] == [("done", "Data"), ("done", "Model"), ("now", "Training")]
        made.advance(4)
        made.finish()
        assert marks(made) == [("done", name) for name in names]
        reading = read(made)
        assert smoke.has_passed(reading)
        text = " ".join(item.text for item in smoke.items(reading, smoke.facts(made.run)))
    assert "5,000 rows read, 4,812 can be used; 64 of them here" in text
    assert "1,000 of 800,000 parameters" in text
    for words in ("step 4 of 4, loss ", " → ", "0.5 s a step", "on held-out rows", "1.0 MiB", "2.2 MiB"):
        assert words in text, words


def test_on_a_gpu_memory_is_held_against_the_prediction(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        made.live_here()
        made.foresee()
        made.begin_training()
        assert ("open", "Memory") in marks(made)
        made.advance(4)
        made.measure()
        item = next(item for item in smoke.items(read(made), smoke.facts(made.run)) if item.what == "Memory")
    assert item.mark == "done" and item.text.startswith("14.2 GiB at the peak, 14.8 held; predicted ")


def test_a_failure_marks_what_was_going_on(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        write_facts(made)
        made.begin_training()
        made.fail("CUDA out of memory.")
        assert ("bad", "Training") in marks(made) and not smoke.has_passed(read(made))


def test_a_loss_that_is_no_number_is_no_pass(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        write_facts(made)
        made.begin_training()
        made.advance(3)
        made.advance(1, loss="NaN")
        made.finish()
        assert ("bad", "Training") in marks(made) and not smoke.has_passed(read(made))


def test_facts_that_cannot_be_read_are_not_known(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        folder = made.run.attempt(1)
        folder.path.mkdir(parents=True)
        folder.data.write_bytes(b"\xff{")
        folder.environment.write_text("[1]")
        assert smoke.facts(made.run) == smoke.Facts({}, {})
        folder.data.write_text('{"sources": 5, "train_rows": "many"}')
        folder.environment.write_text('{"parameters": "many", "trainable_parameters": []}')
        data, model, *_ = smoke.items(read(made), smoke.facts(made.run))
        assert data.text.startswith("0 rows read") and not model.text


# --- which smoke run belongs to which spec -----------------------------------------------------------


def test_it_counts_only_for_the_spec_that_it_was_made_of(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        made.run.spec.write_text(toml.dumps(smoke.smoke_spec(SPEC)))
        made.live_here()
        made.begin_training()
        run_id = made.run.id
        assert smoke.smoked(tmp_path, run_id, SPEC).state == "going"
        assert smoke.smoked(tmp_path, run_id, overrides.apply(SPEC, ["method.rank=8"])).state == "none"
        assert smoke.smoked(tmp_path, "", SPEC).state == "none"
        assert smoke.smoked(tmp_path, "20261121-gone-abcd", SPEC).state == "none"
        made.finish()
        assert smoke.smoked(tmp_path, run_id, SPEC).state == "passed"
    with a_run(tmp_path) as failed:
        failed.run.spec.write_text(toml.dumps(smoke.smoke_spec(SPEC)))
        failed.fail("CUDA out of memory.")
        found = smoke.smoked(tmp_path, failed.run.id, SPEC)
        assert found.state == "failed" and "out of memory" in found.text


def test_its_checkpoint_makes_room_for_the_real_run_and_the_rest_stays(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        folder = made.run.checkpoint(4)
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"x" * 100)
        made.run.result.mkdir()
        smoke.make_room(made.run)
        assert not made.run.list_checkpoints() and made.run.result.is_dir() and made.run.events.is_file()


# --- the screen that follows it ----------------------------------------------------------------------


def a_review(steps: int | None = 900) -> Any:
    """The one thing that the screen asks of a review."""
    return SimpleNamespace(outlook=SimpleNamespace(volume=SimpleNamespace(steps=steps)))


def an_app() -> TuiFtApp:
    return TuiFtApp(Path("/runs"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_run_that_went_well_starts_the_real_one_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(launch, "COUNTDOWN_S", 3)
    answers: list[bool | None] = []
    with a_run(tmp_path) as made:
        made.live_here()
        write_facts(made)
        app = an_app()
        async with app.run_test(size=size) as pilot:
            app.push_screen(LaunchScreen(made.run, a_review()), answers.append)
            await until(pilot, lambda: "▶ Training" in " ".join(shown(app)))
            assert "Start now" not in shown(app)[-1] and "s Stop it" in shown(app)[-1]
            made.foresee()
            made.begin_training()
            made.advance(4)
            made.measure()
            made.finish()
            await until(
                pilot,
                lambda: (
                    "The whole pipe works." in " ".join(shown(app)) and "Enter Start now" in shown(app)[-1]
                ),
            )
            text = " ".join(" ".join(shown(app)).split())
            assert "at this speed the 900 steps of the real run take about 7m30s" in text
            assert re.search(
                r"The whole pipe works\. The real run starts in [123] s: Enter now, Esc not\.", text
            )
            assert all(len(line) <= size[0] for line in shown(app))
            await until(pilot, lambda: answers)
    assert answers == [True]


async def test_enter_starts_it_at_once_and_esc_does_not(tmp_path: Path) -> None:
    for key, answer in (("enter", True), ("escape", False)):
        answers: list[bool | None] = []
        with a_run(tmp_path) as made:
            made.begin_training()
            made.advance(4)
            made.finish()
            await _press_at_the_end(made, key, answers)
        assert answers == [answer]


async def _press_at_the_end(made: SyntheticRun, key: str, answers: list[bool | None]) -> None:
    app = an_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(LaunchScreen(made.run, a_review(None)), answers.append)
        await until(pilot, lambda: "The whole pipe works" in " ".join(shown(app)))
        await pilot.press(key)
        await until(pilot, lambda: answers)


async def test_a_failed_one_says_why_and_starts_nothing(tmp_path: Path) -> None:
    answers: list[bool | None] = []
    with a_run(tmp_path) as made:
        made.begin_training()
        made.fail("CUDA out of memory.")
        app = an_app()
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(LaunchScreen(made.run, a_review()), answers.append)
            await until(pilot, lambda: "did not get through" in " ".join(shown(app)))
            text = " ".join(" ".join(shown(app)).split())
            assert "CUDA out of memory." in text and "Nothing else was started." in text
            await pilot.press("enter")
            assert isinstance(app.screen, LaunchScreen), "there is nothing to start"
            await pilot.press("escape")
            await until(pilot, lambda: answers)
    assert answers == [False]


async def test_left_while_it_goes_it_goes_on(tmp_path: Path) -> None:
    answers: list[bool | None] = []
    with a_run(tmp_path) as made:
        made.live_here()
        made.begin_training()
        app = an_app()
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(LaunchScreen(made.run, a_review()), answers.append)
            await until(pilot, lambda: "▶ running" in " ".join(shown(app)))
            await pilot.press("escape")
            await until(pilot, lambda: answers)
    assert answers == [False] and not list(made.run.control.iterdir())


async def test_s_asks_it_to_stop(tmp_path: Path) -> None:
    with a_run(tmp_path) as made:
        made.live_here()
        made.begin_training()
        app = TuiFtApp(tmp_path)
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(LaunchScreen(made.run, a_review()))
            await until(pilot, lambda: "▶ running" in " ".join(shown(app)))
            await pilot.press("s")
            await until(pilot, lambda: "The smoke run is stopping." in " ".join(shown(app)))
        assert [path.name for path in made.run.control.iterdir()] == ["stop.json"]


async def test_who_reads_the_help_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "COUNTDOWN_S", 1)
    answers: list[bool | None] = []
    with a_run(tmp_path) as made:
        made.begin_training()
        made.advance(4)
        app = an_app()
        async with app.run_test(size=(80, 24)) as pilot:
            app.push_screen(LaunchScreen(made.run, a_review()), answers.append)
            await until(pilot, lambda: isinstance(app.screen, LaunchScreen) and app.screen.is_mounted)
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            made.finish()
            screen: Any = next(one for one in app.screen_stack if isinstance(one, LaunchScreen))
            await until(pilot, lambda: screen._has_passed and not screen._on_top.is_set())
            await asyncio.sleep(1.2)  # longer than the countdown
            assert not answers
            await pilot.press("escape")
            await until(pilot, lambda: answers == [True])

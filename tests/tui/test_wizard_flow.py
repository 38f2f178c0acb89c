"""The way through the wizard: back and forth, leaving and coming back, and keys that are typed too fast."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from home_world import OpenedRun, shown, until
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Static
from wizard_world import World, at_home

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.tui.screens.ask_draft import AskDraft
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.widgets.step_bar import StepBar, step_line
from tui_ft.tui.wizard import draft as drafts
from tui_ft.tui.wizard import draft_file, flow
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import STEPS, TITLES, GoTo, Launched, Step


class AStep(WizardScreen):
    """A step with one answer: how often the key was pressed."""

    AUTO_FOCUS = ""
    BINDINGS = [
        Binding("a", "answer", "Answer"),
        Binding("i", "type_here", "Type"),
        Binding("g", "to_review", "Review"),
        Binding("l", "launch", "Launch"),
    ]

    def body(self) -> ComposeResult:
        yield Static(f"this is {self.STEP}, epochs {self.draft.spec.training.epochs}")
        yield Input(id="field")

    def why_not(self) -> str:
        return "Epoch 9 is refused." if self.draft.spec.training.epochs == 9 else ""

    def action_answer(self) -> None:
        self.draft.set("model.id=demo", f"training.epochs={self.draft.spec.training.epochs + 1}")

    def action_type_here(self) -> None:
        self.query_one(Input).focus()

    def action_to_review(self) -> None:
        self.finish(GoTo("review"))

    def action_launch(self) -> None:
        self.finish(Launched(RunDirectory(Path("/runs/20261121-launched"))))


@pytest.fixture(autouse=True)
def plain_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = {step: type(f"Step{TITLES[step]}", (AStep,), {"STEP": step}) for step in STEPS}
    monkeypatch.setattr(flow, "_class_of", lambda step: classes[step])


async def at(world: World, step: Step) -> None:
    await world.until(lambda: isinstance(world.screen, AStep) and step == world.screen.STEP)
    await world.sees(f"this is {step}")


async def test_enter_goes_on_and_escape_back_and_no_answer_is_lost() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("a", "enter")
        await at(world, "model")
        await world.press("a", "enter")
        await at(world, "data")
        await world.sees("epochs 5.0")
        await world.press("escape", "escape")
        await at(world, "goal")
        await world.sees("epochs 5.0")
        await world.press("escape")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
        await world.sees("Your answers are kept: n goes on with them.")


async def test_what_was_left_goes_on_where_it_was_also_in_another_session() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("a", "enter")
        await at(world, "model")
        await world.press("a", "q")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
    async with at_home() as world:
        await world.press("n")
        await world.until(lambda: isinstance(world.screen, AskDraft))
        await world.sees("Model demo", "Step Model", "Go on with the run that you began?")
        await world.press("enter")
        await at(world, "model")
        await world.sees("epochs 5.0")


async def test_beginning_anew_sets_the_old_answers_aside() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("a", "q")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
        kept = settings.draft_file().read_bytes()
        await world.press("n")
        await world.until(lambda: isinstance(world.screen, AskDraft))
        await world.press("n")
        await at(world, "goal")
        await world.sees("epochs 3.0")
        assert settings.draft_file().with_name("draft.previous.json").read_bytes() == kept


async def test_leaving_the_question_does_nothing() -> None:
    Draft().save()
    kept = settings.draft_file().read_bytes()
    async with at_home() as world:
        await world.press("n")
        await world.until(lambda: isinstance(world.screen, AskDraft))
        await world.press("escape")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
        assert settings.draft_file().read_bytes() == kept


async def test_answers_are_on_the_disk_soon_and_without_leaving() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("a")

        def is_kept() -> bool:
            found = drafts.load()
            return found is not None and found.spec.training.epochs == 4

        await world.until(is_kept)


async def test_a_closed_app_keeps_what_was_typed_last() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("a")
        world.pilot.app.exit()
    found = drafts.load()
    assert found is not None and found.spec.training.epochs == 4


async def test_a_launched_run_opens_and_its_draft_is_gone() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("l")
        await world.until(lambda: isinstance(world.screen, OpenedRun))
        assert world.screen.run.id == "20261121-launched"
        assert not settings.draft_file().exists()
        await world.press("q")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
        await world.press("n")
        await at(world, "goal")


async def test_keys_typed_ahead_never_reach_the_screen_below() -> None:
    async with at_home() as world:
        await world.press("tab", "n")
        await at(world, "goal")
        await world.press(*["enter"] * 5)
        await at(world, "review")
        await world.press(*["escape"] * 4)
        await at(world, "model")
        assert not world.actions.started


async def test_no_other_screen_is_painted_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        painted: list[str] = []
        app: Any = world.pilot.app
        real = type(app)._display

        def noting(self: Any, screen: Any, renderable: Any) -> None:
            if not self._batch_count:
                painted.append(type(screen).__name__)
            real(self, screen, renderable)

        monkeypatch.setattr(type(app), "_display", noting)
        await world.press("enter")
        await at(world, "model")
        assert "StepModel" in painted
        assert not {"Backdrop", "HomeScreen"} & set(painted)


async def test_a_refusal_stays_on_the_step_with_its_reason() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press(*["a"] * 6, "enter")
        await world.sees("✗ Epoch 9 is refused.")
        await at(world, "goal")


async def test_brackets_go_between_steps_that_were_seen_and_nowhere_else() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("right_square_bracket")
        await world.sees("That step was not seen yet")
        await world.press("left_square_bracket", "enter")
        await at(world, "model")
        await world.press("left_square_bracket")
        await at(world, "goal")
        await world.press("right_square_bracket")
        await at(world, "model")
        await world.press("g")
        await at(world, "review")
        await world.press("right_square_bracket", "escape")
        await at(world, "settings")


async def test_letters_in_a_field_are_typed_and_do_not_leave() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("i", "q", "left_square_bracket", "question_mark", "right_square_bracket")
        field = world.screen.query_one(Input)
        await world.until(lambda: field.value == "q[?]")
        await at(world, "goal")


async def test_the_help_opens_and_comes_back_to_the_step() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("f1")
        await world.until(lambda: isinstance(world.screen, HelpScreen))
        await world.press("q")
        await at(world, "goal")


async def test_a_preset_is_begun_with_where_it_is_chosen() -> None:
    async with at_home() as world:
        await world.press("tab", "down", "n")
        await at(world, "goal")
        draft = world.screen.draft
        assert draft.preset is not None and draft.preset[0] == "qlora-8b-24gb"
        assert draft.spec == draft.preset[1] == draft.base
        assert draft.text.startswith("#")


async def test_a_draft_that_cannot_be_read_is_told_and_the_next_key_begins() -> None:
    path = settings.draft_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    async with at_home() as world:
        await world.press("n")
        await world.sees("cannot be read", "draft.damaged.json")
        await world.press("n")
        await at(world, "goal")


async def test_a_place_that_is_no_folder_is_told_and_the_wizard_goes_on() -> None:
    place = settings.draft_file().parent
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file in its place")
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.sees("Your answers are not kept")
        await world.press("enter")
        await at(world, "model")


async def test_a_run_that_started_is_shown_though_its_draft_cannot_be_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise TuiFtError("It cannot be removed.")

    monkeypatch.setattr(draft_file, "discard", refuse)
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.press("l")
        await world.until(lambda: isinstance(world.screen, OpenedRun))


async def test_what_another_app_kept_is_set_aside_and_told() -> None:
    path = settings.draft_file()
    aside = path.with_name("draft.other.json")
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.until(path.exists)
        path.write_bytes(b"theirs")
        await world.press("a")
        await world.sees("Another tui-ft is at a new run, too", "draft.other.json")
        assert aside.read_bytes() == b"theirs"
        path.write_bytes(b"theirs again")
        await world.press("q")
        await world.sees("Your answers are kept")
        assert aside.read_bytes() == b"theirs again"
        assert drafts.load() is not None


async def test_a_launched_run_does_not_remove_what_another_app_kept() -> None:
    path = settings.draft_file()
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        await world.until(path.exists)
        path.write_bytes(b"theirs")
        await world.press("l")
        await world.until(lambda: isinstance(world.screen, OpenedRun))
        assert path.read_bytes() == b"theirs"


async def test_a_full_disk_is_told_on_the_step_and_the_wizard_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
        await world.press("a")
        await world.sees("Your answers are not kept", "/proc/nowhere")
        await world.press("enter")
        await at(world, "model")
        await world.press("q")
        await world.sees("/proc/nowhere")
        assert isinstance(world.screen, HomeScreen)


def test_the_bar_marks_this_step_and_those_behind_it() -> None:
    draft = Draft()
    for step in ("goal", "model", "data", "method"):
        draft.go_to(step)
    text = "".join(piece for piece, _ in step_line(draft, "data"))
    assert text == " New run  1 Goal ✓  2 Model ✓ ›3 Data‹ 4 Method  5 Settings  6 Review "
    assert all(len("".join(piece for piece, _ in step_line(draft, step))) <= 80 for step in STEPS)


async def test_the_bar_of_a_narrow_terminal_names_the_step() -> None:
    async with at_home(size=(50, 24)) as world:
        await world.press("n")
        await at(world, "goal")
        assert shown(world.pilot.app)[0] == " New run, step 1 of 6: Goal"
        assert world.screen.query_one(StepBar).size.height == 1


async def test_two_keys_that_end_a_step_end_it_once() -> None:
    async with at_home() as world:
        await world.press("n")
        await at(world, "goal")
        screen = world.screen
        screen.action_next()
        screen.action_leave()
        await at(world, "model")
        await asyncio.sleep(0)
        await until(world.pilot, lambda: isinstance(world.screen, AStep))

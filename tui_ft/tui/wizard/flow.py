"""The way through the wizard: one screen after the other, until a run has started or the user leaves."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tui_ft.errors import TuiFtError
from tui_ft.tui.actions import HomeActions
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.keeping import Keeper
from tui_ft.tui.wizard.outcome import STEPS, GoTo, Launched, Outcome, Step

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.runs.directory import RunDirectory

_SCREENS: dict[Step, tuple[str, str]] = {
    "goal": ("goal", "GoalScreen"),
    "model": ("choose_model", "ChooseModelScreen"),
    "data": ("data", "DataScreen"),
    "method": ("method_step", "MethodStep"),
    "settings": ("settings", "SettingsScreen"),
    "review": ("review", "ReviewScreen"),
}
"""Module and class; imported when they are needed, because the first frame waits for none of them."""


class Backdrop(Screen[None]):
    """Lies under the steps, so that a key typed between two of them does not reach the screen below."""


async def run_wizard(app: App[Any], actions: HomeActions, draft: Draft) -> RunDirectory | None:
    """Go through the steps from `draft.step` on; the run, or None when the user left. Runs in a worker.

    The draft is written down after each change, and removed when the run has started. Raises `TuiFtError`
    when it cannot be written, not when it cannot be removed: then it is offered once more.
    """
    keeper = Keeper(draft, lambda text: _complain(app, text))
    await app.push_screen(Backdrop())
    try:
        run = await _walk(app, actions, draft)
        if run is not None:
            with suppress(TuiFtError):
                await keeper.discard()
        else:
            keeper.touch()  # another app may have written there: what is left last is what is gone on with
            await keeper.finish()
    except asyncio.CancelledError:
        _save_last(app, keeper)
        raise
    finally:
        keeper.close()
        if app.is_running and isinstance(app.screen, Backdrop):
            app.pop_screen()
    return run


def _save_last(app: App[Any], keeper: Keeper) -> None:
    """The app is closing: what is not written yet is written at once, or the shell gets the sentence."""
    try:
        keeper.save()
    except TuiFtError as error:
        app.exit(message=f"The answers for a new run are not kept. {error}")


async def _walk(app: App[Any], actions: HomeActions, draft: Draft) -> RunDirectory | None:
    with ExitStack() as unpainted:
        while True:
            screen = await _screen(draft.step, draft, actions)
            draft.go_to(draft.step)
            ending = app.push_screen(screen, wait_for_dismiss=True)
            unpainted.close()
            soon = asyncio.create_task(_load_next(draft.step))
            soon.add_done_callback(_forget)
            # shielded: a cancelled flow must leave the screen a future to end with
            outcome: Outcome = await asyncio.shield(ending)
            unpainted.enter_context(app.batch_update())  # the backdrop is not painted between two steps
            soon.cancel()
            if isinstance(outcome, Launched):
                return outcome.run
            step = _step_after(draft.step, outcome)
            if step is None:
                return None
            draft.step = step


def _step_after(step: Step, outcome: Outcome) -> Step | None:
    """The step that follows; None when the wizard is left."""
    if isinstance(outcome, GoTo):
        return outcome.step
    place = STEPS.index(step)
    if outcome == "next":
        return STEPS[min(place + 1, len(STEPS) - 1)]
    return STEPS[place - 1] if outcome == "back" and place else None


async def _screen(step: Step, draft: Draft, actions: HomeActions) -> Screen[Outcome]:
    screen: Screen[Outcome] = (await asyncio.to_thread(_class_of, step))(draft, actions)
    return screen


def _class_of(step: Step) -> Any:
    module, name = _SCREENS[step]
    return getattr(import_module(f"tui_ft.tui.screens.{module}"), name)


async def _load_next(step: Step) -> None:
    """Import the next step's screen while this one is looked at: a key typed ahead then finds it there."""
    following = _step_after(step, "next")
    if following is not None:
        await asyncio.to_thread(_class_of, following)


def _forget(task: asyncio.Task[None]) -> None:
    """What fails here fails again, and is told, when the screen is wanted."""
    if not task.cancelled():
        task.exception()


def _complain(app: App[Any], text: str) -> None:
    from tui_ft.tui.screens.wizard import WizardScreen

    for screen in reversed(app.screen_stack):
        if isinstance(screen, WizardScreen):
            screen.notice.complain(text)
            return

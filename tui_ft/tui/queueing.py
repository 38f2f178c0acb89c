"""From a preset, a run or a spec to a run that waits in the queue: asks for what is missing, then adds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.queueing import queue
from tui_ft.runs.queueing.foresight import foresee
from tui_ft.runs.queueing.nudging import nudge
from tui_ft.runs.state import read_state
from tui_ft.tui import home_doors
from tui_ft.tui.actions import HomeActions
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.start_flow import StartFlow
from tui_ft.tui.text import plain

if TYPE_CHECKING:
    from tui_ft.spec.presets import Preset
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.app import TuiFtApp


async def put_behind(
    app: TuiFtApp, actions: HomeActions, preset: Preset | None, run: RunDirectory | None
) -> str:
    """Queue a preset, or the spec of a run, behind what runs and waits already; say what was done.

    "" when the user left it. Call it in a worker of `app`. Raises `TuiFtError`.
    """
    if preset is not None:
        return await queue_spec(app, actions, preset.spec, preset.name, preset.text)
    if run is None:
        return ""
    spec, name, text = await asyncio.to_thread(home_doors.spec_of, run)
    return await queue_spec(app, actions, spec, name, text)


async def queue_spec(app: TuiFtApp, actions: HomeActions, spec: RunSpec, name: str, text: str | None) -> str:
    """Queue `spec`, which is called `name`; its data is asked for where it names none. See `put_behind`."""
    whole = await StartFlow(app, actions, _unsaid).completed(spec, name)
    if whole is None:
        return ""
    spec, facts = whole
    if facts.refusal:
        raise TuiFtError(facts.refusal)
    run = await _queued(app, actions, spec, text, facts.lines())
    return "" if run is None else await asyncio.to_thread(place_words, app.runs_root, run)


async def queue_reviewed(
    app: TuiFtApp, actions: HomeActions, spec: RunSpec, text: str | None
) -> RunDirectory | None:
    """Queue a spec that was looked at and found startable; None when the user left it. See `put_behind`."""
    return await _queued(app, actions, spec, text, ())


async def _queued(
    app: TuiFtApp, actions: HomeActions, spec: RunSpec, text: str | None, facts: Sequence[str]
) -> RunDirectory | None:
    """Ask about a run that can never fit here, then add it and let the queue go on."""
    reading = await asyncio.to_thread(actions.read_gpus)
    foresight = await asyncio.to_thread(foresee, spec, reading)
    if foresight.problem:
        question = (
            f"{foresight.problem[0].upper()}{foresight.problem[1:]} Put it into the queue all the same?"
        )
        if not await app.push_screen_wait(Confirm(question, facts)):
            return None

    def add() -> RunDirectory:
        run = queue.add(spec, app.runs_root, text=text, needed_bytes=foresight.needed_bytes)
        nudge(app.runs_root)
        return run

    return await asyncio.to_thread(add)


def place_words(root: Path, run: RunDirectory) -> str:
    """Where a run stands in the queue, as a sentence. Raises `TuiFtError`."""
    ids = [entry.id for entry in queue.current(root).entries]
    name = plain(without_date(run.id))
    if run.id not in ids:
        return f"{name} has left the queue: it begins now."
    place = ids.index(run.id) + 1
    return f"{name} is {'next' if place == 1 else f'number {place}'} in the queue. Q shows it."


def waits(run: RunDirectory) -> bool:
    """True for a run that was queued and has not begun."""
    try:
        return read_state(run).status == "queued"
    except TuiFtError:
        return False


def _unsaid(text: str) -> None:
    """Nothing is started now, so nothing is said of that."""

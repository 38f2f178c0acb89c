"""From a preset, a run or a spec to a run that waits in the queue: asks for what is missing, then adds it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.runs import queue
from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.nudging import nudge
from tui_ft.runs.queue_foresight import foresee
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
    reading = await asyncio.to_thread(actions.read_gpus)
    foresight = await asyncio.to_thread(foresee, spec, reading)
    if foresight.problem:
        question = f"{foresight.problem} Put {plain(name)} into the queue all the same?"
        if not await app.push_screen_wait(Confirm(question, facts.lines())):
            return ""
    return await asyncio.to_thread(_add, app, spec, text, foresight.needed_bytes)


def _add(app: TuiFtApp, spec: RunSpec, text: str | None, needed_bytes: int | None) -> str:
    run = queue.add(spec, app.runs_root, text=text, needed_bytes=needed_bytes)
    entries = [entry.id for entry in queue.current(app.runs_root).entries]
    place = entries.index(run.id) + 1 if run.id in entries else 0
    nudge(app.runs_root)
    name = plain(without_date(run.id))
    if place <= 1:
        return f"{name} is in the queue, as the next one. Q shows it."
    return f"{name} is number {place} in the queue. Q shows it."


def _unsaid(text: str) -> None:
    """Nothing is started now, so nothing is said of that."""

"""From the key for a new run to the wizard: a draft that was kept comes first."""

from __future__ import annotations

import asyncio
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tui_ft.tui.actions import HomeActions
from tui_ft.tui.screens.ask_draft import AskDraft
from tui_ft.tui.wizard import draft as drafts
from tui_ft.tui.wizard import draft_file
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.flow import run_wizard
from tui_ft.tui.wizard.outcome import TITLES

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.runs.directory import RunDirectory
    from tui_ft.spec.presets import Preset


async def new_run(app: App[Any], actions: HomeActions, preset: Preset | None) -> RunDirectory | None:
    """Go through the wizard, with `preset`'s answers where one is given; the run, or None when it was left.

    Raises `TuiFtError` when the kept answers cannot be read or written. Runs in a worker of `app`.
    """
    kept = await asyncio.to_thread(drafts.load)
    if kept is not None:
        answer = await app.push_screen_wait(AskDraft(facts(kept)))
        if answer is None:
            return None
        if answer == "go on":
            return await run_wizard(app, actions, kept)
        await asyncio.to_thread(draft_file.put_aside, "previous")
    fresh = Draft() if preset is None else _from_preset(preset)
    return await run_wizard(app, actions, fresh)


def facts(draft: Draft) -> list[str]:
    """What a kept draft holds, in a few short lines."""
    spec = draft.spec
    data = spec.data.train
    shown = f"{len(data)} data sets" if isinstance(data, list) else PurePath(data).name if data else "–"
    return [
        f"Model  {spec.model.id or '–'}",
        f"Data   {shown}",
        f"Step   {TITLES[draft.step]}",
        *([f"From   the preset {draft.preset[0]}"] if draft.preset else []),
    ]


def _from_preset(preset: Preset) -> Draft:
    return Draft(preset.spec, text=preset.text, preset=(preset.name, preset.spec))

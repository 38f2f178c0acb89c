"""Editing a spec until it is one: what is wrong with it is said, and the editor opens again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.errors import TuiFtError
from tui_ft.tui import editor
from tui_ft.tui.screens.ask import Confirm

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.spec.run_spec import RunSpec


async def edited(app: App[Any], draft: editor.Draft, read_spec: Callable[[Path], RunSpec]) -> RunSpec | None:
    """Open `draft` in the user's editor until it is a spec; None when the user gave up.

    Runs inside a worker of `app`. Raises `TuiFtError` when there is no editor or no terminal.
    """
    while True:
        if not editor.edit(app, draft) or not draft.text.strip():
            return None
        try:
            return await asyncio.to_thread(read_spec, draft.path)
        except TuiFtError as error:
            if not await app.push_screen_wait(Confirm(f"{error} Edit it again?")):
                return None

"""Editing a spec until it is one: what is wrong with it is said, and the editor opens again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.errors import TuiFtError
from tui_ft.tui import editor
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.text import fit

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.spec.run_spec import RunSpec

_AROUND = 1
"""Lines shown before and after the one at fault."""
_WIDTH = 66


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
            if not await app.push_screen_wait(
                Confirm("Edit it again? If not, what you wrote is dropped.", fault_lines(error, draft.text))
            ):
                return None


def fault_lines(error: TuiFtError, text: str) -> list[str]:
    """The error, its remedy, and the lines of the text around the one that it names."""
    lines = [f"✗ {error.message}", *([f"  {error.hint}"] if error.hint else [])]
    return [*lines, *_around(error.message, text.splitlines())]


def _around(message: str, lines: list[str]) -> Iterator[str]:
    place = re.search(r"\bline (\d+)", message)
    if place is None:
        return
    at = int(place[1])
    for number in range(max(at - _AROUND, 1), min(at + _AROUND, len(lines)) + 1):
        mark = "▸" if number == at else " "
        yield f"{mark}{number:>4} │ {fit(lines[number - 1], _WIDTH).rstrip()}"

"""The draft's TOML in the user's own editor, again and again until it is a spec or is left as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tui_ft.spec.errors import SpecError
from tui_ft.tui import editor
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.text import fit

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.tui.wizard.draft import Draft

_AROUND = 1
"""Lines shown before and after the one at fault."""
_WIDTH = 74


async def edit_spec(app: App[Any], draft: Draft) -> bool:
    """Open the draft's TOML in the editor; True when the draft was changed by it. Runs in a worker.

    What is no spec is shown with its line, and can be mended or left; then the draft stays as it was.
    Raises `TuiFtError` when there is no editor or no terminal to lend.
    """
    paper = editor.draft_of(draft.text, "run.toml")
    before = draft.spec, draft.text
    try:
        while editor.edit(app, paper):
            try:
                draft.write(paper.text)
            except SpecError as error:
                if await app.push_screen_wait(Confirm("Edit it again? (n: everything stays as it was)",
                                                      fault_lines(error, paper.text))):  # fmt: skip
                    continue
                return False
            return (draft.spec, draft.text) != before
        return False
    finally:
        paper.discard()


def fault_lines(error: SpecError, text: str) -> list[str]:
    """The error, its remedy, and the lines of the text around the one that it names."""
    lines = [f"✗ {error.message}"]
    if error.hint:
        lines.append(f"  {error.hint}")
    return [*lines, *_around(error.message, text.splitlines())]


def _around(message: str, lines: list[str]) -> Iterator[str]:
    place = re.match(r"line (\d+)", message)
    if place is None:
        return
    at = int(place[1])
    for number in range(max(at - _AROUND, 1), min(at + _AROUND, len(lines)) + 1):
        mark = "▸" if number == at else " "
        yield f"{mark}{number:>4} │ {fit(lines[number - 1], _WIDTH - 8).rstrip()}"

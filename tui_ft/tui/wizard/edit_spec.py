"""The draft's TOML in the user's own editor, again and again until it is a spec or is left as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui_ft.spec import toml
from tui_ft.tui import editor
from tui_ft.tui.editing import edited

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.tui.wizard.draft import Draft


async def edit_spec(app: App[Any], draft: Draft) -> bool:
    """Open the draft's TOML in the editor; True when the draft was changed by it. Runs in a worker.

    What is no spec is shown with its line, and can be mended or left; then the draft stays as it was.
    Raises `TuiFtError` when there is no editor or no terminal to lend.
    """
    paper = editor.draft_of(draft.text, "run.toml")
    try:
        spec = await edited(app, paper, toml.load)
        if spec is None or (spec, paper.text) == (draft.spec, draft.text):
            return False
        draft.write(paper.text)
        return True
    finally:
        paper.discard()

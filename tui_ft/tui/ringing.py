"""Ringing in the app's own terminal: a bell, and a notification where the terminal shows such (OSC 9)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_ft.tui.text import plain

if TYPE_CHECKING:
    from textual.app import App

    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.app import TuiFtApp

_LONGEST = 120
_BELL = "\a"


def wants_bell(run: RunDirectory) -> bool:
    """True when the run's spec names a target of the kind bell. It reads files, and never raises."""
    from tui_ft import settings
    from tui_ft.errors import TuiFtError
    from tui_ft.runs.after.telling import names_to_tell

    names = names_to_tell(run)
    if not names:
        return False
    try:
        targets = settings.private().notify
    except TuiFtError:
        return False
    return any(name in targets and targets[name].kind == "bell" for name in names)


def ring(app: App[Any], text: str) -> None:
    """Ring once; `text` is shown where the terminal can. Nothing happens where there is no terminal."""
    driver = app._driver
    if driver is not None and not app.is_headless:
        driver.write(ringing(text, os.environ))
        driver.flush()


async def ring_for_end(
    app: TuiFtApp, run: RunDirectory, name: str, status: str, started_at: float | None
) -> None:
    """Ring for a run that was seen to end, once for each of its ends, where its spec asks for that."""
    key = (str(run.path), started_at)
    if key not in app.rung:
        app.rung.add(key)
        if await asyncio.to_thread(wants_bell, run):
            ring(app, f"{name} {status}")


def ringing(text: str, environ: Mapping[str, str]) -> str:
    """The bytes for it. tmux hands on to its terminal only what is wrapped for it; the bell it knows itself.

    A terminal that does not know OSC 9 swallows it; one number and a semicolon at its beginning would mean
    something else to some (OSC 9;4 is a progress bar), so a word stands there.
    """
    said = f"tui-ft: {plain(text)[:_LONGEST]}"
    shown = f"\x1b]9;{said}\a"
    if "TMUX" in environ:
        shown = f"\x1bPtmux;{shown.replace(chr(27), chr(27) * 2)}\x1b\\"
    elif environ.get("TERM", "").startswith("screen"):
        shown = ""  # GNU screen would print a part of it
    return shown + _BELL

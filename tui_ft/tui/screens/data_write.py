"""Writes the rows of a data set that can be trained on to a file of their own, and goes over to it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source
from tui_ft.user_paths import user_path

if TYPE_CHECKING:
    from tui_ft.data.writing import Written


async def write_usable(app: App[Any], desk: DataDesk) -> str:
    """Ask where to, write, and look at the new file in place of the old one; say what was done.

    "" when the user left it. Call it in a worker of `app`.
    """
    source = desk.source
    if source is None:
        return ""
    told = ""

    async def carry_out(answer: str) -> None:
        nonlocal told
        if not answer:
            raise TuiFtError("A name is needed for the new file.", "Give one that ends in .jsonl.")
        is_left = threading.Event()
        try:
            written = await asyncio.to_thread(_write, source, desk.data.train_on, answer, is_left)
        finally:
            is_left.set()  # who leaves it while it is written leaves no file
        desk.sets.put_in_place(desk.at, written.path)
        told = f"{written.rows:,} rows were written to {written.path}; {written.skipped:,} were left out."

    question = "Write the usable rows to a new file and learn from that one; the old one stays as it is"
    name = await asyncio.to_thread(suggestion, Path(source.key))
    await app.push_screen_wait(AskText(question, "File", name, carry_out))
    return told


def _write(source: Source, train_on: str, answer: str, is_left: threading.Event) -> Written:
    def go_on(*_: object) -> None:
        if is_left.is_set():
            raise TuiFtError("The writing was left.")

    from tui_ft.data.writing import write

    out = user_path(answer).absolute()
    if out.parent == settings.data_folder():
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return write(
        source.key,
        out,
        train_on=train_on,
        format=source.format,
        columns=source.columns,
        progress=go_on,
    )


def suggestion(path: Path) -> str:
    """A name that is not taken yet, in the folder of our own: nothing is put beside the user's files."""
    stem = path.name.split(".")[0] or "data"
    names = (f"{stem}-usable{number if number > 1 else ''}.jsonl" for number in range(1, 1000))
    folder = settings.data_folder()
    return str(next((folder / name for name in names if not (folder / name).exists()), folder))

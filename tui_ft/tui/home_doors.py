"""What lies behind the keys of the home screen that open something; every module is loaded when it is wanted.

All raise `TuiFtError` and run in a worker of the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui_ft.runs.directory import RunDirectory
    from tui_ft.spec.presets import Preset
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.actions import HomeActions
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.watch.found import FoundRun

Named = tuple["RunSpec", str, str]
"""A spec, what it is called, and its text."""


def run_directory(path: str) -> RunDirectory:
    """A run of ours by the absolute path of its line."""
    from tui_ft.runs.directory import RunDirectory

    return RunDirectory(Path(path))


async def new_run(app: TuiFtApp, actions: HomeActions, preset: Preset | None) -> RunDirectory | None:
    """Go through the wizard; the run, or None when it was left."""
    room = await asyncio.to_thread(import_module, "tui_ft.tui.new_run")
    run: RunDirectory | None = await room.new_run(app, actions, preset)
    return run


async def open_screen(app: TuiFtApp, name: str, make: Callable[[Any], Screen[None]]) -> None:
    """Show the screen that `make` makes of the module of that name."""
    app.push_screen(make(await asyncio.to_thread(import_module, f"tui_ft.tui.screens.{name}")))


async def put_behind(
    app: TuiFtApp, actions: HomeActions, preset: Preset | None, run: RunDirectory | None
) -> str:
    """Put a preset, or the spec of a run, into the queue; what was done, "" when the user left it."""
    room = await asyncio.to_thread(import_module, "tui_ft.tui.queueing")
    said: str = await room.put_behind(app, actions, preset, run)
    return said


async def open_comparison(app: TuiFtApp, found: list[FoundRun]) -> None:
    """Lay runs over each other, ours and others'; their files are opened by the screen's own worker."""
    room = await asyncio.to_thread(import_module, "tui_ft.tui.screens.compare")
    opening = await asyncio.to_thread(import_module, "tui_ft.tui.found_source")
    app.push_screen(room.CompareScreen([opening.FoundSource(run, app.clock) for run in found]))


async def open_method(app: TuiFtApp, actions: HomeActions, read: Callable[[], Named]) -> None:
    """Compare the methods for the spec that `read` reads."""
    spec, name, text = await asyncio.to_thread(read)
    await asyncio.to_thread(import_module, "tui_ft.tui.screens.method")
    app.open_method(spec, name, text, actions)


async def save_preset(app: TuiFtApp, run: RunDirectory) -> str:
    """Save the settings of a run under a name that is asked for; the name, "" when the user left it."""
    from tui_ft.tui.screens.save_preset import save_as_preset

    spec, _, text = await asyncio.to_thread(spec_of, run)
    saved = await save_as_preset(app, spec, spec.notes.name or "", text)
    return saved.name if saved is not None else ""


def spec_of(run: RunDirectory) -> Named:
    """The spec of a run. Raises `SpecError`."""
    from tui_ft.spec import toml

    text = toml.read(run.spec)
    return toml.loads(text, str(run.spec)), run.id, text

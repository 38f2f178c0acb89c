"""The app with the Settings step on top: `python settings_app.py RUNS_ROOT`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from settings_world import a_draft, a_gpu

from tui_ft.hardware.gpu import GpuReader
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.settings import SettingsScreen


def app_at_settings(runs_root: Path) -> TuiFtApp:
    """The real app, which begins with the step: a GPU that is not there, a data set that was checked."""
    app = TuiFtApp(runs_root, read_gpus=GpuReader(a_gpu()).read)
    actions = LocalActions(runs_root, app.read_gpus, app.clock)
    app._home_screen = lambda: SettingsScreen(a_draft(), actions)  # type: ignore[method-assign]
    return app


app_at_settings(Path(sys.argv[1])).run()

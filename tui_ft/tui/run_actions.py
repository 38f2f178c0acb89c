"""What the run screen asks of the rooms below it; every call may block and is made off the event loop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.records import RequestName


class RunActions(Protocol):
    """The doors that the run screen knocks at. All raise `TuiFtError` with a sentence."""

    def request(self, run: RunDirectory, name: RequestName, *, now: bool = False) -> str:
        """Ask something of a run that lives; its status now."""
        ...

    def restart(self, run: RunDirectory) -> RunDirectory:
        """Launch a new run from the spec of this one."""
        ...

    def resume(self, run: RunDirectory) -> RunDirectory:
        """Go on with a run that ended, from its newest whole checkpoint."""
        ...


class LocalRunActions:
    """The real rooms, imported when they are first needed."""

    def __init__(self, runs_root: Path) -> None:
        self._runs_root = runs_root

    def request(self, run: RunDirectory, name: RequestName, *, now: bool = False) -> str:
        from tui_ft.runs import control
        from tui_ft.runs.requests import user_name

        return control.request(run, name, user_name(), now=now)

    def restart(self, run: RunDirectory) -> RunDirectory:
        from tui_ft.runs import launch

        return launch.restart(run, self._runs_root)

    def resume(self, run: RunDirectory) -> RunDirectory:
        from tui_ft.runs import launch

        return launch.resume(run)

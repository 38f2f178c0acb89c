"""The app: which screen is on top, and what every screen shares (runs root, GPU reader, clock)."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from tui_ft.tui.terminal import is_ascii_only
from tui_ft.tui.type_ahead import TypeAhead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.actions import HomeActions
    from tui_ft.watch.found import FoundRun


def read_gpus_now() -> GpuReading:
    """Read the GPUs through NVML; imported only when a screen asks, off the event loop."""
    from tui_ft.hardware.gpu import read_gpus

    return read_gpus()


class TuiFtApp(TypeAhead):
    """tui-ft in a terminal: a reader of files that can be closed at any moment.

    With `open_run` or `open_found` it begins on that run's screen and `q` leaves the app, with `tour` on
    the guided tour (the changes to its run's spec, as in `--set`); else it begins at home.
    `read_gpus` may block: screens call it by `asyncio.to_thread`. `clock` gives unix seconds.
    """

    TITLE = "tui-ft"
    DEFAULT_MODE = "main"
    CSS = "Screen { background: $background; }"  # a file of its own is read and parsed once more
    BINDINGS = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True, id="app.interrupt"),
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="app.suspend"),
        Binding("ctrl+l", "redraw", "Redraw", show=False, id="app.redraw"),
    ]

    def __init__(
        self,
        runs_root: Path,
        open_run: RunDirectory | None = None,
        *,
        open_found: FoundRun | None = None,
        tour: Sequence[str] | None = None,
        read_gpus: Callable[[], GpuReading] = read_gpus_now,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.runs_root = runs_root
        self.read_gpus = read_gpus
        self.clock = clock
        self.is_ascii = is_ascii_only(os.environ, getattr(sys.__stderr__, "encoding", None))
        self.found_here: dict[str, FoundRun] = {}
        """What searches found since the app began, by path: runs that were opened, and those beside them."""
        self.rung: set[tuple[str, float | None]] = set()
        """Runs whose end rang in this terminal, by path and start: each end rings once."""
        self._first_run = open_run
        self._first_found = open_found
        self._actions: HomeActions | None = None
        self._tour = tour
        # a mode, and not the default screen, because Textual loads no style sheet for the latter
        self.add_mode(self.DEFAULT_MODE, self._first_screen)
        if self.no_color or self._has_few_colors():
            self.theme = "ansi-dark"

    def _has_few_colors(self) -> bool:
        return self.console.color_system in (None, "standard", "windows")

    def _first_screen(self) -> Screen[Any]:
        """The screen that the app begins with. All style rules were parsed just now: not once more for it."""
        screen = self._make_first_screen()
        screen._css_update_count = self._css_update_count
        return screen

    def _make_first_screen(self) -> Screen[Any]:
        if self._tour is not None:
            from tui_ft.tui.screens.tour import TourScreen

            return TourScreen(self._tour)
        if self._first_run is not None:
            return self._run_screen(self._first_run)
        return self._found_screen(self._first_found) if self._first_found else self._home_screen()

    def on_first_frame(self) -> None:
        """Collect garbage again, which `run_app` put off; what is loaded by now stays for good."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    async def _shutdown(self) -> None:
        """Close for good. Workers end first: what they show on is gone soon, and they would complain."""
        self.workers.cancel_all()
        await super()._shutdown()

    def open_run(self, run: RunDirectory) -> None:
        """Show a run; `q` there comes back to the screen that is on top now."""
        self.push_screen(self._run_screen(run))

    def open_found(self, found: FoundRun) -> None:
        """Show a run that was found, ours or another's; `q` there comes back to the screen on top now.

        Nothing of it is read here: its files are opened by the screen's worker.
        """
        self.push_screen(self._found_screen(found))

    def replace_run(self, run: RunDirectory) -> None:
        """Show a run instead of the one that is on top."""
        self._show_instead(self._run_screen(run))

    def replace_found(self, found: FoundRun) -> None:
        """Show a run that was found instead of the one that is on top."""
        self._show_instead(self._found_screen(found))

    def _show_instead(self, screen: Screen[Any]) -> None:
        """Textual cannot replace the first screen of all."""
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def leave_run(self) -> None:
        """Go back from a run's screen: to the screen under it, or out of the app."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.exit()

    def open_method(self, spec: RunSpec, name: str, text: str, actions: HomeActions) -> None:
        """Compare the methods for a spec; `name` is the preset's or the run's, `text` the file's."""
        from tui_ft.tui.screens.method import MethodScreen

        self.push_screen(MethodScreen(spec, name, text, actions))

    def open_home(self) -> None:
        """Show the list of runs and presets, wherever one is."""
        from tui_ft.tui.screens.home import HomeScreen

        if any(isinstance(screen, HomeScreen) for screen in self.screen_stack):
            while not isinstance(self.screen, HomeScreen):
                self.pop_screen()
        else:
            self.push_screen(HomeScreen())

    def action_show_help_panel(self) -> None:
        """Show every key of this screen."""
        self.open_help()

    def open_help(self) -> None:
        """Show every key and what it does."""
        from tui_ft.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every key of this screen that can be used now, then the app's own commands."""
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.description and binding.tooltip and active.node is not self:
                yield SystemCommand(
                    f"{binding.description} ({self.get_key_display(binding)})",
                    binding.tooltip,
                    self._action_caller(binding.action, active.node),
                )
        yield SystemCommand("Help", "Every key and what it does", self.open_help)
        yield SystemCommand("Redraw (^l)", "Write the whole screen again", self.action_redraw)
        yield SystemCommand("Screenshot", "Save this screen as an SVG file", self.deliver_screenshot)
        yield SystemCommand("Quit", "Leave tui-ft; runs go on", self.exit)

    def _action_caller(self, action: str, node: Any) -> Callable[[], None]:
        def call() -> None:
            self.call_later(self.run_action, action, node)

        return call

    @staticmethod
    def _home_screen() -> Screen[Any]:
        from tui_ft.tui.screens.home import HomeScreen

        return HomeScreen()

    def _run_screen(self, run: RunDirectory) -> Screen[Any]:
        from tui_ft.tui.screens.run import RunScreen
        from tui_ft.watch.sources.tui_ft import TuiFtSource

        return RunScreen(TuiFtSource(run, clock=self.clock), run)

    @property
    def actions(self) -> HomeActions:
        """The rooms below, one for all screens: what one of them has read the next need not read again."""
        if self._actions is None:
            from tui_ft.tui.actions import LocalActions

            self._actions = LocalActions(self.runs_root, self.read_gpus, self.clock)
        return self._actions

    def _found_screen(self, found: FoundRun) -> Screen[Any]:
        self.found_here.update((str(one.path), one) for one in (found, *found.siblings))
        if found.is_ours:
            from tui_ft.runs.directory import RunDirectory

            return self._run_screen(RunDirectory(found.path))
        from tui_ft.tui.found_source import FoundSource
        from tui_ft.tui.screens.run import RunScreen

        return RunScreen(FoundSource(found, self.clock))

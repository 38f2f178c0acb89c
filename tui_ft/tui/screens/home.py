"""The home screen: the GPUs, the runs and the presets, and the keys that start, open and stop them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from tui_ft.tui import home_doors
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.home_choice import HomeChoice
from tui_ft.tui.home_corner import Corner
from tui_ft.tui.home_keys import HOME_KEYS
from tui_ft.tui.home_list import found_of
from tui_ft.tui.home_reading import NEWS_S
from tui_ft.tui.home_starting import KEPT
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.gpu_strip import GpuStrip
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.preset_list import PresetList
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.run_list import GroupLine, RunList, is_foreign

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.listing import RunSummary
    from tui_ft.spec.presets import Preset

Deed = Callable[[], Coroutine[None, None, None]]
NOTHING_QUEUED = "Nothing was put into the queue."


class HomeScreen(HomeChoice, inherit_bindings=False):
    """Everything at a glance; nothing here blocks, and it can be left at any moment."""

    DEFAULT_CSS = """
    HomeScreen {
        RunList { height: 1fr; min-height: 4; }
        PresetList { height: 1fr; }
        &.-short PresetList { height: 3; }
    }
    """
    AUTO_FOCUS = "RunList"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = HOME_KEYS

    def __init__(self, actions: HomeActions | None = None) -> None:
        super().__init__()
        self._given_actions = actions

    @property
    def actions(self) -> HomeActions:
        """The rooms below; the real ones unless others were given."""
        return self._given_actions or self.owner.actions

    def compose(self) -> ComposeResult:
        yield GpuStrip()
        yield Corner()
        yield FilterLine()
        yield RunList()
        yield PresetList()
        yield Notice()
        yield KeyBar(shows=self.has_room)

    # --- keys ----------------------------------------------------------------------------------------

    def action_other_list(self) -> None:
        self.notice.say("")
        (self.presets if self.runs.has_focus else self.runs).focus()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_quit(self) -> None:
        self.app.exit()

    @on(RowList.Clicked)
    def action_open(self) -> None:
        if self._is_starting:  # typed ahead, for the screen that is about to come
            return
        group = self.runs.chosen if self.runs.has_focus else None
        if isinstance(group, GroupLine):
            self.runs.fold(group.title)
        elif self._run:
            self._open_run(self._run)
        elif self._preset:
            self._begin(self._flow.preset(self._preset), self._preset.name)
        else:
            self.notice.complain("There is no run to open yet. Press t for the tour, or n for a new run.")

    def _open_run(self, run: RunSummary) -> None:
        if not is_foreign(run):
            self.owner.open_run(home_doors.run_directory(run.path))
        elif found := found_of(run):
            self.owner.open_found(found)
        else:
            self.notice.complain(f"{plain(run.id)} writes nothing yet that is known here.")

    def action_new(self) -> None:
        self._begin(home_doors.new_run(self.owner, self.actions, self._preset), "The new run", KEPT)

    def action_tour(self) -> None:
        self._open_screen("tour", lambda room: room.TourScreen())

    def action_presets(self) -> None:
        self._open_screen("presets", lambda room: room.PresetsScreen(self.actions))

    def action_queue(self) -> None:
        self._open_screen("queue", lambda room: room.QueueScreen(self.actions))

    def action_doctor(self) -> None:
        self._open_screen("doctor", lambda room: room.DoctorScreen())

    def action_behind(self) -> None:
        preset = self._preset
        run = None if preset is not None else self._chosen_run("queue")
        if preset is not None or run is not None:
            self._do(lambda: self._put_behind(preset, run))

    async def _put_behind(self, preset: Preset | None, run: RunDirectory | None) -> None:
        said = await home_doors.put_behind(self.owner, self.actions, preset, run)
        self.notice.say(said or NOTHING_QUEUED, for_s=NEWS_S)
        self.read_runs_now()
        self.read_corner_now()

    def _open_screen(self, name: str, make: Callable[[Any], Screen[None]]) -> None:
        self._do(lambda: home_doors.open_screen(self.owner, name, make))

    def action_save_preset(self) -> None:
        run = self._chosen_run("save")
        if run:
            self._do(lambda: self._save_preset(run))

    async def _save_preset(self, run: RunDirectory) -> None:
        name = await home_doors.save_preset(self.owner, run)
        if name:
            self.notice.say(f"Saved as the preset {plain(name)}.")

    @work(group="open", exclusive=True)
    async def _do(self, deed: Deed) -> None:
        """Carry out what a key asks for; of two that come at once the later one counts."""
        await self._told(deed)

    async def _told(self, deed: Deed) -> None:
        try:
            await deed()
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))

    def action_start_key(self, key: str) -> None:
        if not self.presets.loaded:
            self.start_when_read(key)  # typed faster than the presets were read
            return
        for preset in self.presets.rows:
            if preset.key == key:
                self._begin(self._flow.preset(preset), preset.name)
                return
        self.notice.complain(f"No preset has the key {key}.")

    def action_method(self) -> None:
        preset = self._preset
        if preset is None and self._run is None:
            preset = next(iter(self.presets.rows), None)
        if preset is not None:
            self._open_method(lambda: (preset.spec, preset.name, preset.text))
        elif run := self._chosen_run("measure"):
            self._open_method(lambda: home_doors.spec_of(run))

    def _open_method(self, read: Callable[[], home_doors.Named]) -> None:
        self._do(lambda: home_doors.open_method(self.owner, self.actions, read))

    def action_compare(self) -> None:
        found = self.compared_runs()
        if len(found) < 2:
            self.notice.complain("Two runs at least are compared: mark them with Space, then press c.")
        else:
            self._do(lambda: home_doors.open_comparison(self.owner, found))

    def action_restart(self) -> None:
        run = self._chosen_run("restart")
        if run:
            self._begin(self._flow.restart(run), run.id)

    def action_edit(self) -> None:
        preset = self._preset
        if preset:
            edit = self._flow.edit(preset.path, preset.name, in_place=preset.source == "user")
            self._begin(edit, preset.name)
        elif run := self._chosen_run("edit"):
            self._begin(self._flow.edit(run.spec, run.id, in_place=False), run.id)

    def action_stop(self) -> None:
        run = self._chosen_run("stop")
        if run:
            self._stop(run)

    @work(group="stop")
    async def _stop(self, run: RunDirectory) -> None:
        await self._told(lambda: self._stop_run(run))

    async def _stop_run(self, run: RunDirectory) -> None:
        """Ask the run to save and stop, and show what came of it."""
        status = await asyncio.to_thread(self.actions.stop, run)
        self.notice.say(f"{plain(run.id)} is {status}: it saves a checkpoint before it ends.")

"""The part of the home screen that knows which row is meant: what is said of it, and which keys it wants."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import events, on
from textual.binding import Binding

from tui_ft.tui import home_doors
from tui_ft.tui.home_keys import has_room
from tui_ft.tui.home_reading import LIVE
from tui_ft.tui.home_starting import HomeStarting
from tui_ft.tui.home_words import detail_of
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.run_list import is_foreign

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.listing import RunSummary
    from tui_ft.spec.presets import Preset


class HomeChoice(HomeStarting, inherit_bindings=False):
    """The line under the lists tells of the chosen row, or what a key did until the next one."""

    def __init__(self) -> None:
        super().__init__()
        self._cursor_at = ""
        self._kind_before = ""

    def on_key(self, event: events.Key) -> None:
        """What the last key did or could not do has been read."""
        self.notice.say("")

    def has_room(self, binding: Binding) -> bool:
        """Whether the last line shows a key: at 80 columns not all of them fit."""
        return has_room(
            binding.action,
            self.size.width,
            has_runs=bool(self.runs.runs),
            in_presets=self.presets.has_focus,
            is_foreign=self._kind == "foreign",
            is_live=self._kind == "live",
        )

    @property
    def _kind(self) -> str:
        """What decides which keys make sense for the chosen run: another's, a live one, or neither."""
        if self._run is None:
            return ""
        return "foreign" if is_foreign(self._run) else "live" if self._run.status in LIVE else "over"

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        # news ends when the cursor goes on, or its run does; an error stays until the next key, and so does
        # news of a run that is gone from under the cursor
        before, self._cursor_at = (
            self._cursor_at,
            self.runs.key_of(self.runs.chosen) if self.runs.rows else "",
        )
        is_in_use = self.runs.has_focus or event.row_list is not self.runs
        is_read = time.monotonic() >= self.notice.stays_until
        if event.is_move or (
            is_in_use and is_read and not self.notice.is_error and before == self._cursor_at
        ):
            self.notice.say("")
        self.show_detail()
        if self._kind != self._kind_before:  # other keys make sense
            self._kind_before = self._kind
            self.refresh_bindings()

    def show_detail(self) -> None:
        self.notice.show_detail(self._detail())

    def on_descendant_focus(self) -> None:
        self.show_detail()

    def _detail(self) -> str:
        if self.presets.has_focus:
            preset = self.presets.chosen
            return preset.summary if preset else ""
        run = self.runs.chosen_run
        return detail_of(run) if run is not None else ""

    @property
    def _run(self) -> RunSummary | None:
        return self.runs.chosen_run if self.runs.has_focus else None

    @property
    def _preset(self) -> Preset | None:
        return self.presets.chosen if self.presets.has_focus else None

    def _chosen_run(self, verb: str) -> RunDirectory | None:
        """The run that a key means; where there is none, say so."""
        if self._run is None:
            what = "Choose a run first: press Tab for the runs." if self.runs.runs else "There is none yet."
            self.notice.complain(f"No run is chosen to {verb}. {what}")
            return None
        if is_foreign(self._run):
            self.notice.complain(
                f"{plain(self._run.name)} was not started by tui-ft: it can only be watched."
            )
            return None
        return home_doors.run_directory(self._run.path)

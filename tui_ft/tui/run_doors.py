"""What opens over the run screen: the table, other runs at the same place, a comparison, the export."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import work

from tui_ft.tui.actions import sentence
from tui_ft.tui.found_source import FoundSource
from tui_ft.tui.home_doors import open_screen
from tui_ft.tui.panel_keys import PanelActions
from tui_ft.tui.shared_source import SharedSource
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.screens.series_table import SeriesTable
    from tui_ft.watch.found import FoundRun


class RunDoors(PanelActions):
    """A screen on one run. While `front` is there it is shown what the run has become, in place of this."""

    source: SharedSource
    run: RunDirectory | None
    front: SeriesTable | None = None

    if TYPE_CHECKING:

        @property
        def owner(self) -> TuiFtApp: ...

        @property
        def reading(self) -> Reading: ...

        def say(self, text: str, kind: Kind = "good") -> None: ...

        def look_again(self) -> None: ...

        def leave_log(self) -> None: ...

    def action_table(self) -> None:
        from tui_ft.tui.screens.series_table import SeriesTable

        self.front = SeriesTable(self.reading, self.owner.clock)
        self.app.push_screen(self.front, self._leave_table)

    def _leave_table(self, name: str | None) -> None:
        self.front = None
        if name is not None:
            self.leave_log()
            if not self.grid.reveal(name):
                self.say(f"{plain(name)} has no panel.", "warn")
        self.look_again()

    @work(group="act", exclusive=True)
    async def action_others(self) -> None:
        from tui_ft.tui.screens.other_runs import OtherRuns
        from tui_ft.watch.finding import found_other

        other = await self.app.push_screen_wait(OtherRuns(self.reading.others, self.owner.clock))
        if other is None:
            return
        try:
            found = await asyncio.to_thread(found_other, other, within=self._found())
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
        else:
            self.owner.replace_found(found)

    def _found(self) -> FoundRun | None:
        """What the search found that led here; None for a run of ours that was opened by its id."""
        opened = self.source.source
        return opened.found if isinstance(opened, FoundSource) else None

    @work(group="act", exclusive=True)
    async def action_money(self) -> None:
        await self._open("money", lambda room: room.MoneyScreen(self.source, self.run))

    @work(group="act", exclusive=True)
    async def action_health(self) -> None:
        await self._open("health", lambda room: room.HealthScreen(self.source, self.run))

    async def _open(self, name: str, make: Callable[[Any], Screen[None]]) -> None:
        """Show the screen that `make` makes of the module of that name; what goes wrong is said here."""
        try:
            await open_screen(self.owner, name, make)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")

    @work(group="act", exclusive=True)
    async def action_compare(self) -> None:
        from tui_ft.tui.screens.compare import CompareScreen
        from tui_ft.tui.screens.pick_run import pick_run

        other = await pick_run(self.owner, {self.reading.path})
        if other is not None:
            self.app.push_screen(CompareScreen([self.source, other]))

    @work(group="act", exclusive=True)
    async def action_export(self) -> None:
        from tui_ft.tui.export import Export, ask_and_export

        reading = self.reading
        about = (reading.model, reading.method, reading.status)
        export = Export(
            title=reading.title, subtitle=" · ".join(filter(None, about)), x_name=self.grid.x_in_use,
            charts=self.grid.picture(), readings=lambda: [self.reading],
        )  # fmt: skip
        try:
            said = await ask_and_export(self.app, export)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
        else:
            self.say(said)

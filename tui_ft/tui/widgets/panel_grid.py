"""PanelGrid: all charts of a run in one widget, laid out for the room there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.line_store import PICTURE_S
from tui_ft.tui.panel_charts import ChartMaker, Scene, no_values
from tui_ft.tui.panel_moves import PanelMoves
from tui_ft.tui.widgets.chart import KINDS, Cell, Chart
from tui_ft.tui.widgets.grid_layout import grid_places
from tui_ft.tui.widgets.plot import Plot
from tui_ft.tui.widgets.plot_strip import strip_of
from tui_ft.watch.axes import X
from tui_ft.watch.marks import EventMark, MarkKeeper
from tui_ft.watch.panel_keeper import PanelKeeper
from tui_ft.watch.panels import Panel, panel_key
from tui_ft.watch.reading import Reading
from tui_ft.watch.ruler import Ruler
from tui_ft.watch.view import View

BEHIND_S = 0.05
"""After this a line that was not yet smoothed to its end is smoothed further."""


class PanelGrid(PanelMoves, Widget):
    """Shows the panels that the view asks for; one widget, so that opening it costs no more than one.

    `show` takes a reading, `show_panels` panels of any runs; nothing is read at any other time, except to
    draw again for another size or view. The keys that change the view are `tui.panel_keys`.
    """

    DEFAULT_CSS = """
    PanelGrid {
        height: 1fr;
        width: 1fr;
        & > .panel-grid--title { text-style: bold; }
        & > .panel-grid--chosen { text-style: bold; color: $text-accent; }
        & > .panel-grid--axis { color: $text-muted; }
        & > .panel-grid--line { color: $text-primary; }
        & > .panel-grid--dim { color: $text-disabled; }
        & > .panel-grid--point { color: $text-warning; text-style: bold; }
        & > .panel-grid--gap { color: $text-error; text-style: bold; }
        & > .panel-grid--level { color: $text-success; }
        & > .panel-grid--cursor { color: $text-accent; text-style: bold; }
        & > .panel-grid--mark { color: $text-muted; }
        & > .panel-grid--alert { color: $text-warning; text-style: bold; }
        & > .panel-grid--look0 { color: ansi_bright_blue; }
        & > .panel-grid--look1 { color: ansi_bright_red; }
        & > .panel-grid--look2 { color: ansi_bright_green; }
        & > .panel-grid--look3 { color: ansi_bright_magenta; }
        & > .panel-grid--look4 { color: ansi_bright_cyan; }
        & > .panel-grid--look5 { color: ansi_bright_yellow; }
        & > .panel-grid--look6 { color: $foreground; }
        & > .panel-grid--look7 { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"panel-grid--{kind}" for kind in KINDS}

    @dataclass
    class Said(Message):
        """A key could not do what it is for, or did it unseen: a sentence for the user."""

        text: str

    @dataclass
    class Changed(Message):
        """The view is another one."""

        view: View

    def __init__(self, *, view: View | None = None, id: str | None = None) -> None:
        """Without `view` it is what the user last chose, and what is chosen here is kept for next time."""
        super().__init__(id=id)
        self._given = view
        self._view: View | None = view
        self._panels: list[Panel] = []
        self._readings: tuple[Reading, ...] = ()
        self._rulers: list[Ruler] = []
        self._panel_keeper = PanelKeeper()
        self._mark_keeper = MarkKeeper()
        self._marks: tuple[EventMark, ...] = ()
        self.maker = ChartMaker()
        self._plots: dict[str, Plot] = {}
        self._placed: list[tuple[str, Region]] = []
        self._is_owed = False
        self._axis: X | None = None

    # --- what is shown ---------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """How the panels are looked at."""
        if self._view is None:
            from tui_ft.tui import view_store

            self._view = view_store.load()
        return self._view

    @view.setter
    def view(self, view: View) -> None:
        before = self.view
        if view == before:
            return
        self._view = view
        self._axis = self.x_in_use
        self.draw()
        self.post_message(self.Changed(view))
        if self._given is None:
            from tui_ft.tui import view_store

            if view_store.kept_of(view) != view_store.kept_of(before):
                self.remember()

    @property
    def panels(self) -> list[Panel]:
        """All panels there are, in the user's order."""
        return self.view.ordered(self._panels)

    def show(self, reading: Reading) -> None:
        """Draw what is new of a run."""
        self._marks = self._mark_keeper.of(reading)
        self.show_panels(self._panel_keeper.of(reading), (reading,))

    def show_panels(self, panels: Sequence[Panel], readings: Sequence[Reading] = ()) -> None:
        """Draw panels of any runs; `readings` are the runs, of which the axes are known."""
        self._panels, self._readings = list(panels), tuple(readings)
        if len(self._rulers) != len(readings):
            self._rulers = [Ruler(reading) for reading in readings]
        for ruler, reading in zip(self._rulers, readings, strict=True):
            ruler.take(reading)
        self._follow_axis()
        self.draw()

    def _follow_axis(self) -> None:
        """Drop what is a place on an axis that is no longer drawn: on another one it means nothing."""
        before, self._axis = self._axis, self.x_in_use
        if before not in (None, self._axis) and (self.view.cursor is not None or self.view.zoom is not None):
            self._view = replace(self.view, cursor=None, zoom=None)
            self.post_message(self.Changed(self._view))

    @property
    def x_in_use(self) -> X:
        """The x axis that is drawn: the wanted one where a run knows it."""
        return self.known_x(self.view.x)

    def reveal(self, series_name: str) -> bool:
        """Show the panel of a series and choose it; False when there is none."""
        key = panel_key(self._panels, series_name)
        if key is None:
            return False
        view = self.view
        self.view = replace(view, shown=view.shown | {key}, hidden=view.hidden - {key}, chosen=key)
        return True

    def chart(self, key: str) -> Plot:
        """The chart of a panel as it is drawn; an empty one while it is not seen."""
        return self._plots.get(key) or Plot()

    @property
    def seen(self) -> list[str]:
        """The keys of the panels that are drawn."""
        return [key for key, _ in self._placed]

    # --- drawing ---------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        self.draw()

    def visible_panels(self) -> list[Panel]:
        """The panels to be seen, whether there is room for all of them or not."""
        return self.view.visible(self._panels)

    def picture(self) -> Callable[[], list[Chart]]:
        """What makes the charts of all panels to be seen, those too for which there is no room.

        It is for a thread: long lines are smoothed to their ends, which takes a while.
        """
        return partial(_charts, tuple(self.visible_panels()), self.scene())

    def chosen_panel(self) -> Panel | None:
        """The panel that keys are about: the chosen one, else the first."""
        panels = self.visible_panels()
        return next(
            (panel for panel in panels if panel.key == self.view.chosen), panels[0] if panels else None
        )

    def scene(self) -> Scene:
        """What the charts share now."""
        ruler = self._rulers[0] if len(self._rulers) == 1 else None
        scene = Scene(
            view=self.view, x=self.x_in_use, extent=None, readings=self._readings, ruler=ruler,
            marks=self._marks if ruler is not None else (), is_plain=self._is_plain(),
            is_ascii=self._is_ascii(),
        )  # fmt: skip
        extent = self.maker.extent(self.visible_panels(), scene.x) or self.maker.extent(self._panels, scene.x)
        return replace(scene, extent=extent)

    def pacing_panel(self) -> Panel | None:
        """The panel by whose points a cursor goes: the chosen one, else the first along the run's axis."""
        panels = [self.chosen_panel(), *self.visible_panels(), *self._panels]
        return next((one for one in panels if one is not None and one.axis == "run" and one.has_values), None)

    def known_x(self, x: X) -> X:
        """`x`, or steps where no run knows it."""
        return x if any(ruler.knows(x) for ruler in self._rulers) else "step"

    def runs_without(self, x: X) -> int:
        """How many of the runs have no such axis: their lines are not drawn along it."""
        return sum(not ruler.knows(x) for ruler in self._rulers)

    def _is_plain(self) -> bool:
        """Whether a dim line looks like any other: without colours, or with sixteen."""
        return self.app.no_color or self._is_ascii() or self.app.theme.startswith("ansi")

    def _is_ascii(self) -> bool:
        return bool(getattr(self.app, "is_ascii", False))

    def draw(self) -> None:
        """Draw all charts; only what changed is painted."""
        if not self.is_attached or self.size.area == 0:
            return
        self.maker.store.begin()
        scene, visible = self.scene(), self.visible_panels()
        placed = self._place(visible)
        is_same = [(panel.key, region) for panel, region in placed] == self._placed
        if not is_same:
            self._placed = [(panel.key, region) for panel, region in placed]
            self._plots = {key: self._plots.get(key) or Plot() for key in self.seen}
            self.refresh()
        hidden = len(visible) - len(placed)
        for place, (panel, region) in enumerate(placed):
            chart = self.maker.chart(
                panel, scene, is_first=place == 0, note=self.note(scene, hidden) if place == 0 else "",
                is_chosen=len(visible) > 1 and panel.key == scene.view.chosen,
            )  # fmt: skip
            self._paint(self._plots[panel.key], chart, region, is_same=is_same)
        self.maker.store.end()
        if self.maker.store.is_behind and not self._is_owed:
            self._is_owed = True
            self.set_timer(BEHIND_S, self._catch_up)

    def _catch_up(self) -> None:
        self._is_owed = False
        self.draw()

    def _paint(self, plot: Plot, chart: Chart, region: Region, *, is_same: bool) -> None:
        for changed in plot.draw(chart, region.width, region.height):
            if is_same:
                self.refresh(changed.translate(region.offset))

    def _place(self, visible: list[Panel]) -> list[tuple[Panel, Region]]:
        """The panels that there is room for, with their places; the chosen one is always among them."""
        chosen = self.chosen_panel()
        if chosen is None:
            return []
        if self.view.is_maximised:
            return [(chosen, self.size.region)]
        places = grid_places(len(visible), self.size.width, self.size.height)
        start = visible.index(chosen) // len(places) * len(places)
        start = min(start, len(visible) - len(places))
        return list(zip(visible[start:], places, strict=False))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._placed and y == self.size.height // 2:
            words = _cells(no_values(self._readings).center(width))
            return strip_of([(0, words)], width, self._look, self.rich_style)
        pieces = [
            (region.x, self._plots[key].rows[y - region.y])
            for key, region in self._placed
            if 0 <= y - region.y < len(self._plots[key].rows)
        ]
        return strip_of(pieces, width, self._look, self.rich_style)

    def _look(self, kind: str) -> Style:
        return self.get_component_rich_style(f"panel-grid--{kind}")


def _charts(panels: Sequence[Panel], scene: Scene) -> list[Chart]:
    maker = ChartMaker()  # its own lines: those of the screen grow meanwhile
    maker.store.begin(PICTURE_S)
    return [
        maker.chart(panel, scene, is_first=place == 0, is_chosen=False) for place, panel in enumerate(panels)
    ]


def _cells(text: str) -> list[Cell]:
    return [(character, "axis") for character in text]

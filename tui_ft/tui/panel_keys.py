"""The keys of the charts, for every screen that has a `PanelGrid`."""

from __future__ import annotations

from textual import work
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.widgets.panel_grid import PanelGrid

PANEL_KEYS: list[BindingType] = [
    Binding("plus,equals_sign", "zoom(0.5)", "Zoom", id="charts.in", key_display="+-", show=False,
            tooltip="Charts: look at half of the stretch, around the cursor or the newest point"),
    Binding("minus", "zoom(2.0)", "Zoom out", id="charts.out", show=False,
            tooltip="Charts: look at twice the stretch"),
    Binding("0", "zoom_whole", "Whole", id="charts.whole", show=False,
            tooltip="Charts: look at the whole run again"),
    Binding("left", "sideways(-1)", "Left", id="charts.left", show=False,
            tooltip="Charts: move the cursor, or the stretch, to the left"),
    Binding("right", "sideways(1)", "Right", id="charts.right", show=False,
            tooltip="Charts: move the cursor, or the stretch, to the right"),
    Binding("shift+left", "sideways(-1, True)", "Far left", id="charts.far_left", show=False,
            key_display="Shift+←",
            tooltip="Charts: move the cursor by ten columns to the left, or the stretch by its length"),
    Binding("shift+right", "sideways(1, True)", "Far right", id="charts.far_right", show=False,
            key_display="Shift+→",
            tooltip="Charts: move the cursor by ten columns to the right, or the stretch by its length"),
    Binding("c", "cursor", "Cursor", id="charts.cursor", show=False,
            tooltip="Charts: a cursor that shows the exact values of all panels, and back"),
    Binding("x", "next_axis", "X axis", id="charts.axis", show=False,
            tooltip="Charts: along steps, time, or tokens"),
    Binding("y", "toggle_log", "Log y", id="charts.log", show=False,
            tooltip="Charts: a logarithmic y axis, and back"),
    Binding("a", "next_smoothing", "Smooth", id="charts.smooth", show=False,
            tooltip="Charts: draw the lines smoothed by 0.6, 0.9, 0.97, and not at all"),
    Binding("left_square_bracket", "choose_panel(-1)", "Panel before", id="charts.before", show=False,
            tooltip="Charts: choose the panel before"),
    Binding("right_square_bracket", "choose_panel(1)", "Next panel", id="charts.next", show=False,
            tooltip="Charts: choose the next panel"),
    Binding("m", "maximise_panel", "Maximise", id="charts.maximise",
            tooltip="Charts: give the chosen panel all the room, and back"),
    Binding("v", "panels", "Panels", id="charts.panels",
            tooltip="Charts: which panels are shown, and in which order. Marks under them: · evaluation, "
                    "◆ checkpoint, ! warning, ▲ restart; × no number"),
]  # fmt: skip

PANEL_ACTIONS = frozenset(
    binding.action.partition("(")[0] for binding in PANEL_KEYS if isinstance(binding, Binding)
)
"""What works on the charts, and on nothing while something else has their room."""


class PanelActions(Screen[None]):
    """What `PANEL_KEYS` call; a screen that has a `PanelGrid` inherits it and lists those keys."""

    @property
    def grid(self) -> PanelGrid:
        """The charts."""
        return self.query_one(PanelGrid)

    def action_zoom(self, factor: float) -> None:
        self.grid.zoom(factor)

    def action_zoom_whole(self) -> None:
        self.grid.whole()

    def action_sideways(self, direction: int, far: bool = False) -> None:
        self.grid.sideways(direction, far=far)

    def action_cursor(self) -> None:
        self.grid.toggle_cursor()

    def action_next_axis(self) -> None:
        self.grid.next_axis()

    def action_toggle_log(self) -> None:
        self.grid.toggle_log()

    def action_next_smoothing(self) -> None:
        self.grid.next_smoothing()

    def action_choose_panel(self, by: int) -> None:
        self.grid.choose(by)

    def action_maximise_panel(self) -> None:
        self.grid.maximise()

    @work(group="panels", exclusive=True)
    async def action_panels(self) -> None:
        from tui_ft.tui.screens.panels import PanelsScreen

        view = await self.app.push_screen_wait(PanelsScreen(self.grid.panels, self.grid.view))
        if view is not None:
            self.grid.view = view

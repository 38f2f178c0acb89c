"""What the keys of the charts do to the view: stretch, cursor, axes, and which panel."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from textual.widget import Widget

from tui_ft.errors import TuiFtError
from tui_ft.tui.panel_titles import nearest, place_label
from tui_ft.watch.axes import X
from tui_ft.watch.view import SMOOTHINGS

if TYPE_CHECKING:
    from tui_ft.tui.panel_charts import Scene
    from tui_ft.tui.widgets.panel_grid import PanelGrid

_KEEPING = threading.Lock()
"""One choice is written after the other."""

FAR = 10
"""Cells by which the cursor goes with shift."""


class PanelMoves(Widget):
    """The part of `PanelGrid` that keys call."""

    if TYPE_CHECKING:

        @property
        def _grid(self) -> PanelGrid: ...

    else:

        @property
        def _grid(self):
            return self

    def zoom(self, factor: float) -> None:
        """Look at a stretch `factor` as long."""
        grid, extent = self._grid, self._grid.scene().extent
        if extent is not None and extent[1] > extent[0]:
            grid.view = grid.view.zoomed(factor, *extent)

    def whole(self) -> None:
        """Look at the whole run."""
        self._grid.view = replace(self._grid.view, zoom=None)

    def sideways(self, direction: int, *, far: bool = False) -> None:
        """Move the cursor where there is one, else the stretch that was zoomed to."""
        grid, scene = self._grid, self._grid.scene()
        if scene.extent is None:
            return
        if grid.view.cursor is not None:
            self._move_cursor(scene, direction * (FAR if far else 1))
        elif grid.view.zoom is not None:
            grid.view = grid.view.panned(direction, *scene.extent, far=far)
        else:
            grid.say("+ zooms in, c shows a cursor: then ← and → move.")

    def toggle_cursor(self) -> None:
        """Show the cursor at the newest point in sight, or hide it."""
        grid, scene = self._grid, self._grid.scene()
        if grid.view.cursor is not None:
            grid.view = replace(grid.view, cursor=None)
        elif scene.extent is not None:
            zoom = grid.view.zoom
            last = min(scene.extent[1], zoom.window(scene.extent[1])[1]) if zoom else scene.extent[1]
            grid.view = replace(grid.view, cursor=self._snapped(last))

    def _move_cursor(self, scene: Scene, cells: int) -> None:
        grid, view = self._grid, self._grid.view
        if view.cursor is None or scene.extent is None:
            return
        at = self._next_point(view.cursor, cells, scene)
        grid.view = view.reaching(at, *scene.extent)

    def _snapped(self, x: float) -> float:
        """The place of the point nearest to `x` on the first line of the pacing panel, else `x` itself."""
        grid = self._grid
        series = grid.maker.first_line(grid.pacing_panel(), grid.known_x(grid.view.x))
        point = nearest(series, x) if series is not None else None
        return point[0] if point is not None else x

    def _next_point(self, x: float, cells: int, scene: Scene) -> float:
        """The place of a point so many cells away from `x`; another one at least, while there is one."""
        grid = self._grid
        series = grid.maker.first_line(grid.pacing_panel(), scene.x)
        if series is None or not len(series) or not cells or scene.extent is None:
            return x
        chart = grid.chart(grid.seen[0])
        width = chart.frame.width if chart.frame is not None else grid.size.width
        low, high = scene.view.zoom.window(scene.extent[1]) if scene.view.zoom else scene.extent
        target = x + cells * (high - low) / max(width, 1)
        at = series.index(x)
        if cells > 0:
            beyond = at + 1 if at < len(series) and series.steps[at] == x else at
            place = max(series.index(target), beyond)
        else:
            place = min(series.index(target), at - 1)
        return series.steps[min(max(place, 0), len(series) - 1)]

    def next_axis(self) -> None:
        """Go on to the next x axis that a run knows."""
        grid = self._grid
        axes: tuple[X, ...] = get_args(X)
        now = grid.known_x(grid.view.x)
        known = [x for x in axes if grid.known_x(x) == x]
        if len(known) < 2:
            grid.say("Only steps are known of this run: its log has neither times nor tokens.")
            return
        grid.view = grid.view.over(known[(known.index(now) + 1) % len(known)])

    def toggle_log(self) -> None:
        """Go from a linear to a logarithmic y axis, and back."""
        self._grid.view = replace(self._grid.view, log_y=not self._grid.view.log_y)

    def next_smoothing(self) -> None:
        """Smooth more; after the most not at all."""
        view = self._grid.view
        place = SMOOTHINGS.index(view.smoothing) if view.smoothing in SMOOTHINGS else 0
        self._grid.view = replace(view, smoothing=SMOOTHINGS[(place + 1) % len(SMOOTHINGS)])

    def choose(self, by: int) -> None:
        """Choose the next panel, or the one before."""
        grid = self._grid
        panels, chosen = grid.visible_panels(), grid.chosen_panel()
        if chosen is None:
            return
        place = 0 if not grid.view.chosen else panels.index(chosen) + by
        grid.view = replace(grid.view, chosen=panels[place % len(panels)].key)

    def maximise(self) -> None:
        """Give the chosen panel all the room, or take it back."""
        grid, chosen = self._grid, self._grid.chosen_panel()
        if chosen is not None:
            view = replace(grid.view, chosen=chosen.key)
            grid.view = replace(view, is_maximised=not view.is_maximised)

    def escape(self) -> bool:
        """Undo what hides something: the cursor, then the maximised panel; False when nothing was."""
        grid, view = self._grid, self._grid.view
        if view.cursor is not None:
            grid.view = replace(view, cursor=None)
        elif view.is_maximised:
            grid.view = replace(view, is_maximised=False)
        else:
            return False
        return True

    def say(self, text: str) -> None:
        """Tell the screen a sentence for the user."""
        self.post_message(self._grid.Said(text))

    def remember(self) -> None:
        """Keep the view for the next time; of several choices the last one, however long a disk takes."""
        self.run_worker(self._keep, thread=True, exclusive=True, group="remember")

    def _keep(self) -> None:
        from tui_ft.tui import view_store

        try:
            with _KEEPING:
                view_store.save(self._grid.view)
        except TuiFtError as error:
            self.app.call_from_thread(self.say, f"This choice cannot be kept: {error}")

    def note(self, scene: Scene, hidden: int) -> str:
        """What is not as usual in what is shown, for the first chart."""
        view = scene.view
        zoom = view.zoom.window(scene.extent[1]) if view.zoom is not None and scene.extent else None
        strangers = self._grid.runs_without(scene.x)
        parts = [
            f"{strangers} of {len(scene.readings)} runs without {scene.x}" if strangers else "",
            "approximate" if any(reading.is_approximate for reading in scene.readings) else "",
            "by " + scene.x if scene.x != "step" else "",
            "log" if view.log_y else "",
            f"smoothed {view.smoothing:g}" if view.smoothing else "",
            f"from {place_label(zoom[0], scene.x)}" if zoom else "",
            f"+{hidden} more: ]" if hidden > 0 and not view.is_maximised else "",
        ]
        return " · ".join(part for part in parts if part)

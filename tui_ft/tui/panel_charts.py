"""From a panel and a view to the chart that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui_ft.runs.records import ENDED
from tui_ft.tui.line_store import LineStore
from tui_ft.tui.panel_titles import cursor_titles, memory_titles, panel_titles
from tui_ft.tui.widgets.chart import COUNT, TIME, Chart, Mark, Trace
from tui_ft.tui.widgets.plot_frame import GREATEST
from tui_ft.watch.axes import X
from tui_ft.watch.looks import LOOKS
from tui_ft.watch.marks import EventMark, MarkKind
from tui_ft.watch.panels import Line, Panel
from tui_ft.watch.reading import Reading
from tui_ft.watch.ruler import Ruler
from tui_ft.watch.series import Curve
from tui_ft.watch.view import View

MARKS: dict[MarkKind, tuple[str, str]] = {
    "evaluation": ("·", "mark"),
    "checkpoint": ("◆", "mark"),
    "warning": ("!", "alert"),
    "restart": ("▲", "alert"),
}
"""The character of a mark, and its look; they differ in ASCII, too: . o ! ^"""

_OVER = ENDED | {"lost"}

CROWDED = 3
"""From so many lines on, without colours from two, only the smoothed ones are drawn."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all charts of a grid share. `x` is the axis in use, `extent` where the points on it begin and end.

    With one run `ruler` translates between axes; several have none. `is_plain`: colours tell nothing apart.
    """

    view: View
    x: X
    extent: tuple[float, float] | None
    readings: tuple[Reading, ...]
    ruler: Ruler | None
    marks: tuple[EventMark, ...] = ()
    is_plain: bool = False
    is_ascii: bool = False


class ChartMaker:
    """Makes charts; keeps lines along other axes and smoothed ones from one drawing to the next."""

    def __init__(self) -> None:
        self.store = LineStore()
        self._placed: dict[tuple[X, bool, bool], tuple[tuple[EventMark, ...], tuple[Mark, ...]]] = {}

    def chart(self, panel: Panel, scene: Scene, *, is_first: bool, is_chosen: bool, note: str = "") -> Chart:
        """Return the chart of a panel."""
        view = scene.view
        lines = [
            (line, series) for line in panel.lines if (series := self._series(panel, line, scene)) is not None
        ]
        named = [(_marker(line, scene), _name(line, panel), series) for line, series in lines]
        cursor = self._here(panel, scene, view.cursor)
        axis_x: X = "time" if panel.axis == "hardware" else scene.x
        wordings = self._wordings(panel, scene)
        titles = (
            (
                *(f"{wordings[0]}{signs}" for signs in _signs(panel, scene)),
                *panel_titles(panel, wordings, named),
            )
            if cursor is None
            else cursor_titles(panel, wordings, named, cursor, axis_x, says_where=is_first)
        )
        totals = [reading.total_steps for reading in scene.readings if reading.total_steps]
        return Chart(
            titles=titles,
            traces=tuple(
                trace for line, series in lines for trace in self._traces(panel, line, series, scene)
            ),
            levels=panel.levels,
            marks=self._marks(panel, scene),
            axis=TIME if axis_x == "time" else COUNT,
            window=self._window(panel, scene),
            whole=float(max(totals)) if totals and axis_x == "step" else None,
            base=panel.base,
            ceiling=panel.ceiling,
            is_log=view.log_y and panel.axis == "run",
            cursor=cursor,
            is_chosen=is_chosen,
            note=note,
            empty=no_values(scene.readings) if not panel.has_values else f"not known by {scene.x}",
        )

    def extent(self, panels: Sequence[Panel], x: X) -> tuple[float, float] | None:
        """Where the points of these panels begin and end on the axis `x`; None without any."""
        lines = [line for panel in panels if panel.axis == "run" for line in panel.lines]
        found = [series for line in lines if (series := self.store.along(line, x)) is not None]
        found = [series for series in found if len(series)]
        if not found:
            return None
        first, last = min(one.steps[0] for one in found), max(one.steps[-1] for one in found)
        return (first, last) if -GREATEST < first <= last < GREATEST else None

    def first_line(self, panel: Panel | None, x: X) -> Curve | None:
        """The first line of a panel along the axis `x`, by which a cursor goes."""
        if panel is None or panel.axis == "hardware" or not panel.lines:
            return None
        return self.store.along(panel.lines[0], x)

    def _series(self, panel: Panel, line: Line, scene: Scene) -> Curve | None:
        return line.series if panel.axis == "hardware" else self.store.along(line, scene.x)

    def _traces(self, panel: Panel, line: Line, series: Curve, scene: Scene) -> list[Trace]:
        kind = "point" if line.is_points else "line"
        if line.look is not None:
            kind = f"look{line.look % len(LOOKS)}"
        marker = _marker(line, scene)
        weight = scene.view.smoothing
        if line.is_points:
            return [Trace(series=series, name=line.name, kind=kind, marker=marker, is_points=True)]
        if not weight or panel.axis == "hardware" or len(series) < 3:
            return [Trace(series=series, name=line.name, kind=kind, marker=marker)]
        smoothed = Trace(
            series=self.store.smoothed(series, weight), name=line.name, kind=kind, marker=marker,
            is_front=True, is_thick=scene.is_plain and line.look is None,
        )  # fmt: skip
        lines = sum(not other.is_points for other in panel.lines)
        is_crowded = lines >= CROWDED or (scene.is_plain and lines > 1)
        return [smoothed] if is_crowded else [Trace(series=series, name=line.name, kind="dim"), smoothed]

    @staticmethod
    def _wordings(panel: Panel, scene: Scene) -> Sequence[str]:
        wordings: Sequence[str] = panel.titles
        is_alone = len(scene.readings) == 1 and len(panel.lines) < 2
        if panel.key == "memory" and is_alone and scene.readings[0].memory is not None:
            wordings = memory_titles(scene.readings[0].memory)
        if any(reading.is_approximate for reading in scene.readings):
            wordings = [f"≈ {wording}" for wording in wordings]
        return [*(f"{wordings[0]}{words}" for words in _below_log(panel, scene)), *wordings]

    @staticmethod
    def _here(panel: Panel, scene: Scene, place: float | None) -> float | None:
        """A place on the axis of the view, on that of the panel."""
        if place is None or panel.axis == "run":
            return place
        return scene.ruler.on_hardware(place, scene.x) if scene.ruler is not None else None

    def _window(self, panel: Panel, scene: Scene) -> tuple[float, float] | None:
        if scene.view.zoom is None or scene.extent is None:
            return None
        ends = [self._here(panel, scene, end) for end in scene.view.zoom.window(scene.extent[1])]
        if ends[0] is None or ends[1] is None or not -GREATEST < ends[0] < ends[1] < GREATEST:
            return None
        return ends[0], ends[1]

    def _marks(self, panel: Panel, scene: Scene) -> tuple[Mark, ...]:
        """The marks on the axis of a panel; the same object while they are the same."""
        if scene.ruler is None:
            return ()
        key = (scene.x, panel.axis == "hardware", any(line.is_points for line in panel.lines))
        known = self._placed.get(key)
        if known is None or known[0] is not scene.marks:
            _, is_hardware, has_points = key
            placed = (
                self._place(mark, scene.ruler, scene.x, is_hardware)
                for mark in scene.marks
                if not (has_points and mark.kind == "evaluation")
            )
            known = self._placed[key] = (scene.marks, tuple(mark for mark in placed if mark is not None))
        return known[1]

    @staticmethod
    def _place(mark: EventMark, ruler: Ruler, x: X, is_hardware: bool) -> Mark | None:
        at = ruler.on_hardware(mark.step, "step") if is_hardware else ruler.from_step(mark.step, x)
        return None if at is None else Mark(x=at, character=MARKS[mark.kind][0], kind=MARKS[mark.kind][1])


def _below_log(panel: Panel, scene: Scene) -> tuple[str, ...]:
    """What becomes of values that have no place on a logarithmic axis; nothing where there are none."""
    if not scene.view.log_y or panel.axis != "run":
        return ()
    found = [extent for line in panel.lines if (extent := line.series.extent()) is not None]
    if not found or min(low for low, _ in found) > 0:
        return ()
    if max(high for _, high in found) <= 0:
        return " (nothing above 0: not log)", " (not log)"
    return " (log: 0 and below at the bottom)", " (≤ 0 at the bottom)"


def no_values(readings: Sequence[Reading]) -> str:
    """What stands where nothing is drawn: there is no yet for runs that are over."""
    is_over = bool(readings) and all(reading.status in _OVER for reading in readings)
    return "no values" if is_over else "no values yet"


def _marker(line: Line, scene: Scene) -> str:
    if line.look is None:
        return ("@" if scene.is_ascii else "●") if line.is_points else ""
    look = LOOKS[line.look % len(LOOKS)]
    return look.sign(is_evaluation=line.is_points, is_ascii=scene.is_ascii)


def _name(line: Line, panel: Panel) -> str:
    """The name in a legend: none where lines are called like their runs, which are named once elsewhere."""
    return "" if _is_compared(panel) else line.name


def _is_compared(panel: Panel) -> bool:
    return all(line.reading is not None and line.name == line.reading.title for line in panel.lines)


def _signs(panel: Panel, scene: Scene) -> tuple[str, ...]:
    """What tells the evaluations of compared runs from what they evaluate, the longest wording first."""
    if not (_is_compared(panel) and any(line.is_points for line in panel.lines)):
        return ()
    if scene.is_ascii:
        return "  capitals: training, small: evaluation", " (small: eval)"
    return "  filled: training, hollow: evaluation", " (hollow: eval)"

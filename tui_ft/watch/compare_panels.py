"""The panels of several runs laid over each other: one for each series, a line for each run that has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_ft.watch.panel_names import FROM_ZERO, group_of, place_of, titles_of
from tui_ft.watch.panels import DEFAULTS, Line, Panel
from tui_ft.watch.reading import Reading

EVALUATION = "eval_"


def compared_panels(readings: Sequence[Reading], looks: Mapping[str, int]) -> list[Panel]:
    """Return the panels of all series of the runs, the well-known first.

    `looks` gives each run, by its path, its place in `looks.LOOKS`. Evaluations stand as points in the panel
    of the series that they evaluate, in the look of their run.
    """
    names = dict.fromkeys(name for reading in readings for name in reading.series)
    own = [name for name in names if name.removeprefix(EVALUATION) not in names or not _is_evaluation(name)]
    panels = [_panel(name, readings, looks) for name in own]
    hardware = dict.fromkeys(name for reading in readings for name in reading.hardware_series)
    panels += [_hardware_panel(name, readings, looks) for name in hardware if name not in names]
    return sorted(panels, key=lambda panel: place_of(panel.key))


def _is_evaluation(name: str) -> bool:
    return name.startswith(EVALUATION)


def _panel(name: str, readings: Sequence[Reading], looks: Mapping[str, int]) -> Panel:
    lines = []
    for reading in readings:
        look = looks[reading.path]
        for series_name, is_points in ((name, False), (EVALUATION + name, True)):
            series = reading.series.get(series_name)
            if series is not None:
                lines.append(
                    Line(series=series, name=reading.title, reading=reading, look=look, is_points=is_points)
                )
    return Panel(
        key=name, titles=titles_of(name, name), group=group_of(name), lines=tuple(lines),
        base=0.0 if name in FROM_ZERO else None, is_default=name in DEFAULTS,
    )  # fmt: skip


def _hardware_panel(name: str, readings: Sequence[Reading], looks: Mapping[str, int]) -> Panel:
    lines = tuple(
        Line(
            series=reading.hardware_series[name],
            name=reading.title,
            reading=reading,
            look=looks[reading.path],
        )
        for reading in readings
        if name in reading.hardware_series
    )
    key = "memory" if name == "gpu_used_gib" else name
    return Panel(
        key=key, titles=titles_of(key, name), group="hardware", lines=lines, axis="hardware", base=0.0,
        is_default=key in DEFAULTS,
    )  # fmt: skip

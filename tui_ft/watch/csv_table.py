"""The data of runs as CSV: a row a step and run, a column a series; what goes by time alone has no step."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence

from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series

_FORMULA = ("=", "+", "-", "@")
"""A spreadsheet takes a cell that begins so for a formula: names of others' series are text."""


def csv_of(readings: Sequence[Reading]) -> Iterator[str]:
    """Yield the lines of the table, its heading first, in pieces of one row.

    Columns: run, step, time (unix seconds), then every series of any run. An empty cell is "not known";
    NaN and inf stand as such.
    """
    names = sorted({name for reading in readings for name in reading.series})
    hardware = sorted({name for reading in readings for name in reading.hardware_series} - set(names))
    yield _line(["run", "step", "time", *map(_text, names), *map(_text, hardware)])
    for reading in readings:
        title = _text(reading.title)
        for step, values in _by_x(reading.series):
            moment = _at(reading.times, step)
            yield _line(
                [title, _number(step), _number(moment), *_cells(values, names), *[""] * len(hardware)]
            )
        if reading.hardware_origin is not None:
            for second, values in _by_x(reading.hardware_series):
                moment = reading.hardware_origin + second
                yield _line([title, "", _number(moment), *[""] * len(names), *_cells(values, hardware)])


def _by_x(series: Mapping[str, Series]) -> Iterator[tuple[float, dict[str, float]]]:
    """All points of several series in the order of their x, those of one x together."""
    ends = {name: len(one) for name, one in series.items()}
    places = dict.fromkeys(series, 0)
    while waiting := [name for name, place in places.items() if place < ends[name]]:
        x = min(series[name].steps[places[name]] for name in waiting)
        found = {}
        for name in waiting:
            if series[name].steps[places[name]] == x:
                found[name] = series[name].values[places[name]]
                places[name] += 1
        yield x, found


def _at(times: Series, step: float) -> float | None:
    place = times.index(step)
    return times.values[place] if place < len(times) and times.steps[place] == step else None


def _cells(values: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [_number(values.get(name)) for name in names]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()

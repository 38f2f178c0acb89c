"""The data of runs as CSV: a row a step and run, a column a series; what goes by time alone has no step."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter

from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series

_FORMULA = ("=", "+", "-", "@")
"""A spreadsheet takes a cell that begins so, perhaps after blanks, for a formula: others' names are text."""

_TIME = ""
"""Among the columns of a reading: the times of its steps, which make no row by themselves."""
_AT_ONCE = 4096
_NONE = Series()

_Cells = tuple[float, Sequence[str], Sequence[str]]
"""Of some series that have the same steps: one step, the names, and a cell each."""


def csv_of(readings: Sequence[Reading]) -> Iterator[str]:
    """Yield the lines of the table, its heading first, in pieces of one row.

    Columns: run, step, time (unix seconds), then every series of any run. An empty cell is "not known";
    NaN and inf stand as such.
    """
    names = sorted({name for reading in readings for name in reading.series})
    hardware = sorted({name for reading in readings for name in reading.hardware_series} - set(names))
    yield _line(["run", "step", "time", *map(_text, names), *map(_text, hardware)])
    for reading in readings:
        title = _line([_text(reading.title)])[:-1]
        blanks = "," * len(hardware)
        for step, cells in _by_x({**reading.series, _TIME: reading.times}, [_TIME, *names]):
            yield f"{title},{_number(step)},{','.join(cells)}{blanks}\n"
        if reading.hardware_origin is not None:
            blanks = "," * (len(names) + 1)
            for second, cells in _by_x(reading.hardware_series, hardware):
                moment = _number(reading.hardware_origin + second)
                yield f"{title},,{moment}{blanks}{','.join(cells)}\n"


def _by_x(series: Mapping[str, Series], names: Sequence[str]) -> Iterator[tuple[float, list[str]]]:
    """The rows of several series in the order of their x: a cell for each of `names`.

    Series of the same steps are walked together, in pieces.
    """
    alike: dict[tuple[int, int], list[str]] = {}
    for name in names:
        one = series.get(name, _NONE)
        alike.setdefault((id(one.own_steps), len(one)), []).append(name)
    groups = [_cells(group, [series.get(name, _NONE) for name in group]) for group in alike.values()]
    place = {name: at for at, name in enumerate(names)}
    last: float | None = None
    cells: list[str] = []
    is_row = False
    for x, group, texts in merge(*groups, key=itemgetter(0)):
        if x != last:
            if last is not None and is_row:
                yield last, cells
            last, cells, is_row = x, [""] * len(names), False
        for name, text in zip(group, texts, strict=True):
            cells[place[name]] = text
        is_row = is_row or group != [_TIME]
    if last is not None and is_row:
        yield last, cells


def _cells(names: list[str], alike: list[Series]) -> Iterator[_Cells]:
    """The cells of series that have the same steps, step by step."""
    steps, count = alike[0].own_steps, len(alike[0])
    for start in range(0, count, _AT_ONCE):
        part = slice(start, min(start + _AT_ONCE, count))
        columns = [map(_number, one.values[part]) for one in alike]
        for x, texts in zip(steps[part], zip(*columns, strict=False), strict=False):
            yield x, names, texts


def _number(value: float) -> str:
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else "NaN" if text == "nan" else text


def _text(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)  # so cells that hold either are quoted
    return buffer.getvalue()[:-2] + "\n"

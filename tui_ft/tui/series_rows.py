"""The rows of the table of everything that a run logged, and of the settings that are known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from tui_ft.tui.text import plain
from tui_ft.watch.eta import clock_label
from tui_ft.watch.process_facts import ProcessFacts
from tui_ft.watch.reading import Reading, SettingValue
from tui_ft.watch.scales import number_label
from tui_ft.watch.series import Series

MOST_ROWS = 2_000
"""A run with more series or settings than this shows the first ones."""

Order = Literal["as logged", "by name", "by points", "by values not finite"]
ORDERS: tuple[Order, ...] = ("as logged", "by name", "by points", "by values not finite")


@dataclass(frozen=True, kw_only=True)
class SeriesRow:
    """One series: its values as texts, `–` where there is none. `at` is the step of `last`."""

    name: str
    last: str
    at: str
    low: str
    high: str
    points: int
    nonfinite: int
    is_hardware: bool = False


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    """A setting by the name that the run's own tool gives it, or a fact about the run."""

    name: str
    value: str
    is_fact: bool = False


def series_rows(reading: Reading) -> list[SeriesRow]:
    """A row for every series with a point: the run's, then the hardware's."""
    rows = [_row(name, series) for name, series in islice(reading.series.items(), MOST_ROWS) if len(series)]
    hardware = islice(reading.hardware_series.items(), MOST_ROWS - len(rows))
    return rows + [_row(name, series, is_hardware=True) for name, series in hardware if len(series)]


def _row(name: str, series: Series, *, is_hardware: bool = False) -> SeriesRow:
    last, extent = series.last, series.extent()
    return SeriesRow(
        name=name,
        last="–" if last is None else number_label(last[1]),
        at="–" if last is None or is_hardware else f"{last[0]:.10g}",
        low="–" if extent is None else number_label(extent[0]),
        high="–" if extent is None else number_label(extent[1]),
        points=len(series),
        nonfinite=series.nonfinite,
        is_hardware=is_hardware,
    )


def in_order(rows: Sequence[SeriesRow], order: Order) -> list[SeriesRow]:
    """The rows in that order; those that are alike stay as they were logged."""
    if order == "by name":
        return sorted(rows, key=lambda row: row.name.lower())
    if order == "by points":
        return sorted(rows, key=lambda row: -row.points)
    return sorted(rows, key=lambda row: -row.nonfinite) if order == "by values not finite" else list(rows)


def setting_rows(reading: Reading, now: float, processes: Sequence[ProcessFacts] = ()) -> list[SettingRow]:
    """What is known of the run itself, then its settings by name."""
    facts = {
        "run": reading.title,
        "path": reading.path,
        "model": reading.model,
        "method": reading.method,
        "processes": ", ".join(f"pid {pid}" for pid in reading.pids),
        "started": _moment(reading.started_at, now),
        "ended": _moment(reading.ended_at, now),
        "last word": _moment(reading.updated_at, now),
        "restarts": f"{reading.restarts}" if reading.restarts else "",
        "bad records": f"{reading.bad_records}" if reading.bad_records else "",
    }
    rows = [SettingRow(name=name, value=plain(value), is_fact=True) for name, value in facts.items() if value]
    rows += [row for process in processes for row in _process_rows(process, len(processes))]
    rows += [SettingRow(name="note", value=plain(note), is_fact=True) for note in reading.notes]
    names = sorted(islice(reading.settings, MOST_ROWS), key=str.lower)
    return rows + [SettingRow(name=plain(name), value=_value(reading.settings[name])) for name in names]


def _process_rows(process: ProcessFacts, count: int) -> list[SettingRow]:
    of = f" of {process.pid}" if count > 1 else ""
    told = (("command", process.command), ("working folder", process.folder), ("user", process.user))
    return [SettingRow(name=name + of, value=plain(value), is_fact=True) for name, value in told if value]


def _moment(moment: float | None, now: float) -> str:
    return "" if moment is None else clock_label(moment, now)


def _value(value: SettingValue) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value) if isinstance(value, str) else f"{value}"


def holding(rows: Iterable[SeriesRow], words: str) -> list[SeriesRow]:
    """The series whose name holds all of `words`, whatever their case."""
    wanted = words.lower().split()
    return [row for row in rows if all(word in row.name.lower() for word in wanted)]


def settings_holding(rows: Iterable[SettingRow], words: str) -> list[SettingRow]:
    """The settings that hold all of `words` in name or value."""
    wanted = words.lower().split()
    return [row for row in rows if all(word in f"{row.name} {row.value}".lower() for word in wanted)]

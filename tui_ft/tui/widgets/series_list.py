"""The lists of the table screen: every series of a run, and its settings."""

from __future__ import annotations

from tui_ft.tui.series_rows import SeriesRow, SettingRow
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList

_NUMBER = 11
_STEP = 10
_BAD = 11


class SeriesList(RowList[SeriesRow]):
    """A line a series: name, last value and its step, least and greatest, points, values not finite."""

    def key_of(self, row: SeriesRow) -> str:
        return f"{row.is_hardware}{row.name}"

    def empty_lines(self) -> list[str]:
        return ["No values yet, or none under a name with these words."]

    def heading_cells(self, width: int) -> list[Cell]:
        titles = "".join(fit(name, size, right=True) for name, size in _columns(width))
        return [(fit(" name", max(width - len(titles), 0)) + titles, "")]

    def row_cells(self, row: SeriesRow, width: int) -> list[Cell]:
        values = {
            "last": row.last, "at step": row.at, "least": row.low, "greatest": row.high,
            "points": f"{row.points:,}", "not finite": f"{row.nonfinite:,}" if row.nonfinite else "–",
        }  # fmt: skip
        columns = _columns(width + 1)
        name = width - sum(size for _, size in columns)
        cells: list[Cell] = [(fit(plain(row.name), max(name, 0)), "")]
        for title, size in columns:
            look = "bad" if title == "not finite" and row.nonfinite else "" if title == "last" else "muted"
            cells.append((fit(values[title], size - 1, right=True).rjust(size), look))
        return cells


def _columns(width: int) -> list[tuple[str, int]]:
    """The columns that `width` cells have room for beside the name."""
    if width < 62:
        return [("last", _NUMBER), ("points", _STEP)]
    short = [("last", _NUMBER), ("least", _NUMBER), ("greatest", _NUMBER), ("points", _STEP)]
    if width < 76:
        return short
    with_bad = [*short, ("not finite", _BAD)]
    return with_bad if width < 96 else [with_bad[0], ("at step", _STEP), *with_bad[1:]]


class SettingList(RowList[SettingRow]):
    """A line a setting: its name and its value."""

    def key_of(self, row: SettingRow) -> str:
        return f"{row.is_fact}{row.name}{row.value if row.name == 'note' else ''}"

    def empty_lines(self) -> list[str]:
        return ["Nothing holds these words."]

    def heading_cells(self, width: int) -> list[Cell]:
        name = min(max((width - 1) * 2 // 5, 12), 44)
        return [(fit(" name", name + 1) + fit("value", width - name - 1), "")]

    def row_cells(self, row: SettingRow, width: int) -> list[Cell]:
        name = min(max(width * 2 // 5, 12), 44)
        return [
            (fit(row.name, name - 1) + " ", "muted" if row.is_fact else ""),
            (fit(row.value, width - name), ""),
        ]

"""The presets, one line each, with the key that starts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList

if TYPE_CHECKING:
    from tui_ft.spec.presets import Preset

_KEY = 3
_LEAST = (4, len("model"), len("method"))
_MOST = (26, 24, 14)
"""Of name, model and method, in cells."""


class PresetList(RowList["Preset"]):
    """The user's own presets before the shipped ones; the first nine have a key."""

    _widest = _MOST

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._marks: dict[str, str] = {}

    def set_mark(self, preset: Preset, mark: str) -> None:
        """Put one character before the name of a preset: whether it can start now."""
        if self._marks.get(self.key_of(preset)) != mark:
            self._marks[self.key_of(preset)] = mark
            self.refresh()

    def set_rows(self, rows: Sequence[Preset]) -> None:
        before, self._widest = self._widest, _widest(rows)
        super().set_rows(rows)
        if self._widest != before:
            self.refresh()

    def key_of(self, row: Preset) -> str:
        return str(row.path)

    def empty_lines(self) -> list[str]:
        return ["No presets were found.  Start a spec of your own with: tui-ft start FILE.toml"]

    def heading_cells(self, width: int) -> list[Cell]:
        name, model, method, summary = _columns(width - 1 - self._margin, self._widest)
        title = "focused-title" if self.has_focus else "title"
        cells: list[Cell] = [(fit(" Presets", _KEY + 1 + self._margin + name), title)]
        if self.rows:
            captions = (fit("model", model), fit("method", method), fit("what for", summary))
            cells.append((" " + " ".join(captions), ""))
        return cells

    @property
    def _margin(self) -> int:
        """The cells that marks take."""
        return 2 if self._marks else 0

    def _mark(self, row: Preset) -> list[Cell]:
        if not self._marks:
            return []
        mark = self._marks.get(self.key_of(row), " ")
        return [(mark + " ", _LOOKS.get(mark, "muted"))]

    def row_cells(self, row: Preset, width: int) -> list[Cell]:
        from tui_ft.spec.display import method_label, model_label

        name, model, method, summary = _columns(width - self._margin, self._widest)
        own = "yours · " if row.source == "user" else ""
        return [
            (fit(row.key or "", _KEY - 1, right=True) + " ", "live"),
            *self._mark(row),
            (fit(row.name, name) + " ", ""),
            (fit(model_label(row.spec), model) + " ", ""),
            (fit(method_label(row.spec), method) + " ", ""),
            (fit(own + row.summary, summary), "muted"),
        ]


_LOOKS = {"✓": "good", "✗": "bad", "~": "warn"}
"""Of marks; each says the same without a colour."""


def _widest(rows: Sequence[Preset]) -> tuple[int, int, int]:
    """The cells that the longest name, model and method of `rows` take."""
    from tui_ft.spec.display import method_label, model_label

    widest = list(_LEAST)
    for row in rows:
        texts = (row.name, model_label(row.spec), method_label(row.spec))
        widest = [max(most, cell_len(plain(text))) for most, text in zip(widest, texts, strict=True)]
    name, model, method = map(min, widest, _MOST)
    return name, model, method


def _columns(width: int, widest: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Share what the key leaves: name, model and method as they need it, to the summary all the rest."""
    method = widest[2]
    rest = width - _KEY - method - 3
    name, model = min(widest[0], rest // 3), min(widest[1], rest * 3 // 10)
    return name, model, method, max(0, rest - name - model)

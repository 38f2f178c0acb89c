"""The presets, one line each, with the key that starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.row_list import Cell, RowList

if TYPE_CHECKING:
    from tui_ft.spec.presets import Preset

_KEY, _METHOD = 3, 14


class PresetList(RowList["Preset"]):
    """The user's own presets before the shipped ones; the first nine have a key."""

    def key_of(self, row: Preset) -> str:
        return str(row.path)

    def empty_lines(self) -> list[str]:
        return ["No presets were found.  Start a spec of your own with: tui-ft start FILE.toml"]

    def heading_cells(self, width: int) -> list[Cell]:
        name, model, summary = _columns(width - 1)
        title = "focused-title" if self.has_focus else "title"
        cells: list[Cell] = [(fit(" Presets", _KEY + 1 + name), title)]
        if self.rows:
            captions = (fit("model", model), fit("method", _METHOD), fit("what for", summary))
            cells.append((" " + " ".join(captions), ""))
        return cells

    def row_cells(self, row: Preset, width: int) -> list[Cell]:
        from tui_ft.spec.display import method_label, model_label

        name, model, summary = _columns(width)
        own = "yours · " if row.source == "user" else ""
        return [
            (fit(row.key or "", _KEY - 1, right=True) + " ", "live"),
            (fit(row.name, name) + " ", ""),
            (fit(model_label(row.spec), model) + " ", ""),
            (fit(method_label(row.spec), _METHOD) + " ", ""),
            (fit(own + row.summary, summary), "muted"),
        ]


def _columns(width: int) -> tuple[int, int, int]:
    """Share what key and method leave: name, model, summary."""
    rest = width - _KEY - _METHOD - 3
    name = min(26, rest // 3)
    model = min(24, rest * 3 // 10)
    return name, model, max(0, rest - name - model)

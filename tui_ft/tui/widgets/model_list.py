"""The models to choose from, one line each: size, the method that is recommended, and whether it fits."""

from __future__ import annotations

from collections.abc import Sequence

from tui_ft.tui.text import fit, gib
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.model_choices import Choice
from tui_ft.tui.wizard.model_words import size_text
from tui_ft.vram.verdict import WORDS, Verdict

_SIZE, _METHOD, _NEEDED, _VERDICT, _WHERE = 6, 11, 7, 15, 9
_LOOKS: dict[Verdict, tuple[str, str]] = {
    "fits": ("✓", "good"),
    "tight": ("~", "warn"),
    "does_not_fit": ("✗", "bad"),
    "unknown": ("–", "muted"),
}
"""Shape first, colour second."""


class ModelList(RowList[Choice]):
    """What fits this GPU stands first; a star marks the one to begin with."""

    suggested = ""
    free_text = ""

    def show(self, rows: Sequence[Choice], suggested: str, free_text: str) -> None:
        """Show these models; `free_text` says what they are measured against."""
        self.suggested, self.free_text = suggested, free_text
        self.set_rows(rows)
        self.refresh()

    def key_of(self, row: Choice) -> str:
        return row.id

    def heading_cells(self, width: int) -> list[Cell]:
        name, method = _columns(width - 1)
        title = "focused-title" if self.has_focus else "title"
        if not self.loaded:
            return [(fit(" Models: each is measured against this GPU …", width), title)]
        verdict, where = fit(self.free_text, _VERDICT), fit("where", _WHERE)
        needs = fit("GiB", _NEEDED, right=True)
        captions = f"{fit('size', _SIZE, right=True)} {fit('method', method)}{needs} {verdict} {where}"
        return [(fit(" Models", 3 + name), title), (captions, "")]

    def row_cells(self, row: Choice, width: int) -> list[Cell]:
        name, method = _columns(width)
        star = "★" if row.id == self.suggested else " "
        cells: list[Cell] = [
            (star, "live"),
            (" " + fit(row.name, name - 1) + " ", ""),
            (fit(size_text(row.parameters), _SIZE, right=True) + " ", ""),
        ]
        if row.fit is None:
            room = method + _NEEDED + 1 + _VERDICT
            text, look = ("✗ cannot be fine-tuned", "bad") if row.problem else ("– not known", "muted")
            return [*cells, (fit(text, room) + " ", look), (fit(row.where, _WHERE), "muted")]
        mark, look = _LOOKS[row.fit.verdict]
        return [
            *cells,
            (fit(row.fit.method, method), ""),
            (fit(gib(row.fit.needed_bytes), _NEEDED, right=True) + " ", ""),
            (fit(f"{mark} {WORDS[row.fit.verdict]}", _VERDICT) + " ", look),
            (fit(row.where, _WHERE), "muted"),
        ]


def _columns(width: int) -> tuple[int, int]:
    """Share what the fixed columns leave: the name, and the method."""
    method = _METHOD + (3 if width >= 100 else 0)
    return max(8, width - _SIZE - method - _NEEDED - _VERDICT - _WHERE - 5), method

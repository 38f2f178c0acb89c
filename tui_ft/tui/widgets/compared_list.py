"""The runs of a comparison, one line each: marker and colour, status, step, loss, best evaluation."""

from __future__ import annotations

from typing import ClassVar

from tui_ft.tui.compare_words import Compared, best_text, loss_text, step_text
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.watch.looks import LOOKS

_STATUS, _STEP, _LOSS, _BEST = 9, 14, 10, 17


class ComparedList(RowList[Compared]):
    """The legend of the charts. `is_ascii` takes the markers that need no more than ASCII."""

    DEFAULT_CSS = """
    ComparedList {
        height: auto;
        & > .row-list--look0 { color: ansi_bright_blue; text-style: bold; }
        & > .row-list--look1 { color: ansi_bright_red; text-style: bold; }
        & > .row-list--look2 { color: ansi_bright_green; text-style: bold; }
        & > .row-list--look3 { color: ansi_bright_magenta; text-style: bold; }
        & > .row-list--look4 { color: ansi_bright_cyan; text-style: bold; }
        & > .row-list--look5 { color: ansi_bright_yellow; text-style: bold; }
        & > .row-list--look6 { color: $foreground; text-style: bold; }
        & > .row-list--look7 { color: $text-muted; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row-list--look{place}" for place in range(len(LOOKS))}

    is_ascii = False

    def key_of(self, row: Compared) -> str:
        return row.path

    def empty_lines(self) -> list[str]:
        return ["No run is left. i adds one."]

    def heading_cells(self, width: int) -> list[Cell]:
        count = f"   {len(self.rows)} {'run' if len(self.rows) == 1 else 'runs'}"
        title = fit(count, max(width - 1 - sum(size for _, size in _columns(width)), 0) + 1)
        captions = "".join(fit(name, size, right=True) for name, size in _columns(width))
        return [(title, "focused-title" if self.has_focus else "title"), (captions, "")]

    def row_cells(self, row: Compared, width: int) -> list[Cell]:
        values = {
            "status": plain(row.status),
            "step": step_text(row),
            "loss": loss_text(row),
            "best": best_text(row),
        }
        columns = _columns(width + 1)
        look = LOOKS[row.look]
        marker = look.plain if self.is_ascii else look.marker
        name = max(width - 2 - sum(size for _, size in columns), 0)
        cells: list[Cell] = [(f"{marker} ", f"look{row.look}"), (fit(row.title, name), "")]
        for title, size in columns:
            text = values["best" if title.startswith("best") else title]
            is_best = title.startswith("best") and row.is_best
            cells.append((fit(text, size - 1, right=True).rjust(size), "good" if is_best else ""))
        return cells


def _columns(width: int) -> list[tuple[str, int]]:
    """The columns that there is room for beside the name."""
    if width < 72:
        return [("loss", _LOSS), ("best", _BEST)]
    return [("status", _STATUS + 1), ("step", _STEP), ("loss", _LOSS), ("best eval at step", _BEST + 1)]

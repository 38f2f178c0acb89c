"""One row as the model sees it: every token marked by whether it is trained; it scrolls by keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip

from tui_ft.tui.widgets.text_panel import TextPanel
from tui_ft.tui.wizard.mask_lines import MaskLine

GUTTER = 2
"""Cells at the left edge, for the mark of the line."""

_KINDS = ("trained", "special", "special-trained", "cut", "odd", "seam", "gutter")


class MaskView(TextPanel):
    """A text panel of lines whose stretches differ in look; they were laid out for its width before."""

    DEFAULT_CSS = """
    MaskView {
        & > .mask--trained { color: $text-success; text-style: bold underline; }
        & > .mask--special { color: $text-primary; text-style: italic; }
        & > .mask--special-trained { color: $text-primary; text-style: bold underline; }
        & > .mask--cut { color: $text-error; text-style: strike; }
        & > .mask--odd { color: $text-warning; text-style: reverse; }
        & > .mask--seam { color: $text-muted; }
        & > .mask--gutter { color: $text-success; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"mask--{kind}" for kind in _KINDS}

    def __init__(self, title: str = "", *, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self._lines: list[MaskLine] = []

    @staticmethod
    def room_in(width: int) -> int:
        """The cells that a line may take in a panel of that width; a hidden one does not know its own."""
        return max(width - GUTTER - 1, 10)

    @property
    def text(self) -> list[str]:
        """All lines as they are drawn, without their look."""
        return [_text(line) for line in self._lines]

    def show_lines(self, title: str, lines: Sequence[MaskLine], *, keep_place: bool = False) -> None:
        """Show `lines` under `title`, from the first one on unless the place is to be kept."""
        self._title = title
        self._lines = list(lines)
        if not keep_place:
            self._top = 0
        self._wrap()
        self._show()

    def _wrap(self) -> None:
        self._rows = [(_text(line), str(hash(line))) for line in self._lines]

    def on_resize(self, event: events.Resize) -> None:
        self._show()

    def render_line(self, y: int) -> Strip:
        at = self._top + y - 1
        if y == 0 or at >= len(self._lines):
            return super().render_line(y)
        line, base = self._lines[at], self.rich_style
        edge = "cut" if line.gutter == "✂" else "gutter"
        pieces = [(line.gutter + " " * (GUTTER - 1), edge), *line.pieces]
        segments = [
            Segment(text, base if kind == "plain" else self.get_component_rich_style(f"mask--{kind}"))
            for text, kind in pieces
        ]
        return Strip(segments).adjust_cell_length(self.size.width, base)


def _text(line: MaskLine) -> str:
    return line.gutter + " " * (GUTTER - 1) + "".join(text for text, _ in line.pieces)

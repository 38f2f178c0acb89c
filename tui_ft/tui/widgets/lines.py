"""Lines of styled text that repaint only the stretch that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit

Piece = tuple[str, str]
"""A piece of a line: its text, and the kind that gives it its look ("" for the ordinary one)."""
Line = tuple[Piece, ...]


class Lines(Widget):
    """A few lines, set as a whole and drawn by Textual's Line API."""

    DEFAULT_CSS = """
    Lines {
        height: 1;
        width: 1fr;
        & > .lines--muted { color: $text-muted; }
        & > .lines--strong { text-style: bold; }
        & > .lines--good { color: $text-success; text-style: bold; }
        & > .lines--warn { color: $text-warning; text-style: bold; }
        & > .lines--bad { color: $text-error; text-style: bold; }
        & > .lines--live { color: $text-primary; text-style: bold; }
        & > .lines--alert { color: $text-error; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--muted", "lines--strong", "lines--good", "lines--warn", "lines--bad", "lines--live",
        "lines--alert",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []

    @property
    def text(self) -> str:
        """What stands in the widget, without its look."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show `lines`; only what differs is painted again."""
        old, self._lines = self._lines, list(lines)
        if len(old) != len(lines):
            self.refresh()
            return
        regions = [
            Region(start, y, max(self.size.width - start, 1), 1)
            for y, (before, after) in enumerate(zip(old, self._lines, strict=True))
            if (start := first_difference(before, after)) is not None
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width, base)
        segments = [
            Segment(text, self.get_component_rich_style(f"lines--{kind}") if kind else base)
            for text, kind in self._lines[y]
        ]
        return Strip(segments).adjust_cell_length(width, base)


def first_difference(before: Line, after: Line) -> int | None:
    """The first column from which two lines differ; None when they are the same."""
    if before == after:
        return None
    column = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            return column
        column += cell_len(old[0])
    return column


def pack(pieces: Sequence[Piece], width: int, gap: int = 2) -> Line:
    """Put pieces side by side; one that no longer fits is left out whole, only the first is ever cut."""
    line: list[Piece] = []
    used = 0
    for text, kind in pieces:
        room = width - used - (gap if line else 0)
        if cell_len(text) > room and line:
            continue
        if line:
            line.append((" " * gap, ""))
            used += gap
        shown = text if cell_len(text) <= room else fit(text, max(room, 0))
        line.append((shown, kind))
        used += cell_len(shown)
    return tuple(line)

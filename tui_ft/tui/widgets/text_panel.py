"""A titled panel of text that wraps its lines and scrolls by keys; it draws only the lines that are seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit

Entry = tuple[str, str]
"""A line of any length, and the kind that gives it its look ("" for the ordinary one)."""


@lru_cache(8192)
def wrap(text: str, width: int) -> tuple[str, ...]:
    """Cut a line into pieces of at most `width` columns, between words where that leaves no piece half
    empty; nothing is lost, blanks stay.
    """
    if width <= 0 or cell_len(text) <= width:
        return (text,)
    pieces, at = [], 0
    while len(text) - at > width or cell_len(text[at:]) > width:
        chopped = chop_cells(text[at : at + width], width)
        piece = next(filter(None, chopped), text[at])  # a wide character in one column: it alone
        end = piece.rfind(" ") + 1
        is_within = text[at + len(piece) : at + len(piece) + 1] not in ("", " ")
        if is_within and end > len(piece) // 2:
            piece = piece[:end]
        pieces.append(piece)
        at += len(piece)
    return (*pieces, text[at:]) if at < len(text) else tuple(pieces)


class TextPanel(Widget, can_focus=True):
    """A line with the title, and wrapped text under it.

    With `follows_end` it stays at the last line until the user scrolls away from it.
    """

    DEFAULT_CSS = """
    TextPanel {
        height: 1fr;
        width: 1fr;
        & > .text-panel--title { color: $text-muted; }
        & > .text-panel--focused { color: $text-accent; text-style: bold; }
        & > .text-panel--muted { color: $text-muted; }
        & > .text-panel--strong { text-style: bold; }
        & > .text-panel--good { color: $text-success; text-style: bold; }
        & > .text-panel--bad { color: $text-error; text-style: bold; }
        & > .text-panel--code { color: $text-accent; }
        & > .text-panel--warn { color: $text-warning; }
        & > .text-panel--found { text-style: bold underline; }
        & > .text-panel--current { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-panel--title", "text-panel--focused", "text-panel--muted", "text-panel--strong",
        "text-panel--good", "text-panel--bad", "text-panel--code", "text-panel--warn", "text-panel--found",
        "text-panel--current",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False, tooltip="Scroll up one line"),
        Binding("down", "move(1)", "Down", show=False, tooltip="Scroll down one line"),
        Binding("pageup", "page(-1)", "Page up", show=False, tooltip="Scroll up one page"),
        Binding("pagedown", "page(1)", "Page down", show=False, tooltip="Scroll down one page"),
        Binding("home", "begin", "Begin", show=False, tooltip="Go to the first line"),
        Binding("end", "end", "End", show=False, tooltip="Go to the last line"),
    ]

    def __init__(self, title: str, *, follows_end: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title, self._detail = title, ""
        self._follows_end = follows_end
        self._is_at_end = follows_end
        self._entries: tuple[Entry, ...] = ()
        self._rows: list[Entry] = []
        self._top = 0
        self._shown: list[Entry] = []

    @property
    def visible_text(self) -> list[str]:
        """The lines that are seen, without the title."""
        return [text for text, _ in self._rows[self._top : self._top + self._page]]

    @property
    def _page(self) -> int:
        return max(self.size.height - 1, 0)

    @property
    def _last_top(self) -> int:
        return max(len(self._rows) - self._page, 0)

    def set_title(self, title: str) -> None:
        """Call what is shown otherwise."""
        if title != self._title:
            self._title = title
            self._show()

    def set_detail(self, detail: str) -> None:
        """Change what stands behind the title; it is left out where it does not fit."""
        if detail != self._detail:
            self._detail = detail
            self._show()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these lines."""
        if tuple(entries) == self._entries:
            return
        self._entries = tuple(entries)
        self._wrap()
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        self._wrap()
        self._show()

    def _wrap(self) -> None:
        width = max(self.size.width - 1, 1)
        self._rows = [(piece, kind) for text, kind in self._entries for piece in wrap(text, width)]

    def _show(self) -> None:
        self._top = self._last_top if self._is_at_end else min(max(self._top, 0), self._last_top)
        seen = self._rows[self._top : self._top + self._page]
        rows = [(self.margin(at) + text, kind) for at, (text, kind) in enumerate(seen, self._top)]
        new = [self._title_entry(), *rows]
        old, self._shown = self._shown, new
        width = max(self.size.width, 1)
        blank: Entry = ("", "")
        for y in range(max(len(old), len(new))):
            before = old[y] if y < len(old) else blank
            after = new[y] if y < len(new) else blank
            if before != after:
                self.refresh(Region(0, y, width, 1))

    def margin(self, row: int) -> str:
        """The one cell left of a row."""
        return " "

    def _title_entry(self) -> Entry:
        kind, width = "focused" if self.has_focus else "title", self.size.width
        text = f"─ {self._title} "
        if self._last_top and (self.has_focus or not self._is_at_end):
            last = min(self._top + self._page, len(self._rows))
            text += f"{self._top + 1}–{last} of {len(self._rows)} ↑↓ "
        if self._detail and len(text) + len(self._detail) + 3 <= width:
            text += f"─ {self._detail} "
        return (text + "─" * max(width - len(text), 0), kind)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y >= len(self._shown):
            return Strip.blank(width, base)
        text, kind = self._shown[y]
        style = self.get_component_rich_style(f"text-panel--{kind}") if kind else base
        return Strip([Segment(fit_line(text, width), style)]).adjust_cell_length(width, base)

    def on_focus(self) -> None:
        self._show()

    def on_blur(self) -> None:
        self._show()

    def action_move(self, lines: int) -> None:
        self._go_to(self._top + lines)

    def action_page(self, pages: int) -> None:
        self._go_to(self._top + pages * max(self._page - 1, 1))

    def action_begin(self) -> None:
        self._go_to(0)

    def action_end(self) -> None:
        self._go_to(self._last_top)

    def _go_to(self, top: int) -> None:
        self._top = min(max(top, 0), self._last_top)
        self._is_at_end = self._follows_end and self._top == self._last_top
        self._show()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-2)


def fit_line(text: str, width: int) -> str:
    """Cut an overlong line; unlike `fit` it keeps runs of blanks, and the text must be clean already."""
    return text if cell_len(text) <= width else fit(text, width)

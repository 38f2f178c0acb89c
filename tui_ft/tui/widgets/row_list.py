"""A list of any length that draws only the lines that are seen, and keeps its choice by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit

Row = TypeVar("Row")

Cell = tuple[str, str]
"""A piece of a line: its text and the name of its component class ("" for the ordinary look)."""


class RowList(Widget, Generic[Row], can_focus=True):
    """One heading line and the rows under it; a cursor marks the chosen row.

    Rows are told apart by `key_of`: when the list changes the cursor stays on its row, and the row
    stays on its line. Subclasses draw: `heading_cells` and `row_cells`.
    """

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        & > .row-list--heading { color: $text-muted; }
        & > .row-list--cursor { text-style: reverse; }
        & > .row-list--muted { color: $text-muted; }
        & > .row-list--title { text-style: bold; color: $text; }
        & > .row-list--focused-title { text-style: bold; color: $text-accent; }
        & > .row-list--good { color: $text-success; }
        & > .row-list--bad { color: $text-error; }
        & > .row-list--warn { color: $text-warning; }
        & > .row-list--live { color: $text-primary; text-style: bold; }
    }
    """
    UNDER_CURSOR: ClassVar[frozenset[str]] = frozenset()
    """Kinds of cells that keep their look on the cursor's line: a drawing that reversed would mislead."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--heading",
        "row-list--cursor",
        "row-list--muted",
        "row-list--title",
        "row-list--focused-title",
        "row-list--good",
        "row-list--bad",
        "row-list--warn",
        "row-list--live",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", id="list.up", show=False, tooltip="Choose the row above"),
        Binding("down", "move(1)", "Down", id="list.down", show=False, tooltip="Choose the row below"),
        Binding("pageup", "page(-1)", "Page up", id="list.pageup", show=False, tooltip="Go up one page"),
        Binding("pagedown", "page(1)", "Page down", id="list.pagedown", show=False,
                tooltip="Go down one page"),
        Binding("home", "go(0)", "First", id="list.first", show=False, tooltip="Go to the first row"),
        Binding("end", "go(-1)", "Last", id="list.last", show=False, tooltip="Go to the last row"),
    ]  # fmt: skip

    class Chosen(Message):
        """The cursor went to another row, or the row under it changed by itself (`is_move` is false)."""

        def __init__(self, row_list: RowList[Any], is_move: bool) -> None:
            super().__init__()
            self.row_list = row_list
            self.is_move = is_move

        @property
        def control(self) -> RowList[Any]:
            return self.row_list

    class Clicked(Message):
        """The chosen row was clicked again: open it."""

        def __init__(self, row_list: RowList[Any]) -> None:
            super().__init__()
            self.row_list = row_list

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()
        self.loaded = False
        self.was_moved = False
        """Whether the user chose a row; until then the cursor stands where the list begins."""
        self._is_in_use = True
        self._index = 0
        self._top = 0
        self._heading: list[Cell] = []

    # --- what subclasses say ---------------------------------------------------------------------

    def key_of(self, row: Row) -> str:
        """The name that a row keeps for as long as it exists."""
        raise NotImplementedError

    def heading_cells(self, width: int) -> list[Cell]:
        """The first line: what the list holds, and its columns."""
        raise NotImplementedError

    def row_cells(self, row: Row, width: int) -> list[Cell]:
        """One row's line in `width` cells; every text is already fitted."""
        raise NotImplementedError

    def empty_lines(self) -> list[str]:
        """What stands in the list when it has no rows: what to do about it."""
        return []

    # --- the rows --------------------------------------------------------------------------------

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor; None in an empty list."""
        return self.rows[self._index] if self.rows else None

    @property
    def index(self) -> int:
        """Place of the cursor, from 0."""
        return self._index

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show `rows`; repaints only lines whose row changed, and a heading that says something else."""
        before, top, chosen = self.rows, self._top, self.chosen
        was_loaded, self.loaded = self.loaded, True
        self.rows = rows
        if chosen is not None:
            self._keep(chosen)
        self._clamp()
        if not was_loaded or self._top != top or len(before) != len(rows):
            self.refresh()
        else:
            for line in range(self._visible):
                index = self._top + line
                if index < len(rows) and rows[index] != before[index]:
                    self._refresh_row(index)
            if self.heading_cells(self.size.width) != self._heading:
                self.refresh(Region(0, 0, self.size.width, 1))
        if self.chosen != chosen:
            self.post_message(self.Chosen(self, False))

    def _keep(self, chosen: Row) -> None:
        """Stay on the row; of one that stands in several places on the nearest."""
        places = [index for index, row in enumerate(self.rows) if row is chosen]
        if not places:  # it says something new: it is known by its key
            key = self.key_of(chosen)
            places = [index for index, row in enumerate(self.rows) if self.key_of(row) == key]
        if places:
            index = min(places, key=lambda place: abs(place - self._index))
            if self._top:
                self._top += index - self._index
            self._index = index

    def choose(self, key: str) -> None:
        """Put the cursor on the row with `key`, if it is there."""
        for index, row in enumerate(self.rows):
            if self.key_of(row) == key:
                self._go(index)
                return

    def begin(self) -> None:
        """Put the cursor where the list begins, as if nobody had moved it."""
        self._go(0)
        self.was_moved = False

    # --- the cursor ------------------------------------------------------------------------------

    @property
    def _visible(self) -> int:
        return max(1, self.size.height - 1)

    def _clamp(self) -> None:
        last = max(0, len(self.rows) - 1)
        self._index = min(max(0, self._index), last)
        visible = self._visible
        lowest = max(0, len(self.rows) - visible)
        self._top = max(0, min(max(self._index - visible + 1, self._top), self._index, lowest))

    def _go(self, index: int) -> None:
        old, top = self._index, self._top
        self.was_moved = True
        self._index = index
        self._clamp()
        if self._index == old:
            return
        if self._top != top:
            self.refresh()
        else:
            self._refresh_row(old)
            self._refresh_row(self._index)
            self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.Chosen(self, True))

    def action_move(self, by: int) -> None:
        self._go(self._index + by)

    def action_page(self, direction: int) -> None:
        self._go(self._index + direction * max(1, self._visible - 1))

    def action_go(self, index: int) -> None:
        self._go(index if index >= 0 else len(self.rows) + index)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)

    async def _on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 1
        if event.y == 0 or index >= len(self.rows):
            return
        if index == self._index and event.chain > 1:
            self.post_message(self.Clicked(self))
        self._go(index)

    # --- drawing ---------------------------------------------------------------------------------

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def on_resize(self) -> None:
        self._clamp()
        self.refresh()

    def on_focus(self) -> None:
        """Of several lists on a screen only the one in use shows a cursor."""
        for other in self.screen.query(RowList):
            other._is_in_use = other is self
            if other is not self:
                other.refresh()
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _refresh_row(self, index: int) -> None:
        line = index - self._top + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            self._heading = self.heading_cells(width)
            return self._strip(self._heading, width, "heading")
        index = self._top + y - 1
        if index < len(self.rows):
            is_cursor = index == self._index
            mark = "▸" if is_cursor and self._is_in_use else " "
            cells = [(mark, ""), *self.row_cells(self.rows[index], width - 1)]
            if is_cursor and self.has_focus:
                cells = [(text, name if name in self.UNDER_CURSOR else "") for text, name in cells]
            return self._strip(cells, width, "cursor" if is_cursor and self.has_focus else "")
        lines = self.empty_lines() if self.loaded and not self.rows else []
        if y - 1 < len(lines):
            return self._strip([(fit(" " + lines[y - 1], width), "")], width, "")
        return Strip.blank(width, self.rich_style)

    def _strip(self, cells: list[Cell], width: int, line_class: str) -> Strip:
        base = self.get_component_rich_style(f"row-list--{line_class}") if line_class else self.rich_style
        segments = [Segment(text, self._look(base, name)) for text, name in cells]
        return Strip(segments).adjust_cell_length(width, base)

    def _look(self, base: Style, name: str) -> Style:
        """The look of a cell; only a whole component style has a blended colour, as muted text needs it."""
        if not name:
            return base
        if name in self.UNDER_CURSOR or base == self.rich_style:
            return self.get_component_rich_style(f"row-list--{name}")
        return base + self.get_component_rich_style(f"row-list--{name}", partial=True)

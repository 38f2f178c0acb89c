"""The fields of a spec, one line each; the value of the chosen one can be typed where it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.edit_value import LineEdit, first_text, is_number
from tui_ft.tui.wizard.fields import PRESET, RECOMMENDED, FieldRow

_GROUP, _NAME, _VALUE = 12, 22, 18
_DIGITS = frozenset("0123456789.")


class FieldList(RowList[FieldRow]):
    """Lists fields. While a value is typed every key belongs to it; what is typed is told key by key."""

    DEFAULT_CSS = """
    FieldList {
        & > .row-list--typed { text-style: none; }
        & > .row-list--caret { text-style: reverse; }
        & > .row-list--wrong { color: $text-error; text-style: underline; }
    }
    """
    UNDER_CURSOR = frozenset({"typed", "caret", "wrong"})
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"row-list--{kind}" for kind in UNDER_CURSOR}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", id="field.take", key_display="Enter",
                tooltip="Take the value that was typed"),
        Binding("escape", "drop", "As it was", id="field.drop", key_display="Esc",
                tooltip="Leave the value as it was"),
    ]  # fmt: skip

    @dataclass
    class Typed(Message):
        """Another character was typed, or the typing began."""

        text: str

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FieldList.Typed)

    @dataclass
    class Taken(Message):
        """The typed value is to hold."""

        text: str

    @dataclass
    class Dropped(Message):
        """The typing was called off."""

    def __init__(self, moved: Callable[[], None], *, id: str | None = None) -> None:
        """`moved` is called with each move, at once: what follows the cursor is painted in the same frame."""
        super().__init__(id=id)
        self.title = "Settings"
        self._moved = moved
        self._line: LineEdit | None = None
        self._is_wrong = False
        self._first = ""

    # --- editing ---------------------------------------------------------------------------------

    @property
    def is_editing(self) -> bool:
        return self._line is not None

    def begin(self, text: str | None = None) -> None:
        """Let the chosen value be typed: from what it is now, or from `text`."""
        if self.chosen is None:
            return
        self._first = first_text(self.chosen)
        self._line = LineEdit(self._first if text is None else text)
        self._is_wrong = False
        self._told()
        self.screen.refresh_bindings()

    def end(self) -> None:
        """The typing is over; the row shows its value again."""
        self._line = None
        self._refresh_row(self.index)
        self.screen.refresh_bindings()

    def mark_wrong(self, is_wrong: bool) -> None:
        """Show whether what was typed so far is a value at all."""
        if is_wrong != self._is_wrong:
            self._is_wrong = is_wrong
            self._refresh_row(self.index)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter and Esc belong to the value only while one is typed; the cursor stays on it."""
        if action in ("take", "drop"):
            return self.is_editing
        return not self.is_editing

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While a value is typed, a printable key is not one of the screen's."""
        return self.is_editing and character is not None and character.isprintable()

    def action_take(self) -> None:
        if self._line is None:
            return
        if self._line.text == self._first:
            self.action_drop()
        else:
            self.post_message(self.Taken(self._line.text))

    def action_drop(self) -> None:
        self.end()
        self.post_message(self.Dropped())

    async def _on_key(self, event: events.Key) -> None:
        if self._line is None:
            row = self.chosen
            if row is not None and is_number(row.field) and event.character in _DIGITS:
                event.stop()
                event.prevent_default()
                self.begin(event.character)
            return
        if event.key in ("enter", "escape"):
            return  # the bindings
        if self._line.press(event.key):
            is_typed = True
        elif event.is_printable and event.character:
            self._line.insert(event.character)
            is_typed = True
        else:
            is_typed = event.key in ("up", "down", "pageup", "pagedown", "tab", "shift+tab")
        if is_typed:
            event.stop()
            event.prevent_default()
            self._told()

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self._line is not None and event.text:
            self._line.insert(event.text.strip())
            self._told()

    def _told(self) -> None:
        assert self._line is not None
        self._refresh_row(self.index)
        self.post_message(self.Typed(self._line.text))

    async def _on_click(self, event: events.Click) -> None:
        if not self.is_editing:
            await super()._on_click(event)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if not self.is_editing:
            super()._on_mouse_scroll_down(event)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if not self.is_editing:
            super()._on_mouse_scroll_up(event)

    def _go(self, index: int) -> None:
        before = self.index
        super()._go(index)
        if self.index != before:
            self._moved()

    # --- drawing ---------------------------------------------------------------------------------

    def set_title(self, title: str) -> None:
        """Change what the list is called."""
        if title != self.title:
            self.title = title
            self.refresh(Region(0, 0, self.size.width, 1))

    def key_of(self, row: FieldRow) -> str:
        return row.path

    def heading_cells(self, width: int) -> list[Cell]:
        place = f" {self.index + 1} of {len(self.rows)}" if len(self.rows) > self._visible else ""
        left = 1 + _GROUP + _NAME
        title = fit(f" {self.title}{place}", left)
        preset = f", {PRESET} preset" if any(row.in_preset is not None for row in self.rows) else ""
        legend = f"unlike {RECOMMENDED} advice{preset}"
        return [
            (title, "focused-title" if self.has_focus else "title"),
            (fit("   value", 2 + _VALUE), ""),
            (fit(legend, max(width - left - 2 - _VALUE, 0)), ""),
        ]

    def row_cells(self, row: FieldRow, width: int) -> list[Cell]:
        group = row.field.section.capitalize() if row.opens_group else ""
        head: list[Cell] = [
            (fit(group, _GROUP), "muted"),
            (fit(row.field.title, _NAME), ""),
            (row.marks, "live"),
        ]
        rest = width - _GROUP - _NAME - 2
        if self._line is not None and row is self.chosen:
            return [*head, *self._edited(rest)]
        look = "muted" if row.is_default else "title"
        note, note_look = _note(row)
        shown = row.shown
        if row.field.unit and row.means is not None and is_number(row.field):
            shown = f"{shown} {row.field.unit}"
        taken = min(max(_VALUE, cell_len(shown) + 1), rest) if not note else _VALUE
        return [*head, (fit(f" {shown}", taken), look), (fit(note, max(rest - taken, 0)), note_look)]

    def _edited(self, width: int) -> list[Cell]:
        """The line under edit, with the stretch of it that holds the cursor."""
        assert self._line is not None
        before, after = self._line.text[: self._line.cursor], self._line.text[self._line.cursor :]
        room = width - 2
        while before and cell_len(before) > room:
            before = before[1:]
        caret = after[:1] or " "
        rest = after[1:]
        look = "wrong" if self._is_wrong else "typed"
        used = 1 + cell_len(before) + cell_len(caret)
        return [(" ", "typed"), (before, look), (caret, "caret"), (fit(rest, max(width - used, 0)), look)]


def _note(row: FieldRow) -> tuple[str, str]:
    """What stands behind the value: a warning before what it differs from, else what is usual."""
    if row.warning:
        is_outside = row.warning.startswith(("above", "below"))
        return f"! usual {row.usual}" if is_outside else f"! {row.warning}", "warn"
    if row.recommended is not None:
        return f"recommended {row.recommended}", "live"
    if row.in_preset is not None:
        return f"in the preset {row.in_preset}", "live"
    return (f"usual {row.usual}" if row.usual else ""), "muted"

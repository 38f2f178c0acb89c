"""One line that says in what way a list is shown; while it has the focus, what is typed filters the list."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit, plain

LONGEST = 200
MOST_PASTED = 4 * LONGEST
"""Of a paste no more is looked at: some of it may be blanks."""


class FilterLine(Widget, can_focus=True):
    """Takes no line while it has nothing to say. Its cursor does not blink: nothing moves by itself."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1;
        display: none;
        padding: 0 1;
        & > .filter-line--sign { color: $text-accent; text-style: bold; }
        & > .filter-line--words { color: $text-muted; }
        & > .filter-line--cursor { text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "filter-line--sign",
        "filter-line--words",
        "filter-line--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,tab", "done", "Keep it", id="filter.done", key_display="Enter",
                tooltip="Keep the filter and go to the list"),
        Binding("escape", "drop", "Show all", id="filter.drop", key_display="Esc",
                tooltip="Take the filter away"),
        Binding("up", "move(-1)", "Up", id="filter.up", show=False,
                tooltip="Choose the row above while typing"),
        Binding("down", "move(1)", "Down", id="filter.down", show=False,
                tooltip="Choose the row below while typing"),
        Binding("backspace", "delete", "Delete", id="filter.delete", show=False,
                tooltip="Take the last character of the filter away"),
        Binding("ctrl+w", "delete_word", "Word", id="filter.word", show=False,
                tooltip="Take the last word of the filter away"),
        Binding("ctrl+u", "clear", "Clear", id="filter.clear", show=False,
                tooltip="Begin the filter again"),
    ]  # fmt: skip

    class Typed(Message):
        """The filter is another one: `text`."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The user is done; the filter stays, or was taken away."""

    class Moved(Message):
        """An arrow: the list's cursor moves by so many rows while the filter is typed."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = ""
        self.words = ""

    def begin(self) -> None:
        """Take the keys and show what is typed."""
        self.display = True
        self.focus()

    def show_words(self, words: str) -> None:
        """Say how the list is shown, behind the filter."""
        self.words = words
        self._change()

    def drop(self) -> None:
        """Take the filter away, quietly."""
        self.text = ""
        self._change()

    def _change(self) -> None:
        self.display = bool(self.text or self.words or self.has_focus)
        self.refresh()

    def on_blur(self) -> None:
        self._change()

    # --- keys ------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self._type(self.text + event.character)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        text = event.text[:MOST_PASTED]  # cut first: a pasted file takes no time
        self._type(self.text + plain(" ".join(text.split())))

    def _type(self, text: str) -> None:
        if text[:LONGEST] != self.text:
            self.text = text[:LONGEST]
            self.refresh()
            self.post_message(self.Typed(self.text))

    def action_done(self) -> None:
        self.post_message(self.Left())

    def action_drop(self) -> None:
        self._type("")
        self.post_message(self.Left())

    def action_move(self, by: int) -> None:
        self.post_message(self.Moved(by))

    def action_delete(self) -> None:
        self._type(self.text[:-1])

    def action_delete_word(self) -> None:
        self._type(self.text.rstrip().rpartition(" ")[0])

    def action_clear(self) -> None:
        self._type("")

    # --- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        sign, words, cursor = (
            self.get_component_rich_style(f"filter-line--{name}") for name in ("sign", "words", "cursor")
        )
        segments = []
        if self.text or self.has_focus:
            text = plain(self.text)
            while cell_len(text) > max(4, width - 4):
                text = text[1:]  # the end is where the cursor is
            segments += [Segment("/ ", sign), Segment(text, self.rich_style)]
            segments.append(Segment(" ", cursor if self.has_focus else self.rich_style))
            segments.append(Segment("  " if self.words else "", self.rich_style))
        room = width - sum(cell_len(segment.text) for segment in segments)
        if self.words and room > 3:
            segments.append(Segment(fit(self.words, room), words))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

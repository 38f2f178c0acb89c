"""What the user must know now: an error with its remedy, a warning, or what a key just did."""

from __future__ import annotations

from textwrap import wrap
from typing import Literal

from rich.cells import cell_len
from textual import events

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.lines import Line, Lines

Kind = Literal["bad", "warn", "good", "muted"]
MOST_LINES = 5
_SIGNS: dict[str, str] = {"bad": "✗ ", "warn": "! ", "good": "", "muted": ""}


class Alert(Lines):
    """As many lines as the text takes, none when there is no text."""

    DEFAULT_CSS = "Alert { height: 0; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._headline, self._text, self._kind = "", "", "good"

    def show(self, headline: str, text: str, kind: Kind) -> None:
        """Show a text behind a headline; either may be empty."""
        if (headline, text, kind) != (self._headline, self._text, self._kind):
            self._headline, self._text, self._kind = headline, plain(text), kind
            self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.size.width or self.app.size.width
        lines = alert_lines(self._headline, self._text, self._kind, width)
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.set_lines(lines)


def alert_lines(headline: str, text: str, kind: str, width: int) -> list[Line]:
    """Wrap an alert at words; what exceeds the most lines is cut with an ellipsis."""
    if not headline and not text:
        return []
    sign = _SIGNS.get(kind, "")
    head = f" {sign}{headline} " if headline else ""
    body = text if headline else f"{sign}{text}"
    room = max(width - 2, 10)
    if len(body) != cell_len(body):  # characters of two cells: half as many of them
        room = max(room // 2, len(head) + 2)
    indent = " " * (len(head) + 1 if head else 1)
    wrapped = wrap(body, room, initial_indent=indent, subsequent_indent=" ") or [indent]
    if len(wrapped) > MOST_LINES:
        wrapped = [*wrapped[: MOST_LINES - 1], wrapped[MOST_LINES - 1][: room - 1] + "…"]
    wrapped = [line if cell_len(line) <= width else fit(line, width) for line in wrapped]
    first = wrapped[0][len(head) :] if head and wrapped[0].startswith(indent) else wrapped[0]
    look = "alert" if kind == "bad" else kind
    lines: list[Line] = [((head, look), (first, kind)) if head else ((first, kind),)]
    return lines + [((line, kind),) for line in wrapped[1:]]

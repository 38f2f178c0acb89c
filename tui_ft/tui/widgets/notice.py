"""The line above the footer: details of the chosen row, or what went wrong and what to do."""

from __future__ import annotations

import time
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit, plain

_LINES = 4


class Notice(Widget):
    """Shows one of two texts: a message, until it is taken back, else the detail."""

    DEFAULT_CSS = """
    Notice {
        height: auto;
        padding: 0 1;
        & > .notice--detail { color: $text-muted; }
        & > .notice--error { color: $text-error; text-style: bold; }
        & > .notice--news { color: $text-success; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"notice--detail", "notice--error", "notice--news"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.detail = ""
        self.message = ""
        self.is_error = False
        self.stays_until = 0.0
        """Until when nobody but the user takes the message back, on the monotonic clock."""

    def show_detail(self, text: str) -> None:
        """Set what stands here while there is no message."""
        self._change(text, self.message, self.is_error)

    def say(self, text: str, *, for_s: float = 0.0) -> None:
        """Tell what was done, for so long at least; `""` takes the message back."""
        self.stays_until = time.monotonic() + for_s
        self._change(self.detail, text, False)

    def complain(self, text: str) -> None:
        """Tell what went wrong, whole, on as many lines as it takes."""
        self._change(self.detail, text, True)

    def _change(self, detail: str, message: str, is_error: bool) -> None:
        if (detail, message, is_error) == (self.detail, self.message, self.is_error):
            return
        before = len(self._lines(self.size.width))
        self.detail, self.message, self.is_error = detail, message, is_error
        self.refresh(layout=len(self._lines(self.size.width)) != before)

    def _lines(self, width: int) -> list[str]:
        mark = "✗ " if self.is_error and self.message else ""
        lines = wrap(mark + plain(self.message or self.detail), max(10, width)) or [""]
        return [*lines[: _LINES - 1], " ".join(lines[_LINES - 1 :])] if len(lines) > _LINES else lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        lines = self._lines(width)
        look = "detail" if not self.message else "error" if self.is_error else "news"
        style = self.get_component_rich_style(f"notice--{look}")
        return Strip([Segment(fit(lines[y] if y < len(lines) else "", width), style)])

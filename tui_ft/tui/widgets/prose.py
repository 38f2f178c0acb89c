"""A scrolling panel of sentences and small tables: lines break between words."""

from __future__ import annotations

from textwrap import wrap as wrap_words

from tui_ft.tui.widgets.text_panel import TextPanel


class Prose(TextPanel):
    """A text panel for text that we wrote: long lines break between words and keep their indentation."""

    def _wrap(self) -> None:
        width = max(self.size.width - 2, 1)
        self._rows = [(piece, kind) for text, kind in self._entries for piece in broken(text, width)]

    def set_title(self, title: str) -> None:
        """Change the title; the text stays where it is."""
        if title != self._title:
            self._title = title
            self._show()


def broken(text: str, width: int) -> list[str]:
    """Cut a line between words; the pieces that follow stand under the first one's text."""
    if len(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    return wrap_words(text, width, initial_indent="", subsequent_indent=indent) or [""]

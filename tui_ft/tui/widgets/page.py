"""A page of facts that scrolls: names on the left, what is known on the right, wrapped under itself."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.text_panel import Entry, TextPanel

_TAB = "\t"


class Fact(NamedTuple):
    """A line of the page. `name` is "" for what belongs to the line above; `look` is a kind of the panel."""

    name: str
    text: str
    look: str = ""
    is_whole: bool = False
    """Not wrapped between words: a command or a path, which is copied."""


class Page(TextPanel):
    """Shows facts; what was seen stays where it is when only a number changes."""

    def __init__(self, title: str, *, name_width: int = 10, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self._name_width = name_width

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        self.set_entries(
            [
                (f"{fact.name}{_TAB}{'w' if fact.is_whole else ''}{_TAB}{plain(fact.text)}", fact.look)
                for fact in facts
            ]
        )

    def _wrap(self) -> None:
        names, width = self._name_width, max(self.size.width - 2 - self._name_width, 10)
        self._rows = [row for text, look in self._entries for row in _laid_out(text, look, names, width)]


def _laid_out(line: str, look: str, names: int, width: int) -> list[Entry]:
    name, whole, text = line.split(_TAB, 2)
    if whole:
        pieces = [text[start : start + width] for start in range(0, len(text), width)] or [""]
    else:
        pieces = wrap(text, width) or [""]
    return [(fit(name if not row else "", names) + piece, look) for row, piece in enumerate(pieces)]

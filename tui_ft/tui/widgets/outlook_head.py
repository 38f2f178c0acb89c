"""What the draft comes to, in four lines: memory with its bar and verdict, work, time and money."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.lines import Line, Lines, Piece, pack
from tui_ft.tui.widgets.memory_bars import memory_bar
from tui_ft.tui.wizard.live import Outlook
from tui_ft.tui.wizard.live_words import (
    cost_text,
    epochs_text,
    memory_text,
    steps_text,
    time_text,
    tokens_text,
    verdict_piece,
)

_LABEL = 8
_BAR_AT_MOST = 40
_WORDS = 46
"""Cells that the words of the memory line take at the most."""


class OutlookHead(Lines):
    """Follows every change; only the stretches that read differently are painted again."""

    DEFAULT_CSS = """
    OutlookHead {
        height: 4;
        & > .lines--others { color: $text-disabled; }
        & > .lines--wall { color: $foreground; }
        & > .lines--free { color: $foreground; }
        & > .lines--own-fits { color: $text-success; }
        & > .lines--own-tight { color: $text-warning; }
        & > .lines--own-does_not_fit { color: $text-error; }
        & > .lines--own-unknown { color: $text-primary; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--others", "lines--wall", "lines--free", "lines--own-fits", "lines--own-tight",
        "lines--own-does_not_fit", "lines--own-unknown",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.outlook: Outlook | None = None

    def show(self, outlook: Outlook) -> None:
        """Show another outlook."""
        self.outlook = outlook
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        if self.outlook is not None:
            self.set_lines(outlook_lines(self.outlook, self.size.width or self.app.size.width))
        else:
            self.set_lines([_line("Memory", [("computing …", "muted")], 40)])


def outlook_lines(outlook: Outlook, width: int) -> list[Line]:
    """The four lines, each in at most `width` cells."""
    time, money = outlook.pace, outlook.cost
    partly = [("of a check that was ended early", "warn")] if outlook.volume.is_partial else []
    return [
        _memory_line(outlook, width),
        _line(
            "Work",
            [
                (f"{steps_text(outlook)}, {epochs_text(outlook)}", "strong"),
                (tokens_text(outlook.volume), ""),
                *partly,
            ],
            width,
        ),
        _line("Time", [(time_text(time), "strong"), (plain(time.text), "muted")], width),
        _line("Cost", [(cost_text(money), "strong"), (plain(money.text), "muted")], width),
    ]


def _memory_line(outlook: Outlook, width: int) -> Line:
    found = outlook.assessment
    words: list[Piece] = [(memory_text(outlook), "strong")]
    if found is None:
        return _line("Memory", [(memory_text(outlook), "bad" if outlook.problem else "")], width)
    if found.total_bytes and found.free_bytes is not None:
        bar = memory_bar(
            found.estimate.needed_bytes, found.verdict, found.total_bytes, found.free_bytes,
            min(max(width - _LABEL - _WORDS, 12), _BAR_AT_MOST),
        )  # fmt: skip
        pieces = [(f" {'Memory':<{_LABEL - 1}}", "muted"), *bar, (" ", "")]
        used = sum(len(text) for text, _ in pieces)
        rest = pack([verdict_piece(outlook), *words_without_verdict(outlook)], max(width - used, 1))
        return (*pieces, *rest)
    return _line("Memory", [verdict_piece(outlook), *words], width)


def words_without_verdict(outlook: Outlook) -> list[Piece]:
    """What is needed and free; the GPU's name where there is room."""
    text = memory_text(outlook).partition(":")[0]
    return [
        (text, "strong"),
        (f"on {plain(outlook.gpu).removeprefix('NVIDIA ')}" if outlook.gpu else "", "muted"),
    ]


def _line(label: str, pieces: list[Piece], width: int) -> Line:
    head: Piece = (f" {label:<{_LABEL - 1}}", "muted")
    room = max(width - _LABEL, 1)
    first, *rest = pieces
    line = list(pack([first], room))
    left = room - sum(len(text) for text, _ in line)
    for text, kind in rest:  # what is behind is cut, not left out: it says what the number rests on
        if left > 8 and text:
            shown = fit(text, min(left - 2, len(text)))
            line += [("  ", ""), (shown, kind)]
            left -= 2 + len(shown)
    return (head, *line)

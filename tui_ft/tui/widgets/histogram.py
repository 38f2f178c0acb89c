"""How long the rows of a data set are, as bars; what the length of the training cuts is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.lines import Line, Lines

if TYPE_CHECKING:
    from tui_ft.data.findings import Lengths

_FRAME = 3
"""Lines that are no bar: the title, the end of the length, the percentiles."""


class Histogram(Lines):
    """A title, one bar a length, and the percentiles."""

    DEFAULT_CSS = "Histogram { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[Lengths | None, int | None] = (None, None)

    def show(self, lengths: Lengths | None, max_length: int | None) -> None:
        """Show `lengths`; `max_length` (tokens) counts only where they are in tokens, too."""
        self._shown = (lengths, max_length)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        self.set_lines(histogram_lines(*self._shown, self.size.width, self.size.height))


def histogram_lines(lengths: Lengths | None, max_length: int | None, width: int, height: int) -> list[Line]:
    """Return the lines in `width` cells and at most `height` of them; neighbouring bars are joined to fit."""
    if lengths is None or width < 16 or height < 2:
        return [((_ruled("Length of the rows: not known yet", width), "muted"),)]
    limit = max_length if lengths.unit == "tokens" else None
    bars = _joined(lengths.histogram, max(height - _FRAME, 1))
    name = max((len(f"≤{upper:,}") for upper, _ in bars), default=2)
    count = max((len(f"{rows:,}") for _, rows in bars), default=1)
    longest = max((rows for _, rows in bars), default=1) or 1
    room = max(width - name - count - 5, 1)
    lines: list[Line] = [((_ruled(f"Length in {lengths.unit}", width), "muted"),)]
    lower = 0
    is_over = limit is None
    for upper, rows in bars:
        if not is_over and limit is not None and upper > limit:
            lines.append(_wall(limit, width))
            is_over = True
        is_cut = limit is not None and upper > limit and lower >= limit
        is_part = limit is not None and lower < limit < upper
        cells = _cells(rows, longest, room)
        bar = ("▒" if is_cut or is_part else "█") * cells if rows else "·"
        kind = "warn" if is_cut or is_part else "live"
        label = fit(f"≤{upper:,}", name, right=True)
        lines.append(((f" {label} ", ""), (bar, kind), (f" {rows:,}", "muted")))
        lower = upper
    tail = f" half ≤{lengths.p50:,} · 95 % ≤{lengths.p95:,} · longest {lengths.max:,}"
    if len(tail) > width:
        tail = f" p50 {lengths.p50:,} p95 {lengths.p95:,} max {lengths.max:,}"
    lines.append(((fit(tail, width), "muted"),))
    return lines[:height]


def _wall(limit: int, width: int) -> Line:
    text = f"✂ cut at {limit:,} "
    return ((fit(f" {text}", width) if len(text) + 1 > width else f" {text}" + "╌" * (width - len(text) - 1),
             "warn"),)  # fmt: skip


def _ruled(title: str, width: int) -> str:
    text = f"─ {title} "
    return fit(text, width) if len(text) > width else text + "─" * (width - len(text))


def _cells(rows: int, longest: int, room: int) -> int:
    """What a bar takes; a row is never drawn as none."""
    return max(round(room * rows / longest), 1) if rows else 0


def _joined(histogram: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Leave out empty bars at both ends; join the neighbours with the fewest rows until `most` are left."""
    bars = [(upper, rows) for upper, rows in histogram]
    while bars and not bars[-1][1]:
        bars.pop()
    while bars and not bars[0][1]:
        bars.pop(0)
    bars = [bar for at, bar in enumerate(bars) if bar[1] or bars[at + 1][1]]  # one bar for an empty stretch
    while len(bars) > most:
        at = min(range(len(bars) - 1), key=lambda place: bars[place][1] + bars[place + 1][1])
        bars[at : at + 2] = [(bars[at + 1][0], bars[at][1] + bars[at + 1][1])]
    return bars

"""Rows of several charts beside each other as one line of the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui_ft.tui.widgets.chart import Cell


def strip_of(
    pieces: Iterable[tuple[int, Sequence[Cell]]], width: int, look: Callable[[str], Style], base: Style
) -> Strip:
    """Return one line of `width` cells: each piece begins at its column, blanks in `base` between them."""
    segments: list[Segment] = []
    at = 0
    for x, cells in sorted(pieces, key=itemgetter(0)):
        if x > at:
            segments.append(Segment(" " * (x - at), base))
        for kind, run in groupby(cells, key=itemgetter(1)):
            segments.append(Segment("".join(map(itemgetter(0), run)), look(kind)))
        at = x + len(cells)
    return Strip(segments).adjust_cell_length(width, base)

"""A key bar that fills the room it has with keys that work but need not be seen, the most wanted first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip

from tui_ft.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen

Shown = tuple[str, str, str]
"""A key as it is shown, what it does, and the key to press."""


class FullKeyBar(KeyBar):
    """The keys of a `KeyBar`, then those of `more` (ids of bindings) that fit, on one line or two."""

    def __init__(self, more: Sequence[str], *, shows: Callable[[Binding], bool] | None = None) -> None:
        super().__init__(palette=False, shows=shows)
        self._more = more
        self._rows: list[list[Shown]] = [[], []]

    def _take(self, screen: Screen[object]) -> None:
        super()._take(screen)
        self._fill(screen)

    def on_resize(self) -> None:
        super().on_resize()
        self._fill(self.screen)

    def _fill(self, screen: Screen[object]) -> None:
        active = {one.binding.id: one.binding for one in screen.active_bindings.values() if one.enabled}
        there = {press for _, _, press in self._keys}
        wanted = [active[name] for name in self._more if name in active and self._is_wanted(active[name])]
        wanted = [binding for binding in wanted if binding.key not in there]
        more = [(self.app.get_key_display(one), one.description, one.key) for one in wanted]
        first, second = list(self._keys), list[Shown]()
        row = first
        if self.size.height > 1:
            row, palette = second, ("^p", "Palette", self.app.COMMAND_PALETTE_BINDING)
            first += [palette] if self._fits([*first, palette]) else []
        while more and self._fits([*row, more[0]]):
            row.append(more.pop(0))
        if [first, second] != self._rows:
            self._rows = [first, second]
            self.refresh()

    def render_line(self, y: int) -> Strip:
        key_style = self.get_component_rich_style("key-bar--key")
        what_style = self.get_component_rich_style("key-bar--what")
        segments: list[Segment] = []
        for key, what, _ in self._placed(y):
            segments += [Segment(key, key_style), Segment(what, what_style)]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _placed(self, y: int) -> list[Shown]:
        """The keys of a line; the keys alone where their words are too long, so that none is lost."""
        if y >= len(self._rows):
            return []
        row, width = self._rows[y], self.size.width
        fits = self._fits(row, width)
        used = sum(cell_len(key) + cell_len(what) + 1 for key, what, _ in row)
        gap = "  " if used + 2 * (len(row) - 1) <= width else " "
        return [(key, (f" {what}" if fits else "") + gap, press) for key, what, press in row]

    async def on_click(self, event: events.Click) -> None:
        placed = self._placed(event.y)
        edges = [0]
        for key, what, _ in placed:
            edges.append(edges[-1] + cell_len(key + what))
        for (start, end), (_, what, press) in zip(pairwise(edges), placed, strict=True):
            if start <= event.x < end - (len(what) - len(what.rstrip())):
                self.app.simulate_key(press)
                return

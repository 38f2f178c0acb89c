"""The lines of panels as they are drawn, along an axis and smoothed: kept from one drawing to the next."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_ft.watch.panels import Line
from tui_ft.watch.series import Curve

if TYPE_CHECKING:
    from tui_ft.watch.axes import Along, X
    from tui_ft.watch.smoothing import Smoothed

PICTURE_S = 5.0
"""A picture is drawn once, so that its lines are smoothed to their ends."""

SMOOTHING_S = 0.015
"""A drawing takes no longer than this for smoothing long lines; the rest follows by and by."""


@dataclass
class _Made:
    source: Curve
    curve: Along | Smoothed
    is_used: bool = True


class LineStore:
    """Makes a line along another axis, or its smoothed one, once, and takes in what is new later."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str], _Made] = {}
        self.is_behind = False
        """True when a line of the last drawing was not yet smoothed to its end."""
        self._until = 0.0

    def begin(self, budget_s: float = SMOOTHING_S) -> None:
        """A new drawing begins, which may smooth for `budget_s` seconds."""
        self.is_behind = False
        self._until = time.monotonic() + budget_s
        for made in self._made.values():
            made.is_used = False

    def end(self) -> None:
        """Forget what this drawing did not use: it would grow with every axis and weight tried."""
        self._made = {key: made for key, made in self._made.items() if made.is_used}

    def along(self, line: Line, x: X) -> Curve | None:
        """The line over the axis `x`; None where its run does not know that axis."""
        if x == "step":
            return line.series
        known = self._get((id(line.series), x), line.series)
        if known is not None:
            known.update()
            return known
        if line.reading is None:
            return None
        from tui_ft.watch import axes

        made = axes.along(line.series, line.reading, x)
        if isinstance(made, axes.Along):
            self._made[id(line.series), x] = _Made(line.series, made)
        return made

    def smoothed(self, curve: Curve, weight: float) -> Curve:
        """The smoothed line of one that `along` gave."""
        from tui_ft.watch.smoothing import Smoothed

        key = (id(curve), f"{weight}")
        known = self._get(key, curve)
        made = known if isinstance(known, Smoothed) else Smoothed(curve, weight)
        if made is not known:
            self._made[key] = _Made(curve, made)
        self.is_behind = not made.update(max(self._until - time.monotonic(), 0.0)) or self.is_behind
        return made

    def _get(self, key: tuple[int, str], source: Curve) -> Along | Smoothed | None:
        made = self._made.get(key)
        if made is None or made.source is not source:
            return None
        made.is_used = True
        return made.curve

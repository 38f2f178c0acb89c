"""Numbers that a loop keeps beside its progress bar: `Epoch 1/3:  50%|…| 50/100 […, loss=0.3]`."""

from __future__ import annotations

import re

from tui_ft.watch.sources.plain_lines import PlainRow, read_plain
from tui_ft.watch.sources.tqdm_bars import Bar

MOST_LABELS = 64
_TORCHTUNE = re.compile(r"^([0-9]{1,9})\|([0-9]{1,12})\|")
"""torchtune: `1|25|Loss: 1.98`, the epoch and the step before the loss."""


class Rounds:
    """How often a bar was full and began again: a bar for each epoch that names none."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], tuple[int, int]] = {}

    def see(self, bar: Bar) -> int:
        """Take one drawing; return which round this is, from 0 on."""
        key = (bar.label, bar.total)
        if key not in self._last and len(self._last) >= MOST_LABELS:
            self._last.clear()
        n, rounds = self._last.get(key, (0, 0))
        rounds += bar.n < n == bar.total
        self._last[key] = (bar.n, rounds)
        return rounds


def row_of_bar(bar: Bar, rounds: int = 0) -> PlainRow | None:
    """Return the row that stands beside a bar; None where there is no loss. A bar's own step counts it.

    From the second of its `rounds` on they count as epochs, where the bar names none.
    """
    if "oss" not in bar.postfix and "oss" not in bar.label:
        return None
    row = read_plain(f"{bar.label} {bar.postfix}")
    if row is None or not row.has_loss:
        return None
    place, told = row.place, _TORCHTUNE.match(bar.label)
    if told is not None:
        place.epoch, place.step = float(told[1]), int(told[2])
    elif place.step is None:
        place.step, place.total = bar.n, bar.total
        if place.epoch is None and rounds:
            place.epoch = rounds + 1.0
        place.per_epoch = bar.total if place.epoch is not None else None
    return row

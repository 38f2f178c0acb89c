"""Numbers that a loop keeps beside its progress bar: `Epoch 1/3:  50%|…| 50/100 […, loss=0.3]`."""

from __future__ import annotations

import re

from tui_ft.watch.sources.plain_lines import PlainRow, read_plain
from tui_ft.watch.sources.tqdm_bars import Bar

_TORCHTUNE = re.compile(r"^([0-9]{1,9})\|([0-9]{1,12})\|")
"""torchtune: `1|25|Loss: 1.98`, the epoch and the step before the loss."""


def row_of_bar(bar: Bar) -> PlainRow | None:
    """Return the row that stands beside a bar; None where there is no loss. A bar's own step counts it."""
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
        place.per_epoch = bar.total if place.epoch is not None else None
    return row

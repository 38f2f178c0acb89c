"""The numbers of a run: each in a place of its own, so that only the digits that changed are sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.lines import Line, Lines, Piece
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import steady_label

COLUMNS = 5
WIDE_COLUMN = 22
"""From this width of a column on, names are written out."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number: its name, the short name for narrow terminals, and the text of its value."""

    name: str
    short: str
    value: str
    is_bad: bool = False


class Numbers(Lines):
    """Two lines of five numbers."""

    DEFAULT_CSS = "Numbers { height: 2; }"

    def show(self, reading: Reading) -> None:
        self.set_lines(number_lines(numbers_of(reading), self.size.width))


def number_lines(numbers: Sequence[Number], width: int) -> list[Line]:
    """Lay numbers out in columns of equal width."""
    column = max(width // COLUMNS, 1)
    lines: list[Line] = []
    for start in range(0, len(numbers), COLUMNS):
        pieces: list[Piece] = []
        for number in numbers[start : start + COLUMNS]:
            name = number.name if column >= WIDE_COLUMN else number.short
            room = max(column - len(name) - 3, 0)
            pieces += [
                (f" {name} ", "muted"),
                (fit(number.value, room), "bad" if number.is_bad else "strong"),
                (" ", ""),
            ]
        lines.append(tuple(pieces))
    return lines


def numbers_of(reading: Reading) -> list[Number]:
    """The ten numbers of a reading; one that is not known is a dash."""
    memory = reading.last("gpu_memory_gib")
    peak, peak_name = (memory, "peak memory") if memory is not None else (reading.last("rss_gib"), "memory")
    checkpoint = max((kept.step for kept in reading.checkpoints), default=None)
    return [
        _number("loss", "loss", reading.last("loss")),
        _number("gradient norm", "grad", reading.last("grad_norm")),
        _number("learning rate", "lr", reading.last("learning_rate")),
        _number("eval loss", "eval", reading.last("eval_loss")),
        _number("perplexity", "ppl", reading.last("perplexity")),
        Number(name="tokens/s", short="tok/s", value=_count(reading.last("tokens_per_s"))),
        Number(name="tokens", short="tokens", value=_count(reading.last("tokens"))),
        _number("accuracy", "acc", reading.last("mean_token_accuracy")),
        Number(name=peak_name, short="mem", value="–" if peak is None else f"{peak:.2f} GiB"),
        Number(name="checkpoint", short="saved", value="–" if checkpoint is None else f"{checkpoint}"),
    ]


def _number(name: str, short: str, value: float | None) -> Number:
    text = "–" if value is None else steady_label(value)
    return Number(name=name, short=short, value=text, is_bad=value is not None and not math.isfinite(value))


def _count(value: float | None) -> str:
    """Return a count with at most three digits and a unit: 950, 12.3k, 1.20M."""
    if value is None or not math.isfinite(value):
        return "–"
    for limit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (limit if name != 'k' else 1e3):.3g}{name}"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"

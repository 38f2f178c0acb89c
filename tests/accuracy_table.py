"""The table of predicted beside measured GPU memory, and the search for the least memory that suffices."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run, in bytes; None is not known. `capacity` is the least device memory it was seen to run in."""

    what: str
    predicted: int
    needed: int
    shown: int
    measured: int
    reserved: int
    context: int | None
    simulated: int | None = None
    capacity: int | None = None

    @property
    def error(self) -> float:
        """Of the predicted allocated bytes, in percent of the measured ones."""
        return 100 * (self.predicted / self.measured - 1)

    @property
    def shown_error(self) -> float | None:
        """Of what nvidia-smi was to show, in percent of what it showed."""
        if self.context is None:
            return None
        return 100 * (self.shown / (self.reserved + self.context) - 1)

    @property
    def margin(self) -> float | None:
        """What was said to be needed, as a share of what tensors and context surely took."""
        return None if self.context is None else self.needed / (self.measured + self.context)


@dataclass
class AccuracyTable:
    """Rows in the order in which they were measured; `place` says on what."""

    place: str = ""
    rows: list[Row] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The table for a terminal, MiB, with its summary."""
        head = (
            f"{'run':<26} {'predicted':>10} {'measured':>10} {'off %':>7} {'needed':>8} {'reserved':>9} "
            f"{'context':>8} {'smi off %':>9} {'simulated':>10} {'runs in':>8}"
        )
        return [self.place, head, *map(_line, self.rows), *self._summary()]

    def _summary(self) -> list[str]:
        told = []
        for name, errors in (
            ("allocated", [row.error for row in self.rows]),
            ("nvidia-smi", [row.shown_error for row in self.rows if row.shown_error is not None]),
        ):
            if errors:
                middle = statistics.median(map(abs, errors))
                told.append(
                    f"{name}: n {len(errors)}, median {middle:.2f} %, worst under {min(errors):+.2f} %, "
                    f"worst over {max(errors):+.2f} %"
                )
        margins = [row.margin for row in self.rows if row.margin is not None]
        if margins:
            told.append(f"needed over (allocated + context): least {min(margins):.3f}")
        return told


def _line(row: Row) -> str:
    return (
        f"{row.what:<26} {_mib(row.predicted):>10} {_mib(row.measured):>10} {row.error:>+7.2f} "
        f"{_mib(row.needed):>8} {_mib(row.reserved):>9} {_mib(row.context):>8} "
        f"{_signed(row.shown_error):>9} {_mib(row.simulated):>10} {_mib(row.capacity):>8}"
    )


def _mib(size: int | None) -> str:
    return "–" if size is None else f"{size / MIB:.0f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def least_that_suffices(low: int, high: int, tolerance: int, suffices: Callable[[int], bool]) -> int | None:
    """The least of `low` … `high` with which it goes, to within `tolerance`; None if not even `high` does.

    `low` is known not to suffice.
    """
    if not suffices(high):
        return None
    while high - low > tolerance:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle
    return high

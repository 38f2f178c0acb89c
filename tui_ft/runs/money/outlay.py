"""What the attempts of a run have cost: each at the price of the GPU that it had, times its own GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money.hired import gpu_of
from tui_ft.runs.money.prices import Amount, Rate, amount, rate_here
from tui_ft.runs.records import LaunchRecord
from tui_ft.runs.small_file import read_small


class Outlay:
    """Adds up the attempts of one run; what an attempt ran on is read once it says so."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._names: dict[int, str] = {}
        self._counts: dict[int, int] = {}

    def gpu(self, attempt: int) -> str | None:
        """The name of the attempt's GPU, "" for the CPU. One that is only just loading says nothing yet: it
        counts like the one before. None where neither says.
        """
        for number in (attempt, attempt - 1):
            if number not in self._names and (name := gpu_of(self._run.attempt(number))) is not None:
                self._names[number] = name
            if number in self._names:
                return self._names[number]
        return None

    def spent(self, held: Mapping[int, float], newest: Rate, gpus: int) -> Amount:
        """What the attempts of `held` (seconds, by number) cost. An attempt of which no GPU, no price, or
        another currency is known counts at the rate `newest`; one that does not say how many GPUs it had,
        with `gpus`.
        """
        rates: dict[str, Rate] = {}
        parts = []
        for attempt, seconds in held.items():
            name = self.gpu(attempt)
            if name is not None and name not in rates:
                found, _ = rate_here(name)
                rates[name] = found if found is not None and found.currency == newest.currency else newest
            rate = newest if name is None else rates[name]
            parts.append(amount(rate, seconds, self._count(attempt, gpus)))
        return total(parts, newest.currency)

    def _count(self, attempt: int, otherwise: int) -> int:
        if attempt not in self._counts:
            try:
                record = msgspec.json.decode(read_small(self._run.attempt(attempt).launch), type=LaunchRecord)
            except (OSError, ValueError, RecursionError):
                return otherwise
            if record.gpus is None:
                return otherwise
            self._counts[attempt] = max(len(record.gpus), 1)
        return self._counts[attempt]


def total(parts: Iterable[Amount], currency: str) -> Amount:
    """The sum of amounts in `currency`."""
    low = high = 0.0
    for part in parts:
        low, high = low + part.low, high + part.high
    return Amount(low, high, currency)

"""Money for nothing: how long the machine has stood idle since the last run ended, and what that cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tui_ft.hardware import processes
from tui_ft.hardware.gpu import GpuReading, read_gpus
from tui_ft.runs import truth
from tui_ft.runs.after import machine_use
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money.prices import Amount, amount, rate_here
from tui_ft.runs.records import ENDED, StateRecord
from tui_ft.runs.spoken import spoken

LEAST_S = 300.0
"""Of less nobody needs to hear."""

AGAIN = (1, 4, 16, 48)
"""It is told after so many times `idle_minutes`, then no more."""


@dataclass(frozen=True, kw_only=True)
class Idle:
    """`seconds` since `run` ended, nothing of ours since; `cost` None where no price is known."""

    run: str
    seconds: float
    gpus: int
    cost: Amount | None
    an_hour: Amount | None

    @property
    def text(self) -> str:
        """One line for people."""
        since = f"idle {spoken(self.seconds)} since the last run ended"
        if self.cost is None or self.an_hour is None:
            return since
        return f"{since}: about {self.cost.text} at {self.an_hour.text} an hour"


def idle_now(root: Path, now: float, reading: GpuReading | None = None) -> Idle | None:
    """Return how long this machine has been idle at `now` (unix seconds); None while something goes on.

    It counts from the last end of a run of ours in this boot; what others do on the GPUs counts as seen now.
    """
    states = machine_use.states_here(machine_use.roots_here(root))
    last = _last_end(states)
    if last is None or machine_use.goes_on_among(states, now) is not None:
        return None
    reading = read_gpus() if reading is None else reading
    if machine_use.busy_with(reading):
        return None
    run, ended_at = last
    boot = processes.boot_time()
    seconds = now - max(ended_at, boot if boot is not None else ended_at)
    return Idle(
        run=run.id, seconds=max(seconds, 0.0), gpus=len(reading.gpus),
        cost=_cost(reading, seconds), an_hour=_cost(reading, 3600.0),
    )  # fmt: skip


def _last_end(states: Iterable[tuple[RunDirectory, StateRecord]]) -> tuple[RunDirectory, float] | None:
    """The run that ended last in this boot of this machine, and when."""
    ends = [
        (state.ended_at, run)
        for run, state in states
        if state.status in ENDED and state.ended_at is not None and truth.is_here(state)
    ]
    if not ends:
        return None
    ended_at, run = max(ends, key=lambda end: end[0])
    return run, ended_at


def _cost(reading: GpuReading, seconds: float) -> Amount | None:
    """A machine is paid for with all its GPUs, used or not."""
    name = reading.gpus[0].name if reading.gpus else ""
    rate, _ = rate_here(name)
    return amount(rate, seconds, max(len(reading.gpus), 1)) if rate is not None else None


class Patience:
    """Counts how long nothing has happened; anything that does starts it anew. `now` is monotonic."""

    def __init__(self, now: float, seconds: float) -> None:
        self._since = now
        self._seconds = seconds
        self._told = 0

    def look(self, now: float, busy: str) -> tuple[bool, bool]:
        """Return whether it has been idle long enough, and whether that is worth telling (again)."""
        if busy:
            self._since, self._told = now, 0
            return False, False
        idle_s = now - self._since
        due = sum(idle_s >= self._seconds * times for times in AGAIN)
        is_news, self._told = due > self._told, max(due, self._told)
        return due > 0, is_news

    @property
    def has_said_all(self) -> bool:
        """True once everything was told."""
        return self._told >= len(AGAIN)

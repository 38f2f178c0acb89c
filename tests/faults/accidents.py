"""Who plays which kind of case."""

from __future__ import annotations

from collections.abc import Callable

from faults import cold, cuts, doubles, instants, limits, moved, power
from faults.plan import Case
from faults.playing import Play


def player(case: Case) -> Callable[[Play], None]:
    return _PLAYERS[case.kind]


_PLAYERS: dict[str, Callable[[Play], None]] = {
    "signal": Play.play, "operation": instants.operation, "power": power.power, "reboot": power.reboot,
    "clock": moved.clock, "nan": moved.nan, "memory": limits.memory, "disk": limits.disk, "two": doubles.two,
    "paused": instants.paused, "cut": cuts.cut, "cold": cold.play_cold,
}  # fmt: skip

"""Who plays which kind of case."""

from __future__ import annotations

from collections.abc import Callable

from faults.oracle import Skipped
from faults.plan import Case
from faults.playing import Play


def player(case: Case) -> Callable[[Play], None]:
    if case.kind not in _PLAYERS:
        raise Skipped("later")
    return _PLAYERS[case.kind]


_PLAYERS: dict[str, Callable[[Play], None]] = {"signal": Play.play}

"""The Settings step from outside: from a key to the last byte, estimate, steps, time and cost among them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from budget_table import BudgetTable, percentile
from terminal_session import DOWN, ENTER, ESCAPE, UP, TerminalSession

pytestmark = pytest.mark.benchmark

RIGHT, LEFT = "\x1b[C", "\x1b[D"
BACKSPACE = "\x7f"
_APP = Path(__file__).with_name("settings_app.py")
IDLE_S = 20.0


def open_settings(root: Path, environment: dict[str, str], **options: object) -> TerminalSession:
    command = [sys.executable, str(_APP), str(root)]
    return TerminalSession(command, environment=environment, **options)  # type: ignore[arg-type]


def timed(session: TerminalSession, keys: list[str]) -> list[float]:
    """Milliseconds from each key to the last byte that followed it."""
    found = []
    for key in keys:
        answer = session.time_key(key)
        assert answer is not None, f"{key!r} was not answered"
        found.append(1e3 * answer.settled_s)
    return found


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_keys(
    table: BudgetTable, thousand_runs: Path, environment: dict[str, str], columns: int, rows: int
) -> None:
    with open_settings(thousand_runs, environment, columns=columns, rows=rows) as session:
        session.run_until_text("steps of 16 rows")
        session.run_until_quiet(1.0)
        moves = timed(session, [DOWN] * 13 + [UP] * 8)
        steps = timed(session, [LEFT, LEFT, *([RIGHT] * 7)])  # the rank; memory follows
        typed = timed(session, ["3", "2", "0", BACKSPACE, BACKSPACE, "6", ENTER])
        typed += timed(session, [UP, "1", "2", BACKSPACE, "6"])
        session.time_key(ESCAPE)  # a lone ESC is told from a longer sequence by waiting: not our time
        switches = timed(session, ["a", DOWN, UP, "a", "u", "u"])
    at = f"{columns}x{rows}"
    changes = steps + typed
    note = f"{len(changes)} keys that change a value, until all numbers followed"
    table.at_most(f"key to redraw, Settings {at}: p50", percentile(changes, 50), 16, "ms", note)
    table.at_most(
        f"key to redraw, Settings {at}: p95", percentile(changes, 95), 50, "ms", f"most {max(changes):.0f}"
    )
    every = moves + changes + switches
    table.at_most(
        f"  with moves and switches {at}: p95", percentile(every, 95), 50, "ms", f"{len(every)} keys"
    )


def test_idle(table: BudgetTable, thousand_runs: Path, environment: dict[str, str]) -> None:
    with open_settings(thousand_runs, environment) as session:
        session.run_until_text("steps of 16 rows")
        session.run_for(3.0)
        window = session.window(IDLE_S)
    table.at_most("idle Settings: bytes", window.bytes_per_s, 0, "B/s")
    table.at_most("idle Settings: CPU", window.cpu_percent, 0.5, "%")

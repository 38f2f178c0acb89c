"""The money of a run as facts on a page."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import NamedTuple

from tui_ft.runs.money.bill import Bill
from tui_ft.runs.money.bill_words import SHUTDOWN_NOTE, Entry, entries, savings, usual_rents
from tui_ft.runs.money.idle import LEAST_S, Idle
from tui_ft.tui.widgets.page import Fact

_AMOUNTS = 13
"""Cells of an amount: a range of four digits fits."""


class Purse(NamedTuple):
    """What the screen shows: the bill, how long the machine is idle, and whether the run's end has a plan."""

    bill: Bill
    idle: Idle | None
    has_plan: bool


def money_facts(purse: Purse, width: int) -> Iterator[Fact]:
    """The bill, a bar of the budget, what idling costs, what would save, and the dated rents."""
    for entry in entries(purse.bill):
        yield from _lines(entry, width)
    bar = _bar(purse.bill, width)
    if bar:
        yield Fact("", bar)
    if purse.idle is not None and purse.idle.seconds >= LEAST_S:
        yield Fact("idle", purse.idle.text, "warn")
    hints = list(savings(purse.bill, has_plan=purse.has_plan))
    if hints:
        yield Fact("", "")
    for at, hint in enumerate(hints):
        yield Fact("cheaper" if at == 0 else "", hint)
    yield Fact("", "")
    for entry in usual_rents():
        yield from _lines(entry._replace(look="muted"), width)
    yield Fact("", SHUTDOWN_NOTE, "muted")


def _lines(entry: Entry, width: int) -> Iterator[Fact]:
    """An entry with its basis wrapped beside the amount."""
    indent = _AMOUNTS if entry.amount else 0
    pieces = wrap(entry.basis, max(width - indent, 10)) or [""]
    for at, piece in enumerate(pieces):
        amount = entry.amount if at == 0 else ""
        yield Fact(entry.name if at == 0 else "", f"{amount:<{indent}}{piece}", entry.look)


def _bar(bill: Bill, width: int) -> str:
    """How much of the budget is spent, and how much all is expected to take."""
    if bill.budget is None or bill.spent is None or width < 10:
        return ""
    cells = min(width, 50)
    spent = round(min(bill.spent.high / bill.budget, 1.0) * cells)
    expected = spent
    if bill.in_all is not None:
        expected = max(round(min(bill.in_all.high / bill.budget, 1.0) * cells), spent)
    return "█" * spent + "▒" * (expected - spent) + "·" * (cells - expected)

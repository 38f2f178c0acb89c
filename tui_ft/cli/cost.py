"""`tui-ft cost`: what a run has cost, and what it will."""

from __future__ import annotations

import argparse
import textwrap
import time
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines

if TYPE_CHECKING:
    from tui_ft.runs.money.bill import Bill
    from tui_ft.runs.money.idle import Idle
    from tui_ft.runs.money.prices import Amount

_WIDTH = 80


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("cost", parents=[common], help="what a run has cost, and what it will")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=cost)


def cost(arguments: argparse.Namespace) -> int:
    """Print the bill; 1 where no price is known."""
    from tui_ft.runs import directory
    from tui_ft.runs.money.bill import bill_of
    from tui_ft.runs.money.idle import LEAST_S, idle_now

    root, now = settings.runs_root(arguments.runs_root), time.time()
    run = directory.find(root, arguments.run)
    bill = bill_of(run, now)
    idle = idle_now(run.path.parent, now)
    if arguments.json:
        print_json({"schema": 1, "id": run.id, **as_json(bill), "idle": _idle(idle)})
    else:
        from tui_ft.runs.money.bill_words import entries

        lines = [line for entry in entries(bill) for line in _lines(*entry[:3])]
        if idle is not None and idle.seconds >= LEAST_S:
            lines += _lines("idle", idle.cost.text if idle.cost else "–", idle.text)
        print_lines([f"{run.id}: {bill.status}", *lines])
    return 0 if bill.rate is not None else 1


def _lines(name: str, amount: str, basis: str) -> list[str]:
    """One entry, its basis wrapped beside the amount."""
    head = f"{name:11} {amount:>12}  "
    wrapped = textwrap.wrap(basis, _WIDTH - len(head)) or [""]
    return [f"{head if not at else ' ' * len(head)}{text}".rstrip() for at, text in enumerate(wrapped)]


def as_json(bill: Bill) -> dict[str, Any]:
    """A bill for scripts: amounts are {low, high, currency}, what is not known is null."""
    return {
        "status": bill.status,
        "rate": None
        if bill.rate is None
        else {
            "low": bill.rate.low,
            "high": bill.rate.high,
            "currency": bill.rate.currency,
            "basis": bill.rate.basis,
        },
        "gpu": bill.gpu,
        "gpus": bill.gpus,
        "seconds": bill.seconds,
        "left_s": bill.left_s,
        "pace_s": bill.pace_s,
        "spent": _amount(bill.spent),
        "to_finish": _amount(bill.to_finish),
        "in_all": _amount(bill.in_all),
        "per_epoch": _amount(bill.per_epoch),
        "per_thousand_steps": _amount(bill.per_thousand_steps),
        "budget": bill.budget,
        "problem": bill.problem,
    }


def _amount(amount: Amount | None) -> dict[str, Any] | None:
    return None if amount is None else amount._asdict()


def _idle(idle: Idle | None) -> dict[str, Any] | None:
    if idle is None:
        return None
    return {"since": idle.run, "seconds": idle.seconds, "cost": _amount(idle.cost), "text": idle.text}

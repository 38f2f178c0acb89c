"""The bill of a run in words, for the command and for the screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tui_ft.runs.money.bill import GOING, Bill
from tui_ft.runs.money.prices import HINTS, HINTS_OF, HINTS_SOURCE, Rate
from tui_ft.runs.recent_steps import LEAST_STEPS
from tui_ft.runs.spoken import spoken

SHUTDOWN_NOTE = (
    "A shutdown from inside ends the bill at some providers only: Lambda bills until you terminate the "
    "machine, Vast bills the disk of a stopped one."
)
"""Facts: peers, section 6."""

_DASH = "–"


class Entry(NamedTuple):
    """One line: what, how much, and what that rests on. `look` is "good", "warn", "bad" or ""."""

    name: str
    amount: str
    basis: str = ""
    look: str = ""


def entries(bill: Bill) -> Iterator[Entry]:
    """What it has cost and will cost, line by line; what is not known is a dash, with why."""
    if bill.rate is None:
        yield Entry("rate", _DASH, bill.problem, "warn")
    else:
        yield Entry("rate", *_rate(bill, bill.rate))
    yield Entry("spent", _text(bill.spent), _held(bill))
    if bill.status != "finished":
        yield Entry("to finish", _text(bill.to_finish), _left(bill))
        yield Entry("in all", _text(bill.in_all))
    if bill.per_epoch is not None:
        yield Entry("per epoch", _text(bill.per_epoch))
    if bill.per_thousand_steps is not None:
        yield Entry("1k steps", _text(bill.per_thousand_steps))
    if bill.budget is not None:
        yield _budget(bill, bill.budget)
    if bill.band is not None:
        yield Entry("usual", bill.band.text, f"{bill.band.what}, as guides have it; no date")


def _rate(bill: Bill, rate: Rate) -> tuple[str, str]:
    low, high = f"{rate.low:.2f}", f"{rate.high:.2f}"
    amount = f"{rate.currency}{low}" if low == high else f"{rate.currency}{low}–{high}"
    source = "your price" if rate.basis == "settings" else f"rents of {HINTS_OF}; set price_per_hour"
    what = f"{bill.gpus} × {bill.gpu}" if bill.gpu else "this machine, without a GPU"
    return amount, f"an hour of one GPU ({source}); {what}" if bill.gpu else f"an hour ({source}); {what}"


def _held(bill: Bill) -> str:
    attempts = "" if bill.attempts <= 1 else f" in {bill.attempts} attempts"
    return f"{spoken(bill.seconds)}{attempts}, with loading and pauses"


def _left(bill: Bill) -> str:
    if bill.left_s is None or bill.pace_s is None:
        if bill.total_steps is None:
            return "its number of steps is not known yet"
        return f"known after {LEAST_STEPS} steps of an attempt"
    steps = (bill.total_steps or 0) - (bill.step or 0)
    return f"{spoken(bill.left_s)}: {steps} steps of {pace_text(bill.pace_s)}, with evaluations and saves"


def pace_text(seconds: float) -> str:
    """The time of a step: 8.5 s, 0.09 s, 2 min."""
    return f"{seconds:.3g} s" if seconds < 90 else spoken(seconds)


def _budget(bill: Bill, budget: float) -> Entry:
    amount = f"{bill.currency}{budget:,.2f}"
    if bill.spent is None or bill.rate is None or bill.rate.basis != "settings":
        return Entry("budget", amount, "it cannot be kept without your price: set price_per_hour", "bad")
    share = bill.spent.high / budget
    used = f"{share:.0%} of it is spent"
    if bill.status not in GOING:
        return Entry("budget", amount, used, "warn" if share >= 1 else "")
    if bill.in_all is not None and bill.in_all.high <= budget:
        return Entry("budget", amount, f"{used}; it is enough", "good")
    left = bill.budget_left_s
    when = f"; in {spoken(max(left, 0.0))} it saves and stops" if left is not None else ""
    return Entry("budget", amount, used + when, "warn")


def _text(amount: object) -> str:
    return _DASH if amount is None else str(getattr(amount, "text", _DASH))


def savings(bill: Bill, *, has_plan: bool) -> Iterator[str]:
    """What would cost less, for this run as it is. `has_plan`: something is set for its end."""
    hour = bill.per_hour
    lost = bill.since_best
    if lost is not None and bill.best_step is not None and bill.step is not None:
        steps = bill.step - bill.best_step
        if steps > 0 and bill.total_steps and steps >= bill.total_steps / 10:
            at = bill.best_step
            yield f"The best evaluation was at step {at}; the {steps} steps since cost {lost.text}."
    if bill.status == "paused" and hour is not None:
        yield f"Paused it holds the GPU and costs {hour.text} an hour all the same."
    if not has_plan and hour is not None and bill.status in GOING:
        yield f"Nothing is set for its end, and idle it costs {hour.text} an hour: after.notify, after.hook."
    if bill.status in GOING:
        yield "Spot machines cost less and may go at any moment: the preset preemptible is made for them."


def usual_rents() -> Iterator[Entry]:
    """The dated table of rents, a line each; the first says of when it is."""
    yield Entry("rents", "", f"an hour of one GPU, {HINTS_OF} ({HINTS_SOURCE}); they move: yours counts")
    for hint in HINTS:
        yield Entry("", f"${hint.low:.2f}–{hint.high:.2f}", hint.gpu)

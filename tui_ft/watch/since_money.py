"""What a run has cost since a person last looked at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.watch.reading import Reading
from tui_ft.watch.seen import Seen

if TYPE_CHECKING:
    from tui_ft.runs.money.bill import Bill


def priced_bill(run: RunDirectory, now: float) -> Bill | None:
    """The bill; None where it cannot be made, or no price is set: it is shown beside other things."""
    from tui_ft import settings

    try:
        prices = settings.load()
        if prices.price_per_hour is None and not prices.price_per_gpu:
            return None
        from tui_ft.runs.money.bill import bill_of

        return bill_of(run, now)
    except (TuiFtError, OSError):
        return None


def money_since(bill: Bill | None, seen: Seen) -> str:
    """What the machine cost since the look; "" where that is not known."""
    if bill is None or bill.rate is None or seen.held_s is None:
        return ""
    from tui_ft.runs.money.prices import amount

    return amount(bill.rate, max(bill.seconds - seen.held_s, 0.0), bill.gpus).text


def money_of(reading: Reading, seen: Seen, now: float) -> str:
    """The same for a run that is read once; "" for one that is not ours."""
    if reading.source != "tui_ft":
        return ""
    return money_since(priced_bill(RunDirectory(Path(reading.path)), now), seen)

"""What an hour of a GPU costs: the rate of the user's settings, or the dated range that such ones were
rented for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tui_ft import settings
from tui_ft.errors import TuiFtError

HINTS_OF = "March to May 2026"
"""When the rents below were looked up; they move, so they are shown with this date and as a range."""

HINTS_SOURCE = "deploybase.ai, aimultiple.com, mercatus-ai.com"
"""Where (facts: domain, i)."""


class Hint(NamedTuple):
    """What one GPU was rented for an hour, in dollars: from spot or shared to a large provider's list."""

    gpu: str
    low: float
    high: float


HINTS: tuple[Hint, ...] = (
    Hint("RTX 4090", 0.34, 0.60),
    Hint("A100", 1.2, 2.5),
    Hint("H100", 2.0, 4.8),
    Hint("H200", 3.6, 6.4),
)
"""For one GPU (facts: domain, i)."""

Basis = Literal["settings", "hint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What an hour of one GPU costs; `low` and `high` are the same where the user said it."""

    low: float
    high: float
    currency: str
    basis: Basis

    @property
    def text(self) -> str:
        """The rate and where it comes from."""
        amount = f"{self.currency}{self.low:.2f}"
        if self.high != self.low:
            amount += f"–{self.high:.2f}"
        source = "your price_per_hour" if self.basis == "settings" else f"rents of {HINTS_OF}"
        return f"{amount} a GPU hour ({source})"


def rate_of(price_per_hour: float | None, gpu: str | None, currency: str = "$") -> Rate | None:
    """The user's own rate, else the dated hint for a GPU of that name; None where neither is known."""
    if price_per_hour is not None:
        return Rate(low=price_per_hour, high=price_per_hour, currency=currency, basis="settings")
    for name, low, high in HINTS if gpu else ():
        if re.search(rf"\b{re.escape(name)}\b(?! laptop)", gpu or "", re.IGNORECASE):
            return Rate(low=low, high=high, currency="$", basis="hint")
    return None


def rate_here(gpu: str | None) -> tuple[Rate | None, str]:
    """The rate for a GPU of that name ("": the CPU) by the settings, and what to do for want of one."""
    try:
        known = settings.load()
    except TuiFtError as error:
        return None, str(error)
    rate = rate_of(known.price_of(gpu), gpu, known.currency)
    if rate is not None:
        return rate, ""
    what = f"of {gpu}" if gpu else "of this machine"
    return None, f"The price {what} is not known: set price_per_hour in {settings.settings_file()}."


class Amount(NamedTuple):
    """Money, from `low` to `high`; both are the same where the rate is the user's own."""

    low: float
    high: float
    currency: str

    @property
    def text(self) -> str:
        """Such as $3.20, $0.004, or $3.20–6.40 where only a range is known."""
        low, high = _digits(self.low), _digits(self.high)
        return f"{self.currency}{low}" if low == high else f"{self.currency}{low}–{high}"


def amount(rate: Rate, seconds: float, gpus: int = 1) -> Amount:
    """Rate × time × GPUs."""
    hours = max(seconds, 0.0) / 3600 * gpus
    return Amount(rate.low * hours, rate.high * hours, rate.currency)


def _digits(value: float) -> str:
    """Cents; below a cent as many digits as it takes to say that it is something."""
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    if value >= 0.01 or value == 0:
        return f"{value:.2f}"
    return f"{value:.4f}" if value >= 0.0001 else "0.00"

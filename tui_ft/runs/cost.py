"""What a run costs: the rate of the user's settings, or the dated range that such GPUs were rented for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tui_ft.guide.pace import Pace

HINTS_OF = "March to May 2026"
"""When the rents below were looked up; they move, so they are shown with this date and as a range."""

_HINTS: tuple[tuple[str, float, float], ...] = (
    ("RTX 4090", 0.34, 0.60),
    ("A100", 1.2, 2.5),
    ("H100", 2.0, 4.8),
    ("H200", 3.6, 6.4),
)
"""Dollars an hour for one GPU (facts: domain, i)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a whole run costs, in `rate.currency`. None is "not known"; `text` is the basis, or why not."""

    low: float | None = None
    high: float | None = None
    rate: Rate | None = None
    text: str = ""


def rate_of(price_per_hour: float | None, gpu: str | None, currency: str = "$") -> Rate | None:
    """The user's own rate, else the dated hint for a GPU of that name; None where neither is known."""
    if price_per_hour is not None:
        return Rate(low=price_per_hour, high=price_per_hour, currency=currency, basis="settings")
    for name, low, high in _HINTS if gpu else ():
        if re.search(rf"\b{re.escape(name)}\b(?! laptop)", gpu or "", re.IGNORECASE):
            return Rate(low=low, high=high, currency="$", basis="hint")
    return None


def cost(time: Pace, rate: Rate | None, gpus: int = 1) -> Cost:
    """Rate × hours × GPUs."""
    if time.low_s is None or time.high_s is None:
        return Cost(rate=rate, text=rate.text if rate is not None else "the time is not known")
    if rate is None:
        return Cost(text="set price_per_hour in settings.toml")
    low, high = (rate.low * time.low_s, rate.high * time.high_s)
    return Cost(low=low / 3600 * gpus, high=high / 3600 * gpus, rate=rate, text=rate.text)

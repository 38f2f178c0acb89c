"""What a run is going to cost, before it is started."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.guide.pace import Pace
from tui_ft.runs.money.prices import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a whole run costs, in `rate.currency`. None is "not known"; `text` is the basis, or why not."""

    low: float | None = None
    high: float | None = None
    rate: Rate | None = None
    text: str = ""


def cost(time: Pace, rate: Rate | None, gpus: int = 1) -> Cost:
    """Rate × hours × GPUs."""
    if time.low_s is None or time.high_s is None:
        return Cost(rate=rate, text=rate.text if rate is not None else "the time is not known")
    if rate is None:
        return Cost(text="set price_per_hour in settings.toml")
    low, high = (rate.low * time.low_s, rate.high * time.high_s)
    return Cost(low=low / 3600 * gpus, high=high / 3600 * gpus, rate=rate, text=rate.text)

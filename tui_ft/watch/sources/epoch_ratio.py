"""How many steps an epoch has, learnt from rows whose step is known: it tells the steps of others."""

from __future__ import annotations

import math

from tui_ft.watch.sources.dict_lines import DictRow

FEWEST_LEARNT = 3
LARGEST_STEP = 2.0**53


class EpochRatio:
    """Steps an epoch, as bounds that each placed row narrows; an epoch is printed with few digits.

    Epochs that stand still while steps go on, as whole ones do, decide nothing.
    """

    def __init__(self) -> None:
        self._fixed = 0.0
        self.forget()

    def forget(self) -> None:
        self.low, self.high = 0.0, math.inf
        self._exact_low, self._exact_high = 0.0, math.inf
        self._learnt = 0
        self._last: tuple[float, int] | None = None
        self._is_coarse = False

    def fix(self, steps: float) -> None:
        """Steps an epoch are known from elsewhere, rounded up in every epoch."""
        if steps != self._fixed:
            self._fixed = steps
            self.low, self.high = steps * 0.999, steps * 1.001

    def _bounds(self, row: DictRow, step: int) -> tuple[float, float] | None:
        if row.epoch is None or not math.isfinite(row.epoch) or row.epoch <= 0.0:
            return None
        slack = rounding(row)
        low = max(step - 1, 0) / (row.epoch + slack)
        return low, (step + 1) / (row.epoch - slack) if row.epoch > slack else math.inf

    def fits(self, row: DictRow, step: int) -> bool:
        bounds = self._bounds(row, step)
        return self._is_coarse or bounds is None or (bounds[0] <= self.high and bounds[1] >= self.low)

    def look(self, row: DictRow, step: int) -> None:
        """See whether the epoch of a row that may stand at `step` has moved with the steps."""
        if self._last is None or row.epoch != self._last[0]:
            return
        most = (
            2 * rounding(row) * (self.high if self.high < math.inf else self._last[1] / max(row.epoch, 1e-9))
        )
        if step - self._last[1] > 2 * most + 2:
            self._is_coarse = True

    def learn(self, row: DictRow, step: int) -> None:
        """Take a row whose step is known."""
        bounds = self._bounds(row, step)
        if row.epoch is not None and (self._last is None or row.epoch != self._last[0]):
            self._last = (row.epoch, step)  # the first step of this epoch as printed
        if bounds is None or row.epoch is None or self._is_coarse:
            return
        self.low, self.high = max(self.low, bounds[0]), min(self.high, bounds[1])
        slack = rounding(row)
        self._learnt += 1
        self._exact_low = max(self._exact_low, step / (row.epoch + slack))
        if row.epoch > slack:
            self._exact_high = min(self._exact_high, step / (row.epoch - slack))

    def exact_step(self, row: DictRow) -> int | None:
        """The step that an epoch of many digits tells by itself; None where it leaves a choice.

        Only as long as epochs have grown evenly: with a remainder of batches in each they do not.
        """
        if row.epoch is None or not 0.0 < row.epoch < math.inf:
            return None
        if self._is_coarse or self._learnt < FEWEST_LEARNT:
            return None
        if not self._exact_low <= self._exact_high < math.inf:
            return None
        slack = rounding(row)
        lowest, highest = (row.epoch - slack) * self._exact_low, (row.epoch + slack) * self._exact_high
        if not highest < LARGEST_STEP:
            return None
        low, high = math.ceil(lowest - 1e-6), math.floor(highest + 1e-6)
        return low if low == high and low > 0 else None

    def step_of(self, row: DictRow, otherwise: int | None) -> int | None:
        """The step by the row's epoch where the bounds are narrow and `otherwise` does not fit them."""
        if otherwise is not None and self.fits(row, otherwise):
            return otherwise
        if row.epoch is None or not self.low or not self.low <= self.high <= self.low * 1.02:
            return otherwise
        step = row.epoch * (self.low + self.high) / 2.0
        return round(step) if 0.0 <= step < LARGEST_STEP else otherwise


def rounding(row: DictRow) -> float:
    """Return half a unit of the last printed digit: two decimals before transformers 5, then four digits."""
    epoch = row.epoch or 0.0
    if row.is_quoted and 0.0 < epoch < math.inf:
        return 0.5 * 10.0 ** (math.floor(math.log10(epoch)) - 3)
    return 0.005

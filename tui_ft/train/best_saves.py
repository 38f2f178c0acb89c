"""Whether an evaluation that beats those of all checkpoints gets a checkpoint of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHARE = 0.05
"""Saves for a new best take no more of the time than this: a loss that falls at every evaluation is a new
best each time.
"""


class BestSaves:
    """Keeps the best where saves go by time: of those few fall on an evaluation, and only these have a loss.

    What a save costs must be known, so none comes before the first one by time, a minute after the start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._best: float | None = None
        self._cost_s: float | None = None
        self._spent_s = 0.0
        self._is_asked = False

    def begin(self, best: float | None) -> None:
        """The training begins; `best` is the lowest eval loss of the checkpoints that are there."""
        self._began, self._best = self._clock(), best

    def is_worth(self, loss: float) -> bool:
        """True when no checkpoint is as good, and a save is paid for by the time trained so far."""
        if self._cost_s is None or not math.isfinite(loss):
            return False
        if self._best is not None and loss >= self._best:
            return False
        return self._spent_s + self._cost_s <= SHARE * (self._clock() - self._began)

    def ask(self) -> None:
        """The next save comes for this reason alone."""
        self._is_asked = True

    def written(self, loss: float | None, blocked_s: float) -> None:
        """A checkpoint was written; `loss` is its step's, where it was evaluated."""
        self._cost_s = blocked_s
        if self._is_asked:
            self._spent_s += blocked_s
            self._is_asked = False
        if loss is not None and math.isfinite(loss) and (self._best is None or loss < self._best):
            self._best = loss

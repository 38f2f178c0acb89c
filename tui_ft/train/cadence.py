"""How often to save: so seldom that saving costs little, so often that little is lost (Young, Daly)."""

from __future__ import annotations

import math

from tui_ft.runs.records import LaunchRecord
from tui_ft.spec.run_spec import RunSpec

SHORTEST_S = 60.0
"""Saving oftener than once a minute makes more files than safety."""
LONGEST_S = 3600.0
"""A machine without any known failure can still be the first to fail: at most an hour is lost."""
FIRST_S = 60.0
"""The first save comes early, for what it costs is not known before."""
USUAL_HOURS = 24.0
"""A machine of which nothing is known: the prior of `tui_ft.runs.failure_rate`."""
_WORTH_SAYING = 1.25
"""A cadence that changes by less than a quarter changes nothing for anybody."""


def best_interval_s(blocked_s: float, life_s: float) -> float:
    """The time between two saves that loses least, if one stops the training for `blocked_s` seconds and
    the machine fails once in `life_s` seconds.

    To first order sqrt(2 · blocked_s · life_s) (J. W. Young, CACM 17(9), 1974); with the next terms by
    J. T. Daly, Future Generation Computer Systems 22 (2006) 303-312, equation 37, which matter once a save
    takes a good share of the machine's life.
    """
    if blocked_s <= 0 or life_s <= 0:
        return 0.0
    if blocked_s >= 2 * life_s:
        return life_s
    ratio = blocked_s / (2 * life_s)
    return math.sqrt(2 * blocked_s * life_s) * (1 + math.sqrt(ratio) / 3 + ratio / 9) - blocked_s


class Cadence:
    """The time between two saves, learnt from what the last ones cost."""

    def __init__(
        self, *, fixed_s: float | None = None, hours_between_failures: float | None = None, basis: str = ""
    ) -> None:
        self._fixed_s = fixed_s
        self._hours = hours_between_failures or USUAL_HOURS
        self._basis = basis or "nothing is known of this machine yet"
        self._blocked_s: float | None = None
        self._seconds = 0.0
        self._said_s: float | None = None

    @property
    def interval_s(self) -> float:
        """Seconds of training between two saves, as far as is known now."""
        if self._fixed_s is not None:
            return self._fixed_s
        if self._blocked_s is None:
            return FIRST_S
        best = best_interval_s(self._blocked_s, self._hours * 3600)
        # one that is still being proved when the next is due would stop the training
        return min(max(best, SHORTEST_S, 2 * self._seconds), max(LONGEST_S, 2 * self._seconds))

    def blocked(self, seconds: float) -> None:
        """A save stopped the training for so long; the newest counts half, for disks have moods."""
        known = self._blocked_s
        self._blocked_s = seconds if known is None else (known + seconds) / 2

    def proved(self, seconds: float) -> None:
        """From its beginning until it was proved, a save took so long in all."""
        self._seconds = seconds

    def news(self) -> str | None:
        """A sentence for people, when the interval is new or has changed much; else None."""
        if self._fixed_s is not None or self._blocked_s is None:
            return None
        now = self.interval_s
        if self._said_s is not None and 1 / _WORTH_SAYING < now / self._said_s < _WORTH_SAYING:
            return None
        self._said_s = now
        return (
            f"from now on a checkpoint every {span(now)}: one stops the training for "
            f"{span(self._blocked_s)}, and this machine is expected to last {self._hours:g} h ({self._basis})"
        )


def make_cadence(spec: RunSpec, launch: LaunchRecord | None) -> Cadence | None:
    """The cadence of an attempt; None where the spec saves by steps alone."""
    checkpoints = spec.checkpoints
    if checkpoints.every_minutes is not None:
        return Cadence(fixed_s=checkpoints.every_minutes * 60)
    if checkpoints.every_steps is not None:
        return None
    hours = checkpoints.hours_between_failures
    if hours is not None:
        return Cadence(hours_between_failures=hours, basis="as the spec says")
    if launch is None:
        return Cadence()
    return Cadence(hours_between_failures=launch.hours_between_failures, basis=launch.failures_basis)


def span(seconds: float) -> str:
    """A span of time as people say it: `40 ms`, `0.4 s`, `42 s`, `4.5 min`, `1.2 h`."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

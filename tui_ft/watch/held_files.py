"""Whether a run's writer has let go of the files that it keeps open as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tui_ft.watch.likeness import changed_at
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.state import FRESH_S

KEPT_OPEN = frozenset({"stdout", "wandb", "torchtune"})
"""Formats whose files stay open from the first line to the last; others are opened for each row."""
LATER_S = 5.0
"""A file that was written so long after the last line of a log is written by somebody who lives on."""

NobodyHolds = Callable[[Iterable[Path]], bool]
"""Tells whether it is sure that nobody has one of these files open for writing."""


def nobody_holds_now(paths: Iterable[Path]) -> bool:
    """Look through what all processes have open; imported when it is asked for."""
    from tui_ft.watch.processes.holding import nobody_holds

    return nobody_holds(paths)


class HeldFiles:
    """Asks for the fresh files of a run that are held open; `clock` gives unix seconds.

    A script may as well open its log for each line: one that is written though nobody held it is never
    asked for again.
    """

    def __init__(self, clock: Callable[[], float], nobody_holds: NobodyHolds) -> None:
        self._clock = clock
        self._nobody_holds = nobody_holds
        self._let_go_at: float | None = None
        self._seen_at = 0.0
        self._is_opened_each_time = False

    def are_let_go(self, places: Sequence[Place]) -> bool:
        """True when it is sure that the writer of fresh files is gone, by what nobody holds any more."""
        held = [place for place in places if place.format in KEPT_OPEN]
        written, self._seen_at = _changed(held), _changed(places)
        if self._is_opened_each_time or not abs(self._clock() - written) < FRESH_S:
            return False
        if self._seen_at > written + LATER_S:
            return False
        if not self._nobody_holds(file for place in held for file in place.files):
            self._let_go_at = None
            return False
        if self._let_go_at is not None and written > self._let_go_at:
            self._is_opened_each_time = True
            return False
        self._let_go_at = written
        return True

    def are_written(self, places: Sequence[Place]) -> bool:
        """True when one of the files was written since it was asked for."""
        return _changed(places) > self._seen_at


def _changed(places: Sequence[Place]) -> float:
    return max((changed_at(place) or 0.0 for place in places), default=0.0)

"""Which step a printed dict belongs to, when only the progress bar beside it knows.

To print a dict, tqdm clears its bar, writes, and draws the bar again: the bar after a clearing names the step
of one print. Where stdout is a file and not flushed, the dicts themselves come later, many at once, but in
the same order: so steps of prints wait in a queue, and each dict takes the first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tui_ft.watch.sources.dict_lines import DictRow
from tui_ft.watch.sources.epoch_ratio import EpochRatio
from tui_ft.watch.sources.tqdm_bars import Bar

MOST_ROWS_HERE = 3
"""So many rows of training beside a bar that does not move show that they come late."""

MOST_TRACKS = 64
LONGEST_QUEUE = 100_000

Placed = tuple[int | None, DictRow]


@dataclass
class _Track:
    """The bar of one length: where it is, and the steps at which something was printed under it.

    `rounds` counts how often it was full and began again: then it is that of an epoch, not of the run.
    What begins again after the row of the whole run (`is_summed`) is a next run.
    """

    total: int
    n: int = 0
    rounds: int = 0
    is_summed: bool = False
    clears: int = 0
    began_at: int = 0
    drawn_at: int = 0
    rows_here: int = 0
    prints: deque[int] = field(default_factory=lambda: deque(maxlen=LONGEST_QUEUE))


class StepPairing:
    """Follows bars, clearings and dicts in the order of the log; places each dict at its step.

    `training` is the bar of training: the one that is drawn again when a row of
    training was printed. `is_lagging`: dicts came many at once, without any clearing; they are not placed.
    """

    def __init__(self, *, is_lagging: bool = False) -> None:
        self.step_s: float | None = None
        self._tracks: dict[int, _Track] = {}
        self._trained: _Track | None = None
        self._clears = 0
        self._is_cleared = self._is_told = False
        self._waiting: list[DictRow] = []
        self._ratio = EpochRatio()
        self._draws = 0
        self.is_lagging = is_lagging

    @property
    def training(self) -> _Track | None:
        """The bar of training; before a dict has told which, the oldest under way, else the longest drawn."""
        if self._trained is not None:
            return self._trained
        under_way = next((track for track in self._tracks.values() if track.n < track.total), None)
        return under_way or max(
            self._tracks.values(), key=lambda track: track.drawn_at - track.began_at, default=None
        )

    def knows_steps_an_epoch(self, steps: float) -> None:
        """The log's own header tells how many steps an epoch has."""
        self._ratio.fix(steps)

    def clear(self) -> None:
        """The bar was wiped off its line: something is about to be printed."""
        self._clears += 1
        self._is_cleared, self._is_told = True, False

    def see_text(self) -> None:
        """Text that is no dict was printed: where nothing lags, the clearing before it was for that."""
        track = self._printed_under()
        if self._is_cleared and not self._waiting and (track is None or not track.prints):
            self._is_told = True

    def see_summary(self) -> None:
        """The run has ended: what was printed was all of it, and a next run counts for itself."""
        for track in self._tracks.values():
            track.is_summed, track.rounds = True, 0
            track.prints.clear()
        self._is_told = self._is_cleared
        self._ratio.forget()

    def draw(self, bar: Bar) -> list[Placed]:
        """Take one drawing of a bar; return the dicts that are placed by it."""
        self._is_cleared = False
        if not bar.is_bare:
            return []
        track = self._tracks.get(bar.total)
        if track is None:
            if len(self._tracks) >= MOST_TRACKS:
                del self._tracks[
                    next(known for known in self._tracks if self._tracks[known] is not self._trained)
                ]
            track = self._tracks[bar.total] = _Track(bar.total, clears=self._clears, began_at=self._draws)
        if bar.n < track.n:
            track.rounds += track.n == track.total and not track.is_summed
            track.is_summed = False
            track.prints.clear()
            track.began_at = self._draws
        if bar.n != track.n:
            track.rows_here = 0
        self._draws += 1
        track.n, track.drawn_at = bar.n, self._draws
        if track is self._trained or self._trained is None:
            self.step_s = bar.step_s
        if track.clears == self._clears:
            return []
        track.clears = self._clears
        if self._is_told:
            return []
        track.prints.append(bar.n)
        return self._place_waiting(track)

    def place(self, row: DictRow) -> list[Placed]:
        """Take one dict; return what can be placed now: a dict may wait for the bar that is drawn next."""
        track = self._printed_under()
        if track is not None and track.prints:
            if row.is_training:
                self._train_under(track)
            return [(self._take(track, row), row)]
        if self._is_cleared:
            self._waiting.append(row)
            return []
        return self._place_beside(row)

    @property
    def is_waiting(self) -> bool:
        """True while a dict waits for the bar that is drawn next."""
        return bool(self._waiting)

    def flush(self) -> list[Placed]:
        """Place what still waits for a bar: at the end of the log there is none."""
        waiting, self._waiting = self._waiting, []
        track = self.training
        return [(track.n if track is not None else None, row) for row in waiting]

    def _printed_under(self) -> _Track | None:
        """The bar whose prints are waited for: that of training, unless a later bar has taken its place."""
        known = self._trained
        fewest = (
            0 if known is None and not self._is_cleared else 1
        )  # an evaluation's own bar has one, by chance
        since = known.drawn_at if known is not None else 0
        later = [
            track for track in self._tracks.values() if track.began_at >= since and len(track.prints) > fewest
        ]
        return max(later, key=lambda track: len(track.prints), default=known)

    def _train_under(self, track: _Track | None) -> None:
        """Rows of training are printed under this bar: another than before is another run."""
        if self._trained is not None and track is not self._trained:
            self._ratio.forget()
        self._trained = track

    def _place_waiting(self, track: _Track) -> list[Placed]:
        if not self._waiting or (track is not self._trained and not self._may_be_trained(track)):
            return []
        if any(row.is_training for row in self._waiting):
            self._train_under(track)
        waiting, self._waiting = self._waiting, []
        return [
            (self._take(track, row) if track.prints else self._ratio.step_of(row, track.n), row)
            for row in waiting
        ]

    def _may_be_trained(self, track: _Track) -> bool:
        """A row of training is printed under its own bar only; one of an evaluation under two."""
        is_training = any(row.is_training for row in self._waiting)
        return is_training or (self._trained is None and track is self.training)

    def _take(self, track: _Track, row: DictRow) -> int:
        """Take the print that is the row's by its epoch, else the first that fits; drop those before it."""
        self._ratio.look(row, track.prints[0])
        known = self._ratio.exact_step(row)
        if known is None:
            known = next((step for step in track.prints if self._ratio.fits(row, step)), None)
        if known is None:
            known = self._ratio.step_of(row, None)
        if known is None:
            known = track.prints[0]
            self._ratio.forget()
        while track.prints and track.prints[0] <= known:
            if track.prints.popleft() == known:
                break  # an evaluation may have been printed at the same step
        self._ratio.learn(row, known)
        return known

    def _place_beside(self, row: DictRow) -> list[Placed]:
        """A dict that no clearing announces: it belongs to the bar drawn last, if there is one."""
        track = self.training
        if row.is_training:
            track = max(self._tracks.values(), key=lambda track: track.drawn_at, default=None)
            self._train_under(track)
        if track is None or self.is_lagging:
            return [(None, row)]
        if row.is_training:
            track.rows_here += 1
            self.is_lagging = track.rows_here >= MOST_ROWS_HERE
        step = track.n if track.rows_here < 2 else self._ratio.step_of(row, track.n) or track.n
        self._ratio.look(row, step)
        self._ratio.learn(row, step)
        return [(step, row)]

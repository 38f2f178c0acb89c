"""A log taken apart: dicts of metrics, progress bars, plain lines and marks, each row at its step."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.watch.sources.dict_lines import DictRow, read_dict
from tui_ft.watch.sources.drawn_rows import Rounds, row_of_bar
from tui_ft.watch.sources.log_header import LogHeader
from tui_ft.watch.sources.log_marks import LogMarks, plain_text, without_rank
from tui_ft.watch.sources.log_rows import LogRows
from tui_ft.watch.sources.plain_lines import PlainRow, read_plain
from tui_ft.watch.sources.plain_steps import PlainSteps, StepRule
from tui_ft.watch.sources.row_counting import RowCount
from tui_ft.watch.sources.step_pairing import Placed, StepPairing
from tui_ft.watch.sources.tqdm_bars import Bar, read_bar

FEWEST_HITS = 5
"""A curve is claimed of plain lines only from so many on; of printed dicts from the first."""

FEWEST_BLANKS = 4
MOST_BARS = 8
WIPED = 24
"""So many blanks after a bar are the wiping of it."""

MOST_EARLY = 20
_ESTIMATE = "eval_train_loss"
"""nanoGPT estimates the loss on training data with each evaluation, beside the loss of each step."""

_LONGEST_TEXT = 8_000
"""Of a longer line without a dict only the beginning is looked at."""


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What a first reading found out about how this log counts; with it the log is read again."""

    interval: int = 1
    first_row: int = 1
    has_own_loss: bool = False
    is_lagging: bool = False
    rule: StepRule = "as_printed"
    bar_rule: StepRule = "as_printed"


class LogReader:
    """Takes pieces of a log in their order. `wants` differs from `hints` when it has to be read again."""

    def __init__(self, hints: Hints | None = None) -> None:
        self.hints = hints or Hints()
        self.marks = LogMarks()
        self.header = LogHeader()
        self.bars = StepPairing(is_lagging=self.hints.is_lagging)
        self.dicts = LogRows()
        self.plain = LogRows()
        self.drawn = LogRows()
        self._count = RowCount(self.hints.interval, self.hints.first_row)
        self._plain_steps = PlainSteps(self.hints.rule)
        self._drawn_steps = PlainSteps(self.hints.bar_rule, are_bars=True)
        self._has_own_loss = self._has_estimate = self.hints.has_own_loss
        self._early: list[tuple[int, dict[str, float]]] = []
        self._has_own_steps = False
        self._has_bar = False
        self._has_returns = self._may_be_cleared = False
        self._was_bar = False
        self._last_drawn: tuple[str, int] = ("", -1)
        self._rounds = Rounds()

    @property
    def wants(self) -> Hints:
        return Hints(
            interval=self._count.wanted,
            first_row=self._count.wanted_first if not self._count.is_told else self.hints.first_row,
            is_lagging=self.bars.is_lagging,
            has_own_loss=self._has_own_loss and self._has_estimate,
            rule=self._plain_steps.wanted,
            bar_rule=self._drawn_steps.wanted,
        )

    @property
    def best(self) -> LogRows | None:
        """The rows that tell the run: printed dicts before plain lines before bars; None while unsure."""
        if self.dicts.hits:
            return self.dicts
        found = [rows for rows in (self.plain, self.drawn) if rows.hits >= FEWEST_HITS]
        return max(found, key=lambda rows: rows.hits, default=None)

    @property
    def total_steps(self) -> int | None:
        """The length of the run: by the bar of training, else by the header, else by the lines themselves."""
        if self.best is self.plain and self.plain.hits:
            return self._plain_steps.total or self.header.total_steps
        track = self.bars.training
        if track is not None and self._is_of_an_epoch(track.rounds):
            track = None
        if track is not None and (not self._has_own_steps or track.total >= (self.dicts.table.step or 0)):
            return track.total
        if self.best is self.drawn and self.drawn.hits:
            return self._drawn_steps.total or self.header.total_steps
        return self._count.total or self.header.total_steps

    @property
    def bar_step(self) -> int | None:
        """Where the bar of training is; None without one, and where printed dicts count for themselves."""
        track = self.bars.training
        if track is None or self._has_own_steps or self._is_of_an_epoch(track.rounds):
            return None
        return track.n

    def _is_of_an_epoch(self, rounds: int) -> bool:
        """True when the bar of training is known to be drawn anew for each of several epochs."""
        return rounds > 0 or (not self.dicts.hits and self._plain_steps.epochs > 1)

    def take(self, text: str) -> None:
        """Take a piece that ends with a line's end or a return of the carriage."""
        self._has_returns = self._has_returns or "\r" in text
        for at, line in enumerate(text.split("\n")):
            if at:
                self._has_bar = False
            if "\r" not in line:
                self._take_part(line)
                continue
            for part in line.split("\r"):
                self._take_part(part)
        self._settle()

    def take_rest(self, text: str) -> bool:
        """Take text without a line's end, if it ends with a whole dict or bar; True when it was taken."""
        clean = plain_text(text).rstrip()
        found = read_bar(clean)
        end = found[1] if found is not None else 0
        row = read_dict(clean[end:]) if clean.endswith("}") else None
        if row is None and (found is None or end != len(clean)):
            return False
        self._take_part(text)
        self._settle()
        return True

    def finish(self, text: str) -> bool:
        """Take the end of a log that nobody writes to any more, whole or not; True if there was any."""
        if not text and not self.bars.is_waiting:
            return False
        self._take_part(text)
        for placed in self.bars.flush():
            self._put_dict(placed)
        self._settle()
        return True

    def _settle(self) -> None:
        for rows in (self.dicts, self.plain, self.drawn):
            rows.settle()

    def _take_part(self, part: str) -> None:
        text = plain_text(part)
        if not text or text.isspace():
            self._take_blank(part, len(text))
            return
        if self._may_be_cleared and "\x1b[A" not in part[:8]:
            self.bars.clear()
        self._may_be_cleared = False
        self._was_bar = False
        for _ in range(MOST_BARS):
            if (found := read_bar(text)) is None:
                break
            self._has_bar = self._was_bar = True
            bar, end = found
            self._take_bar(bar)
            if text[end : end + WIPED] == " " * WIPED:  # the return of the carriage was lost on the way
                self.bars.clear()
            text = text[end:].strip()
        if text:
            self._take_text(text)

    def _take_blank(self, part: str, blanks: int) -> None:
        """See whether blanks wipe the bar of training; the cursor goes up after those of a bar below it."""
        if "\x1b[A" in part:
            self._may_be_cleared = False
        elif blanks < FEWEST_BLANKS:
            return
        elif self._has_bar or (self._was_bar and not self._has_returns):
            self.bars.clear()
        else:
            self._may_be_cleared = self._has_returns

    def _take_text(self, text: str) -> None:
        text = text.replace("\0", "").rpartition("\b")[2]  # Keras goes back over its line
        if "{" in text and (row := read_dict(text)) is not None:
            self._take_dict(row)
            return
        self.bars.see_text()
        text = text[:_LONGEST_TEXT]
        self.marks.see(text)
        saved = self.header.see(text)
        if saved is not None:
            self._count.see_checkpoint(saved)
        elif (steps := self.header.steps_an_epoch) is not None:
            self.bars.knows_steps_an_epoch(steps)
            self._count.knows_steps_an_epoch(steps)
        if not self.dicts.hits and (plain := read_plain(without_rank(text))) is not None:
            self._take_plain(plain)

    # --- printed dicts ---------------------------------------------------------------------------

    def _take_dict(self, row: DictRow) -> None:
        if row.is_summary:
            for placed in self.bars.flush():
                self._put_dict(placed)
            self.bars.see_summary()
            self.marks.see_summary()
            track = self.bars.training if self.bars.is_lagging else None
            self._count.see_summary(row, track.total if track is not None else None)
            return
        if row.is_training:
            self.marks.trains_on()
        if row.step is not None:
            self._count.is_told = self._has_own_steps = True
            self._count.total = row.total or self._count.total
            self._put_dict((row.step, row))
            return
        for placed in self.bars.place(row):
            self._put_dict(placed)

    def _put_dict(self, placed: Placed) -> None:
        step, row = placed
        if step is None:
            step = self._count.step_of(row)
        else:
            self._count.is_told = True
        self.dicts.add(step, row.epoch, row.numbers)

    # --- bars and plain lines --------------------------------------------------------------------

    def _take_bar(self, bar: Bar) -> None:
        self.marks.draws_on()
        for placed in self.bars.draw(bar):
            self._put_dict(placed)
        if self.dicts.hits or (bar.label, bar.n) == self._last_drawn:
            return
        self._last_drawn = (bar.label, bar.n)
        row = row_of_bar(bar, self._rounds.see(bar))
        step = self._drawn_steps.step_of(row) if row is not None else None
        if row is not None and step is not None:
            self.drawn.add(step, self._drawn_steps.epoch, row.numbers)

    def _take_plain(self, row: PlainRow) -> None:
        step = self._plain_steps.step_of(row)
        if step is None or not row.numbers:
            return
        if not row.has_loss and not self.plain.hits:
            self._early = [*self._early[-MOST_EARLY:], (step, row.numbers)]
            return
        for early, numbers in self._early:
            if early == step:  # what stood above the first loss of this step belongs to it
                self.plain.add(step, self._plain_steps.epoch, numbers, is_hit=False)
        self._early = []
        if row.is_training:
            self.marks.trains_on()
        self.plain.add(step, self._plain_steps.epoch, self._told_apart(row.numbers), is_hit=row.has_loss)

    def _told_apart(self, numbers: dict[str, float]) -> dict[str, float]:
        """Name the loss of an evaluation on training data so, in a log that prints that of steps too."""
        has_estimate = "train_loss" in numbers and "loss" not in numbers
        self._has_own_loss = self._has_own_loss or "loss" in numbers
        self._has_estimate = self._has_estimate or has_estimate
        if not (self.hints.has_own_loss and has_estimate):
            return numbers
        return {_ESTIMATE if name == "train_loss" else name: value for name, value in numbers.items()}

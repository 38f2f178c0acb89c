"""Logs of standard output: what a trainer printed into a file, whatever trainer it was."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tui_ft.watch.log import LogBuffer
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.following import Follower, head_and_tail, is_lfs_pointer, stamp_of
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.log_reader import Hints, LogReader
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.rows import MetricTable
from tui_ft.watch.sources.torchtune import is_disk_log
from tui_ft.watch.sources.words import title_of
from tui_ft.watch.state import FRESH_S, Evidence

MOST_FILES = 200
MOST_READINGS = 4
"""A log is read again from its start at most so often, when it turns out to count otherwise."""

_NAME = re.compile(
    r"(?:\.(?:log|out|err|txt|stdout|stderr|output)(?:\.\d{1,3})?|^nohup[\w.-]*|^(?:log|logs|stdout|stderr|output)"
    r"|^logging\.jsonl|\.(?:o|e)\d+)$",
    re.IGNORECASE,
)
_LARGEST_CONTROL_SHARE = 0.05
_CONTROLS = bytes([*range(1, 8), *range(14, 27), *range(28, 32), 127])
_TEXT_NAME = re.compile(r"log|train|out|std|run|console|slurm|history|job", re.IGNORECASE)
"""A `.txt` is read only when its name says that it is a log: data sets lie in thousands of such files."""

_OTHER_TEXT = re.compile(r"(?:\.txt|^[^.]+)$", re.IGNORECASE)
MOST_OTHERS = 16
MOST_STAMPS = 5_000
_GLANCE_BYTES = 4_096

_ROW_SIGN = re.compile(rb"loss|%\||\d/\d+ \[| train ", re.IGNORECASE)
"""Without any of these a piece of a log holds no row."""

LONGEST_REST = 65_536
_ENDS = (b"}", b"]", b" ")


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield each log of a folder: by its name or any other of a text, head or tail tell of training."""
    asked = [name for name in names if is_log_name(name) and not _is_of_another_format(name, names)]
    for name in asked[:MOST_FILES]:
        path = folder / name
        if stamp_of(path) and tells_of_training(path):
            yield Place(format="stdout", path=path, files=(path,))
    for name in _other_texts(folder, names):
        path = folder / name
        if any(map(_ROW_SIGN.search, head_and_tail(path, _GLANCE_BYTES))) and tells_of_training(path):
            yield Place(format="stdout", path=path, files=(path,))


def _other_texts(folder: Path, names: Sequence[str]) -> list[str]:
    """Texts whose names say nothing; where there are many, as in a data set, those that grow just now."""
    found = [name for name in names if _OTHER_TEXT.search(name) and not is_log_name(name)]
    if len(found) > MOST_OTHERS:
        now = time.time()
        stamps = {name: stamp_of(folder / name) for name in found[:MOST_STAMPS]}
        found = [name for name, stamp in stamps.items() if stamp and abs(now - stamp[0] / 1e9) < FRESH_S]
    return [name for name in found[:MOST_OTHERS] if stamp_of(folder / name)]


def is_log_name(name: str) -> bool:
    """True for what people and tools call a log."""
    return _NAME.search(name) is not None and (
        not name.endswith(".txt") or _TEXT_NAME.search(name) is not None
    )


def _is_of_another_format(name: str, names: Sequence[str]) -> bool:
    return name == "running_log.txt" and "trainer_log.jsonl" in names


def tells_of_training(path: Path) -> bool:
    """True for a text file whose first or last 64 KiB hold rows of a training run."""
    head, tail = head_and_tail(path)
    if not head or is_lfs_pointer(head) or is_disk_log(path.name, head) or _is_binary(head):
        return False
    reader = LogReader()
    for piece in (head, tail):
        if _ROW_SIGN.search(piece) is None:
            continue
        reader.take(piece.decode("utf-8", errors="replace"))
        if reader.best is not None or (reader.bars.training is not None and reader.header.total_steps):
            return True
    return reader.bars.training is not None and bool(reader.marks.failed)


def looks_like_text(head: bytes) -> bool:
    """True for a piece of a log that is no binary data and no pointer to some."""
    return bool(head) and not is_lfs_pointer(head) and not _is_binary(head)


def _is_binary(head: bytes) -> bool:
    """Zeros are no sign: a log that was cut while its writer went on begins with a hole."""
    text = head.replace(b"\0", b"")
    return len(text) - len(text.translate(None, _CONTROLS)) > len(text) * _LARGEST_CONTROL_SHARE


class StdoutSource(ForeignSource):
    """Follows a log. What it has no step for is counted; how it counts may show only later."""

    def start_over(self) -> None:
        super().start_over()
        self._begin(Hints(), MOST_READINGS)
        if self.log is None:
            self.log = LogBuffer(self.place.path)

    def _begin(self, hints: Hints, readings_left: int) -> None:
        self._file = Follower(self.place.path, ends=b"\r\n")
        self._begin_again(hints, readings_left)

    def _begin_again(self, hints: Hints, readings_left: int) -> None:
        self._reader = LogReader(hints)
        self._readings_left = readings_left
        self._taken = 0
        self._is_finished = False
        self.table = MetricTable()
        self.facts.title = title_of(self.place.path)
        self.facts.is_complete = False

    def advance(self, end: float) -> bool:
        changed = False
        while True:
            data = self._file.read()
            if self._file.restarted:
                self._begin_again(Hints(), MOST_READINGS)
                changed = True
            if data and self._is_finished:  # what was taken for the end of the log was not
                self._begin(self._reader.hints, self._readings_left)
                continue
            if data:
                self._reader.take(data[self._taken :].decode("utf-8", errors="replace"))
                self._taken, changed = 0, True
            if data and self._reader.wants != self._reader.hints and self._readings_left > 0:
                self._begin(self._reader.wants, self._readings_left - 1)
                continue
            if self._file.is_at_end or time.monotonic() >= end:
                break
        if self._file.is_at_end:
            changed = self._take_rest() or changed
        return self._tell() or changed

    def _take_rest(self) -> bool:
        """Take what has no line's end yet: a whole dict at once, anything when nobody writes any more."""
        if self._is_finished:
            return False
        rest = self._file.rest[self._taken :]
        if self.clock() - (self._file.modified_at or 0.0) > FRESH_S:
            # without anything to take the log may go on, and need not be read again when it does
            self._is_finished = self._reader.finish(rest[:LONGEST_REST].decode("utf-8", errors="replace"))
            return self._is_finished
        if not rest or len(rest) > LONGEST_REST or rest[-1:] not in _ENDS:
            return False
        if not self._reader.take_rest(rest.decode("utf-8", errors="replace")):
            return False
        self._taken = len(self._file.rest)
        return True

    def _tell(self) -> bool:
        """Bring table and facts up to date with what was read; True when the evidence changed."""
        reader, facts = self._reader, self.facts
        best = reader.best
        self.table = best.table if best is not None else self.table
        facts.total_steps = reader.total_steps
        facts.settings = dict(reader.header.settings)
        facts.model = reader.header.model
        facts.checkpoint_steps = [float(step) for step in sorted(reader.header.checkpoints)]
        facts.is_complete = self._file.is_at_end
        facts.updated_at = self._file.modified_at
        facts.bad_records = self._file.lost_pieces
        before, marks = facts.evidence, reader.marks
        facts.evidence = Evidence(
            finished=marks.finished,
            failed=marks.failed,
            stopped=marks.stopped,
            written_at=self._file.modified_at,
            usual_gap_s=reader.bars.step_s,
        )
        return facts.evidence != before

    def _read(self) -> Reading:
        reading = super()._read()
        reader: LogReader | None = getattr(self, "_reader", None)
        if reader is None or reader.bar_step is None or reader.best not in (reader.dicts, None):
            return reading
        return replace(reading, step=reader.bar_step)


def _open(place: Place, clock: Clock) -> StdoutSource:
    return StdoutSource(place, clock)


FORMAT = Format(
    name="stdout",
    richness=40,
    written_by="what any of them prints; nanoGPT and plain loops; Axolotl's `debug.log`",
    files="`nohup.out`, `*.log`, `*.out`, `*.txt`",
    ends="the row of the whole run; a traceback, out of memory, `Killed`",
    find=find,
    open=_open,
)

"""Following metrics.jsonl: a coarse curve at once, the exact one in slices, kept for the next time."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from tui_ft.watch import cache
from tui_ft.watch.sampling import sample_lines
from tui_ft.watch.sources.rows import RowReader
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.tail import Tail

SLICE_BYTES = 256 * 1024
"""Decoding so much holds the interpreter for about two milliseconds at a time."""
SAMPLED_FROM_BYTES = 4 * 1024 * 1024
"""A shorter file is read whole in less time than it takes to see the difference."""
KEPT_FROM_BYTES = 8 * 1024 * 1024
KEPT_AGAIN_SHARE = 0.25
"""A cache is written anew when the file has grown by so much since."""


class MetricsReader:
    """Follows one file of rows.

    While `is_approximate`, `table` holds samples of a long history that is still being read.
    """

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._is_open = False
        self._was_complete = False
        self._is_to_be_kept = False
        self._kept_offset = 0
        self._sampled: MetricTable | None = None
        self._reset()

    def _reset(self) -> None:
        self.bad = 0
        self._table = MetricTable()
        self._rows = RowReader()

    @property
    def table(self) -> MetricTable:
        """The curves as they are known."""
        return self._sampled if self._sampled is not None else self._table

    @property
    def is_complete(self) -> bool:
        """True when the file is read to its end, and kept where that is worth it."""
        return self._is_open and self._tail.is_at_end and not self._is_to_be_kept

    @property
    def is_approximate(self) -> bool:
        return self._sampled is not None

    def poll(self, end: float) -> bool:
        """Read what is new until the monotonic time `end`; True when what is shown changed."""
        if not self._is_open:
            self._is_open = True
            if self._open():
                return True
        kept = self._is_to_be_kept
        if kept:  # in a poll of its own: what is to be seen comes first
            self._keep()
            self._is_to_be_kept = False
        changed = self._read(end) or kept
        was_complete, self._was_complete = self._was_complete, self._tail.is_at_end
        if not self._was_complete:
            return changed and self._sampled is None
        is_new = changed or not was_complete or self._sampled is not None
        self._sampled = None
        if self._is_worth_keeping():
            self._is_to_be_kept = not was_complete
            if not is_new:
                self._keep()
        return is_new

    def _open(self) -> bool:
        """Look whether the file is long; True when there is a first picture of it."""
        size = self._tail.look()
        if size >= KEPT_FROM_BYTES and self._take_kept():
            return True
        if size < SAMPLED_FROM_BYTES:
            return False
        sampled = MetricTable()
        RowReader().read(sample_lines(self._tail.path), sampled)
        self._sampled = sampled if sampled.series else None
        return self._sampled is not None

    def _take_kept(self) -> bool:
        kept = cache.load([self._tail.path])
        if kept is None or not self._tail.go_on_from(kept.offset):
            return False
        try:
            self.bad = msgspec.json.decode(kept.state, type=int)
        except msgspec.DecodeError:
            return False
        self._table, self._kept_offset = kept.table, kept.offset
        return True

    def _read(self, end: float) -> bool:
        changed, before = False, -1
        while self._tail.offset != before:
            before = self._tail.offset
            data = self._tail.read(SLICE_BYTES)
            changed = self._start_again_if_shrunk() or changed or bool(data)
            self.bad += self._rows.read(data, self._table) if data else 0
            if time.monotonic() >= end:
                break
        return changed

    def _start_again_if_shrunk(self) -> bool:
        if not self._tail.restarted:
            return False
        self._tail.restarted = False
        self._sampled, self._kept_offset = None, 0
        self._reset()
        return True

    def _is_worth_keeping(self) -> bool:
        offset = self._tail.whole_lines
        return offset >= KEPT_FROM_BYTES and offset >= self._kept_offset * (1 + KEPT_AGAIN_SHARE)

    def _keep(self) -> None:
        offset = self._kept_offset = self._tail.whole_lines
        cache.store([self._tail.path], self._table, offset, msgspec.json.encode(self.bad), [self._tail.mark])

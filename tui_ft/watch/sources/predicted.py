"""The prediction of the newest attempt, and the same made again when the longest row is known."""

from __future__ import annotations

from tui_ft.runs import prediction
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import MemoryEvent, PredictionRecord
from tui_ft.watch.memory import MemoryReport, report_of


class PredictionReader:
    """Launch writes a prediction while the attempt begins and never again: once read, it stays."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._attempt: int | None = None
        self._made: PredictionRecord | None = None
        self._longest_row: int | None = None
        self._for_rows: PredictionRecord | None = None

    def report(self, attempt: int, measured: MemoryEvent | None) -> MemoryReport | None:
        """What is known of the memory of `attempt`."""
        if attempt != self._attempt:
            self._attempt, self._made, self._longest_row, self._for_rows = attempt, None, None, None
        if self._made is None:
            self._made = prediction.read(self._run.attempt(attempt))
        self._refine(attempt, measured)
        return report_of(self._made, measured, self._for_rows)

    def _refine(self, attempt: int, measured: MemoryEvent | None) -> None:
        made, longest = self._made, measured.longest_row if measured is not None else None
        if made is None or made.allocated_bytes is None or longest is None or longest == self._longest_row:
            return
        self._longest_row = longest
        is_shorter = made.seq_length is not None and longest < made.seq_length
        self._for_rows = prediction.again(self._run.attempt(attempt), made, longest) if is_shorter else None

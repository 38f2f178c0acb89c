"""Rows of W&B's history put into the table of a run: by the step of the optimizer where it is logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.final_metrics import FINISH_KEY, plain
from tui_ft.watch.sources.pace import newest
from tui_ft.watch.sources.table import MetricTable

STEP_NAMES = ("train/global_step", "trainer/global_step", "global_step")
"""The optimizer's step as HF's and Lightning's reporters log it; `_step` counts calls of `wandb.log`."""
_EPOCHS = ("train/epoch", "epoch", "trainer/epoch")
_TIME = "_timestamp"
_LARGEST_STEP = 2.0**53


class HistoryTable:
    """Fills a table with rows of history, in the order of the file."""

    def __init__(self, table: MetricTable) -> None:
        self.table = table
        self.finished_step: float | None = None
        self.newest: float | None = None
        self.bad_records = 0
        self.names = SeriesNames()
        self.optimizer_step: float | None = None

    @property
    def is_trained(self) -> bool:
        """True when the Trainer's last row came and no training followed."""
        return self.finished_step is not None and (self.table.step or 0) <= self.finished_step

    def add(self, found: Sequence[Mapping[str, list[float]]]) -> None:
        """Take rows as columns by name, those of the same names together, in the order of the file.

        Each has the columns `_step` and, where it is known, `_timestamp` (unix seconds).
        """
        steps: list[int] = []
        columns: dict[str, list[float | None]] = {}
        for own in found:
            own_steps = self._steps(own, len(next(iter(own.values()))))
            if any(plain(name) == FINISH_KEY for name in own):
                self.finished_step = float(own_steps[-1])
                own = {name: column for name, column in own.items() if name in (*_EPOCHS, _TIME)}
            before = len(steps)
            steps += own_steps
            for name, column in own.items():
                shown = self._shown(name)
                if shown:
                    known = columns.setdefault(shown, [])
                    known += [None] * (before - len(known))
                    known += column
        for known in columns.values():
            known += [None] * (len(steps) - len(known))
        self._put(steps, columns)

    def _put(self, steps: list[int], columns: dict[str, list[float | None]]) -> None:
        times = [time for time in columns.get("time", ()) if time is not None]
        self.newest = newest(times, self.newest)
        if -1 in steps:
            kept = [at for at, step in enumerate(steps) if step != -1]
            self.bad_records += len(steps) - len(kept)
            steps = [steps[at] for at in kept]
            columns = {name: [column[at] for at in kept] for name, column in columns.items()}
        self.table.add_columns(steps, columns)
        if steps and (self.table.step is None or steps[-1] > self.table.step):
            self.table.step = steps[-1]  # an evaluation after the last training step

    def _steps(self, columns: Mapping[str, list[float]], count: int) -> list[int]:
        """The step of each row; -1 for a row whose step is no number.

        A row without the optimizer's step belongs to the last one that was logged, `_step` counts before.
        """
        name = next((name for name in STEP_NAMES if name in columns), "")
        if name:
            steps = columns[name]
            self.optimizer_step = steps[-1]
        elif self.optimizer_step is not None:
            steps = [self.optimizer_step] * count
        else:
            steps = columns["_step"]
        return [int(step) if 0 <= step < _LARGEST_STEP else -1 for step in steps]

    def _shown(self, name: str) -> str:
        """The name in the table; "" for what is no series."""
        if name in _EPOCHS:
            return "epoch"
        if name == _TIME:
            return "time"
        return "" if name.startswith("_") or name in STEP_NAMES else self.names.of(name)

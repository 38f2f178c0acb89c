"""A run of somebody else, told step by step by a test: what a screen shows of it, without any file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui_ft.watch.reading import OtherSource, Reading
from tui_ft.watch.series import Series

NOW = 1_790_000_000.0
PATH = "/root/work/someone/else/wandb/run-20230420_073822-clnzftry/run-clnzftry.wandb"
OTHERS = (
    OtherSource(source="tensorboard", title="runs/Nov21", path="/root/work/someone/runs/Nov21"),
    OtherSource(source="stdout", title="nohup.out", path="/root/work/nohup.out", status="running"),
)


class ScriptedSource:
    """Its reading is what the test says; `polls` counts how often it was asked."""

    def __init__(self, **fields: Any) -> None:
        self.series: dict[str, Series] = {}
        self.times = Series()
        self.polls = 0
        self.failure: Exception | None = None
        self._lines: list[str] = []
        self._is_new = True
        self.reading = Reading(
            source="wandb", title="glad-sun-12", path=PATH, status="running", model="Qwen/Qwen3-8B",
            step=0, total_steps=200, started_at=NOW, series=self.series, times=self.times, pids=(4711,),
        )  # fmt: skip
        self.change(**fields)

    def change(self, **fields: Any) -> None:
        """Let the next poll bring these."""
        self.reading = replace(self.reading, **fields)
        self._is_new = True

    def add(self, step: int, **values: float) -> None:
        """One step: a value of each series, two seconds after the step before."""
        for name, value in values.items():
            self.series.setdefault(name, Series()).add(step, value)
        self.times.add(step, NOW + 2.0 * step)
        self.change(step=step, updated_at=NOW + 2.0 * step, series=dict(self.series))

    def log(self, *lines: str) -> None:
        """Lines of its output; of more than a thousand the first are gone, as with a real one."""
        self._lines += lines
        kept = tuple(self._lines[-1000:])
        self.change(log=kept, log_version=len(self._lines))

    def poll(self, budget_s: float = 0.05) -> bool:
        self.polls += 1
        if self.failure is not None:
            raise self.failure
        is_new, self._is_new = self._is_new, False
        return is_new

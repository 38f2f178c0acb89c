"""One state file of the HF Trainer taken apart: its rows in a table, and what it says of an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.following import Stamp
from tui_ft.watch.sources.rows import MetricTable
from tui_ft.watch.sources.words import json_number, series_key, whole_step

_OLD_SUMMARY = frozenset({"step", "epoch", "total_flos"})
"""All that the summary of a run held before transformers 4.4."""

_NO_SERIES = frozenset({"step", "epoch", "total_flos"})


@dataclass(frozen=True)
class StateFile:
    """One state file: the step it was written at (-1 not known), and what tells it from a rewritten one."""

    path: Path
    step: int
    stamp: Stamp

    @property
    def modified_at(self) -> float:
        return self.stamp[0] / 1e9


@dataclass(kw_only=True)
class Parsed:
    """One state file taken apart: `known` holds all but its rows, `last_loss` the last (step, loss)."""

    file: StateFile
    known: dict[str, Any] = field(default_factory=dict)
    table: MetricTable = field(default_factory=MetricTable)
    finished: str = ""
    last_loss: tuple[int, float] | None = None


def add(parsed: Parsed, rows: list[dict[str, Any]], names: SeriesNames) -> None:
    """Put rows of the log into the table; the one of the end is a mark, not a point."""
    points = []
    for row in rows:
        step = whole_step(row.get("step"))
        if "train_runtime" in row or (row.keys() <= _OLD_SUMMARY and "total_flos" in row):
            parsed.finished = "The trainer has written its summary of the run."
            continue
        if step is None:
            continue
        point: dict[str, Any] = {"step": step}
        if (epoch := json_number(row.get("epoch"))) is not None:
            point["epoch"] = epoch
        for key, value in row.items():
            if key not in _NO_SERIES and (known := json_number(value)) is not None:
                point[series_key(names.of(key))] = known
        if "loss" in row:
            parsed.finished = ""
            if "loss" in point:
                parsed.last_loss = (step, point["loss"])
        points.append(point)
    parsed.table.add(points)


def is_of_another_run(newer: Parsed, chosen: Parsed) -> bool:
    """True when a state written later, at a lower step, does not tell what the other tells of that step."""
    if newer.last_loss is None or newer.file.modified_at <= chosen.file.modified_at + 1.0:
        return False
    loss = chosen.table.series.get("loss")
    step, value = newer.last_loss
    if loss is None or not len(loss):
        return False
    at = loss.index(step)
    known = loss.values[at] if at < len(loss) and loss.steps[at] == step else None
    return known is None or not (known == value or (known != known and value != value))


def was_told_to_stop(state: dict[str, Any]) -> bool:
    """True where the trainer's own control says so; False proves nothing, one finished run has it."""
    control = (
        (state.get("stateful_callbacks") or {}) if isinstance(state.get("stateful_callbacks"), dict) else {}
    )
    control = control.get("TrainerControl")
    args = control.get("args") if isinstance(control, dict) else None
    return isinstance(args, dict) and args.get("should_training_stop") is True

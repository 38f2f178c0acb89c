"""What a comparison says in words: a line a run, who is best, and the settings that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui_ft.tui.text import fit, plain
from tui_ft.watch.compare import BestEval, SettingRow, best_eval
from tui_ft.watch.looks import LOOKS
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import number_label, steady_label, step_label

LEAST_VALUE = 8
"""A column of values is never narrower than this: of more runs than fit the last ones are left out."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run of a comparison as it stands in the legend. `is_best`: none has a lower eval loss."""

    path: str
    title: str
    status: str
    look: int
    step: int | None
    total_steps: int | None
    loss: float | None
    best: BestEval | None
    is_best: bool


def compared(readings: Sequence[Reading], looks: Mapping[str, int]) -> list[Compared]:
    """Return the lines of the legend, in the order of the runs."""
    best = [best_eval(reading) for reading in readings]
    evaluated = [one.value for one in best if one is not None and one.name == "eval_loss"]
    lowest = min(evaluated) if len(evaluated) > 1 else None
    return [
        Compared(
            path=reading.path,
            title=reading.title,
            status=reading.status,
            look=looks[reading.path],
            step=reading.step,
            total_steps=reading.total_steps,
            loss=reading.last("loss"),
            best=own,
            is_best=own is not None and own.name == "eval_loss" and own.value == lowest,
        )
        for reading, own in zip(readings, best, strict=True)
    ]


def step_text(row: Compared) -> str:
    """How far the run is: `950/1000`; `–` where no step is known."""
    if row.step is None:
        return "–"
    return step_label(row.step) + (f"/{step_label(row.total_steps)}" if row.total_steps else "")


def loss_text(row: Compared) -> str:
    """The newest training loss."""
    return "–" if row.loss is None else steady_label(row.loss)


def best_text(row: Compared) -> str:
    """The best evaluation and its step; a run that was never evaluated has none."""
    if row.best is None or row.best.name != "eval_loss":
        return "–"
    return f"{number_label(row.best.value)} at {step_label(row.best.step)}"


def winner(rows: Sequence[Compared]) -> str:
    """Which run has the lowest eval loss, in one sentence; "" where fewer than two were evaluated."""
    found = [(row.best.value, row) for row in rows if row.best is not None and row.best.name == "eval_loss"]
    if len(found) < 2:
        return ""
    found.sort(key=lambda pair: pair[0])
    (value, row), (second, _) = found[0], found[1]
    if value == second:
        return f"Several runs share the lowest eval loss, {number_label(value)}."
    where = f" at step {row.best.step:.0f}" if row.best is not None else ""
    text = f"{plain(row.title)} has the lowest eval loss: {number_label(value)}{where}"
    return f"{text}, {number_label(second - value)} below the next."


def setting_lines(
    rows: Sequence[SettingRow], looks: Sequence[int], width: int, *, is_ascii: bool
) -> list[str]:
    """A table: a setting a line, a column a run under its marker; values that do not fit are cut."""
    if not rows:
        return []
    name_width = min(max(len(row.name) for row in rows), max(width // 3, 12))
    room = max(width - name_width - 1, LEAST_VALUE + 2)
    shown = max(min(len(looks), room // (LEAST_VALUE + 2)), 1)
    longest = max(len(value) for row in rows for value in row.values)
    column = min(max(LEAST_VALUE, longest), room // shown - 2)
    markers = [LOOKS[look].plain if is_ascii else LOOKS[look].marker for look in looks[:shown]]
    left_out = f" (+{len(looks) - shown})" if shown < len(looks) else ""
    lines = [fit("", name_width) + "".join(f"  {fit(marker, column)}" for marker in markers) + left_out]
    for row in rows:
        values = "".join(f"  {fit(value, column)}" for value in row.values[:shown])
        lines.append(fit(row.name, name_width) + values)
    return lines

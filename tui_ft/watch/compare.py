"""Several runs beside each other: the settings in which they differ, and the best evaluation of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui_ft.watch.reading import Reading, SettingValue
from tui_ft.watch.series import Series
from tui_ft.watch.setting_names import by_spec_names

NOT_KNOWN = "–"
_OF_THE_BOX = (
    "output_dir", "run_name", "logging_dir", "hub_", "_wandb", "wandb_version", "notes.", "timestamp",
    "log_level", "local_rank", "ddp_", "deepspeed_plugin", "_n_gpu", "process_",
)  # fmt: skip
"""Settings that name a place or a run and say nothing of how it learns: they always differ."""


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    """One setting of several runs, in their order; `–` where a run's setting is not known."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """True when two known values are not the same."""
        return len({value for value in self.values if value != NOT_KNOWN}) > 1


@dataclass(frozen=True, kw_only=True)
class BestEval:
    """The best evaluation of a run: the lowest eval loss, or where there is none the lowest training loss."""

    name: str
    step: float
    value: float


def setting_rows(readings: Sequence[Reading]) -> list[SettingRow]:
    """Return all settings known of at least one run, those of our spec first, by their names there."""
    known = [by_spec_names(reading.settings) for reading in readings]
    names = dict.fromkeys(name for settings in known for name in settings)
    ordered = sorted(names, key=lambda name: (not _is_of_spec(name), _is_of_the_box(name)))
    return [
        SettingRow(name=name, values=tuple(_shown(settings, name) for settings in known)) for name in ordered
    ]


def differing(readings: Sequence[Reading]) -> list[SettingRow]:
    """Return only the settings in which two of the runs differ, without places and names of runs."""
    return [row for row in setting_rows(readings) if row.differs and not _is_of_the_box(row.name)]


def _is_of_spec(name: str) -> bool:
    section = name.partition(".")[0]
    return section in ("model", "data", "method", "objective", "training", "evaluation", "checkpoints")


def _is_of_the_box(name: str) -> bool:
    return name.startswith(_OF_THE_BOX)


def _shown(settings: Mapping[str, SettingValue], name: str) -> str:
    value = settings.get(name)
    if value is None:
        return NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = _number(value)
    return str(value) if number is None else f"{number:.12g}"


def _number(value: SettingValue) -> float | None:
    """The number that a value is: 1e-4, 0.0001 and "1e-4" are the same setting."""
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def best_eval(reading: Reading) -> BestEval | None:
    """Return the best evaluation of a run; None when nothing finite was measured."""
    for name in ("eval_loss", "loss"):
        series = reading.series.get(name)
        place = _lowest(series) if series is not None else None
        if series is not None and place is not None:
            return BestEval(name=name, step=series.steps[place], value=series.values[place])
    return None


def _lowest(series: Series) -> int | None:
    """The first position of the lowest finite value."""
    count, extent = len(series), series.extent()
    if extent is None:
        return None
    start, size = 0, count
    while size > 1:  # halve the stretch that holds it: the pyramid answers each question in O(log n)
        half = size // 2
        left = series.extent(start, start + half)
        if left is None or left[0] > extent[0]:
            start, size = start + half, size - half
        else:
            size = half
    return start

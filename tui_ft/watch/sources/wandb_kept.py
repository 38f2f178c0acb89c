"""What is kept of a `.wandb` file besides its curves, so that a long run opens again at once."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.reading import SettingValue
from tui_ft.watch.series import Series
from tui_ft.watch.sources.wandb_message import Run
from tui_ft.watch.sources.wandb_records import Records
from tui_ft.watch.sources.wandb_rows import HistoryTable

_MOST_STATISTICS = 500_000
"""Points of all hardware series together; with more, nothing is kept."""


class KeptRun(msgspec.Struct, frozen=True):
    """The state of a reader behind `offset`: rows, run, settings, statistics, what was printed, the end."""

    offset: int
    bad_records: int
    names: dict[str, str]
    finished_step: float | None
    optimizer_step: float | None
    newest: float | None
    run: Run
    settings: dict[str, SettingValue]
    printed: list[str]
    exit_code: int | None
    statistics_origin: float | None
    statistics_newest: float | None
    statistics: dict[str, tuple[list[float], list[float]]]


def encode(offset: int, bad_records: int, rows: HistoryTable, records: Records) -> bytes | None:
    """The state as a cache keeps it; None when it is too much to be kept."""
    statistics = records.statistics
    if sum(map(len, statistics.series.values())) > _MOST_STATISTICS:
        return None
    kept = KeptRun(
        offset=offset,
        bad_records=bad_records,
        names=dict(rows.names.known),
        finished_step=rows.finished_step,
        optimizer_step=rows.optimizer_step,
        newest=rows.newest,
        run=replace(records.run, config={}),  # as it was written, with its secrets; `settings` have the rest
        settings=records.settings,
        printed=list(records.printed.lines),
        exit_code=records.exit_code,
        statistics_origin=statistics.origin,
        statistics_newest=statistics.newest,
        statistics={name: _columns(series) for name, series in statistics.series.items()},
    )
    try:
        return msgspec.msgpack.encode(kept)
    except (OverflowError, UnicodeEncodeError):  # a setting beyond 64 bits, or half a character
        return None


def decode(state: bytes) -> KeptRun | None:
    """None for what is none (any more)."""
    try:
        return msgspec.msgpack.decode(state, type=KeptRun)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def restore(kept: KeptRun, rows: HistoryTable, records: Records) -> None:
    """Put new readers into the state that was kept."""
    rows.names = SeriesNames(kept.names)
    rows.finished_step, rows.optimizer_step, rows.newest = (
        kept.finished_step,
        kept.optimizer_step,
        kept.newest,
    )
    rows.bad_records = kept.bad_records
    records.run, records.settings, records.exit_code = kept.run, dict(kept.settings), kept.exit_code
    if kept.printed:
        records.printed.add("\n".join(kept.printed) + "\n")
    statistics = records.statistics
    statistics.origin, statistics.newest = kept.statistics_origin, kept.statistics_newest
    for name, (steps, values) in kept.statistics.items():
        series = statistics.series[name] = Series()
        series.extend(steps, values)
    statistics.settle()


def _columns(series: Series) -> tuple[list[float], list[float]]:
    count = len(series)
    return list(series.steps[:count]), list(series.values[:count])

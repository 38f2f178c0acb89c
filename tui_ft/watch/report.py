"""One reading of a run for scripts (`watch --json`) and for people without a dashboard (`watch --once`)."""

from __future__ import annotations

import math
import textwrap
import time
from typing import Any

from tui_ft.runs.records import SCHEMA, finite_or_word
from tui_ft.watch import memory, since
from tui_ft.watch.eta import clock_label, duration_label, seconds_left
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import OtherSource, Reading
from tui_ft.watch.scales import number_label
from tui_ft.watch.series import Series
from tui_ft.watch.sources.protocol import Source

_LONGEST_READ_S = 60.0
_MOST_OTHERS = 20
_WIDTH = 80


def read_whole(source: Source, budget_s: float = _LONGEST_READ_S) -> Reading:
    """Poll until the history is read, `budget_s` seconds at most, and return the reading."""
    end = time.monotonic() + budget_s
    source.poll(budget_s)
    while not source.reading.is_complete and time.monotonic() < end:
        source.poll(max(end - time.monotonic(), 0.0))
    return source.reading


def as_json(reading: Reading, told: since.Since | None = None) -> dict[str, Any]:
    """Return a reading as the object that `watch --json` prints: strict JSON, non-finite numbers as words.

    `series` are those of `source` alone; what other sources of the run have besides is `borrowed_series`.
    `told` is what happened since this person looked last, None for who never did.
    """
    return {
        "schema": SCHEMA,
        "source": reading.source,
        "title": reading.title,
        "path": reading.path,
        "status": reading.status,
        "reason": reading.reason,
        "step": reading.step,
        "total_steps": reading.total_steps,
        "epoch": _number(reading.epoch),
        "started_at": _number(reading.started_at),
        "updated_at": _number(reading.updated_at),
        "restarts": reading.restarts,
        "bad_records": reading.bad_records,
        "notes": list(reading.notes),
        "findings": [
            {"code": one.code, "level": one.level, "message": one.message, "step": one.step}
            for one in reading.findings
        ],
        "since": since.as_json(told) if told is not None else None,
        "gpu_memory": memory.as_json(reading.gpu_memory),
        "model": reading.model,
        "method": reading.method,
        "pids": list(reading.pids),
        "checkpoint_steps": [_whole(step) for step in reading.checkpoint_steps if math.isfinite(step)],
        "settings": {
            name: finite_or_word(value) if isinstance(value, float) else value
            for name, value in sorted(reading.settings.items())
        },
        "series": {name: _series(series) for name, series in _shown(reading) if name not in reading.borrowed},
        "borrowed_series": {
            name: {"source": reading.borrowed[name], **_series(series)}
            for name, series in _shown(reading)
            if name in reading.borrowed
        },
        "others": [
            {"source": other.source, "title": other.title, "path": other.path, "status": other.status}
            for other in reading.others
        ],
    }


def _shown(reading: Reading) -> list[tuple[str, Series]]:
    return [(name, series) for name, series in sorted(reading.series.items()) if len(series)]


def _series(series: Series) -> dict[str, Any]:
    low, high = series.extent() or (None, None)
    return {
        "points": len(series),
        "first": _point(series.first),
        "last": _point(series.last),
        "min": _number(low),
        "max": _number(high),
        "nonfinite": series.nonfinite,
    }


def _point(point: tuple[float, float] | None) -> list[Any] | None:
    return None if point is None else [_whole(point[0]), _number(point[1])]


def _whole(step: float) -> int | float:
    return int(step) if math.isfinite(step) and step == int(step) else step


def _number(value: float | None) -> float | str | None:
    return None if value is None else finite_or_word(value)


def as_text(reading: Reading, now: float | None = None, told: since.Since | None = None) -> str:
    """Return a reading as a few lines for people, without colour."""
    now = time.time() if now is None else now
    lines = [_headline(reading), *_reason(reading.reason), _where(reading, now)]
    if reading.series:
        width = max(len(name) for name in reading.series)
        lines += [
            f"  {name.ljust(width)}  {_values(series)}" for name, series in sorted(reading.series.items())
        ]
    if reading.gpu_memory is not None:
        ran_out = reading.exit is not None and reading.exit.cause == "cuda_oom"
        lines.append(clean_line(memory.wordings(reading.gpu_memory, ran_out=ran_out)[0]))
    if reading.end is not None and reading.end.result:
        lines.append(f"Result: {clean_line(reading.end.result)}")
    lines += [f"Note: {note}" for note in reading.notes]
    lines += [f"{one.level.capitalize()}: {one.message} ({one.code})" for one in reading.findings]
    if told is not None and told.is_news and told.away_s >= since.AWAY_S:
        lines += [f"{since.heading(told)}:", *(f"  {text}" for text, _ in since.since_lines(told))]
    if reading.others:
        lines.append(f"Others here ({len(reading.others)}):")
        lines += [f"  {_other(other)}" for other in reading.others[:_MOST_OTHERS]]
    if len(reading.others) > _MOST_OTHERS:
        lines.append(f"  and {len(reading.others) - _MOST_OTHERS} more")
    return "\n".join(line for line in lines if line)


def _other(other: OtherSource) -> str:
    status = "" if other.status == "unknown" else f"  {other.status}"
    return clean_line(f"{other.source}  {other.path}{status}")


def _headline(reading: Reading) -> str:
    kind = " · ".join(part for part in (reading.model, reading.method) if part)
    whose = "" if reading.source == "tui_ft" else f"  by {reading.source} at {clean_line(reading.path)}"
    return f"{reading.title}  {reading.status}" + (f"  {kind}" if kind else "") + whose


def _reason(reason: str) -> list[str]:
    """The reason on lines of its own, broken between words."""
    return textwrap.wrap(clean_line(reason), _WIDTH, break_on_hyphens=False)


def _where(reading: Reading, now: float) -> str:
    parts = []
    if reading.step is not None:
        parts.append(f"step {reading.step}" + (f" of {reading.total_steps}" if reading.total_steps else ""))
    if reading.epoch is not None:
        parts.append(f"epoch {reading.epoch:.2f}")
    left = seconds_left(reading.times, reading.step, reading.total_steps)
    if left and reading.status == "running":
        parts.append(f"about {duration_label(left)} left, until {clock_label(now + left, now)}")
    return "  ".join(parts)


def _values(series: Series) -> str:
    first, last, extent = series.first, series.last, series.extent()
    if first is None or last is None:
        return "–"
    text = f"{number_label(first[1])} → {number_label(last[1])}"
    if extent is not None:
        text += f"  (min {number_label(extent[0])}, max {number_label(extent[1])}, {len(series)} points)"
    return text + (f"  {series.nonfinite} not finite" if series.nonfinite else "")

"""One reading of several sources of a run: the shown one's, and what only the others know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_ft.watch.likeness import glimpse_of, have_same_points, tier_of
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import OtherSource, Reading, SourceName
from tui_ft.watch.series import Series
from tui_ft.watch.state import FRESH_GAPS, FRESH_S, Evidence

BEYOND_STEPS = 20
BEYOND_SHARE = 0.1
"""A mark of an end is void when another source goes on so many steps, or such a share of them, after it."""
MOST_NOTES = 12
_END_MARKS = ("finished", "failed", "stopped")

Told = tuple[Reading, Evidence]
"""What one source of the run says: its reading and its evidence."""


def combine(told: Sequence[Told], writer_lives: bool | None) -> Evidence:
    """Return the evidence of all sources of a run together.

    A mark of an end counts from any source, unless another one goes on after it. `writer_lives` is what is
    known of the processes; None leaves that to what the sources themselves know.
    """
    marks = {name: _mark(told, name) for name in _END_MARKS}
    following = [evidence for _, evidence in told if not evidence.is_snapshot and evidence.written_at]
    dated = following or [evidence for _, evidence in told if evidence.written_at]
    gaps = [evidence.usual_gap_s for evidence in dated if evidence.usual_gap_s]
    if writer_lives is None:
        words = {evidence.writer_lives for _, evidence in told}
        writer_lives = True if True in words else False if False in words else None
    return Evidence(
        **marks,
        writer_lives=writer_lives,
        written_at=max((evidence.written_at or 0.0 for evidence in dated), default=None),
        usual_gap_s=min(gaps, default=None),
        is_snapshot=not following,
    )


def _mark(told: Sequence[Told], name: str) -> str:
    for reading, evidence in told:
        words: str = getattr(evidence, name)
        if words and not any(_goes_beyond(other, (reading, evidence)) for other in told):
            return words
    return ""


def _goes_beyond(other: Told, mark: Told) -> bool:
    """True when `other` tells of training after the end that `mark` tells of."""
    (reading, evidence), (marked, its) = other, mark
    if reading.step is None or tier_of(reading) < 2:
        return False
    further = reading.step - (marked.step if marked.step is not None else reading.step)
    if further > max(BEYOND_STEPS, BEYOND_SHARE * reading.step):
        return True
    later = (evidence.written_at or 0.0) - (its.written_at or 0.0)
    return later > FRESH_S and (further > 0 or marked.step is None) and evidence.written_at is not None


def choose(told: Sequence[Told], richness: Sequence[int], current: int, *, is_over: bool) -> int:
    """Return which source is shown: the richest that tells of training and was not left behind.

    While the run goes on, what is written at checkpoints only yields to what is written as it trains.
    """
    steps = [reading.step or 0 for reading, _ in told]
    furthest = max(steps, default=0)
    newest = max((evidence.written_at or 0.0 for _, evidence in told), default=0.0)

    def rank(at: int) -> tuple[int, bool, bool, int, bool]:
        reading, evidence = told[at]
        limit = max(FRESH_S, FRESH_GAPS * (evidence.usual_gap_s or 0.0))
        is_behind = steps[at] < furthest and newest - (evidence.written_at or 0.0) > limit
        is_old = evidence.is_snapshot and (steps[at] < furthest or not is_over)
        return tier_of(reading), not is_old, not is_behind, richness[at], at == current

    return max(range(len(told)), key=rank)


def merge(told: Sequence[Told], shown: int) -> Reading:
    """Return the reading of `shown` with what only the other sources know; their series when points agree."""
    main = told[shown][0]
    rest = [reading for at, (reading, _) in enumerate(told) if at != shown]
    everyone = [main, *rest]
    series, borrowed, times = _borrow(main, rest)
    log = next((reading for reading in everyone if reading.log), main)
    dated = next((reading for reading in everyone if reading.hardware_series), main)
    settings = {name: value for reading in reversed(everyone) for name, value in reading.settings.items()}
    started = [reading.started_at for reading in everyone if reading.started_at is not None]
    return replace(
        main,
        series=series,
        times=times,
        borrowed=borrowed,
        model=next((reading.model for reading in everyone if reading.model), ""),
        method=next((reading.method for reading in everyone if reading.method), ""),
        total_steps=next((reading.total_steps for reading in everyone if reading.total_steps), None),
        started_at=min(started, default=None),
        ended_at=main.ended_at or next((reading.ended_at for reading in rest if reading.ended_at), None),
        settings=settings,
        checkpoint_steps=tuple(sorted({step for reading in everyone for step in reading.checkpoint_steps})),
        hardware_series=dated.hardware_series,
        hardware_origin=dated.hardware_origin,
        log=log.log,
        log_version=log.log_version,
        notes=tuple(dict.fromkeys((*main.notes, *_notes(rest), *_borrowed_notes(borrowed))))[:MOST_NOTES],
    )


def _borrow(
    main: Reading, rest: Sequence[Reading]
) -> tuple[dict[str, Series], dict[str, SourceName], Series]:
    """The series that other sources have besides, where their points at the same steps are the same."""
    series, times = dict(main.series), main.times
    borrowed: dict[str, SourceName] = {}
    own = glimpse_of(main)
    for reading in rest:
        missing = reading.series.keys() - series.keys()
        is_dated = bool(len(reading.times)) and not len(times)
        if not (missing or is_dated) or not have_same_points(own, glimpse_of(reading)):
            continue
        times = reading.times if is_dated else times
        for name in sorted(missing):
            series[name] = reading.series[name]
            borrowed[name] = reading.source
    return series, borrowed, times


def _notes(rest: Sequence[Reading]) -> list[str]:
    return [f"{reading.source}: {note}" for reading in rest for note in reading.notes]


def _borrowed_notes(borrowed: dict[str, SourceName]) -> list[str]:
    by_source: dict[str, list[str]] = {}
    for name, source in borrowed.items():
        by_source.setdefault(source, []).append(clean_line(name))
    return [
        f"From {source}: {', '.join(names[:6])}{f' and {len(names) - 6} more' if len(names) > 6 else ''}."
        for source, names in by_source.items()
    ]


def other_of(reading: Reading) -> OtherSource:
    """How a reading is named among the others of the run that is shown."""
    return OtherSource(source=reading.source, title=reading.title, path=reading.path, status=reading.status)

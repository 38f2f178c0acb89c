"""One reading of several sources of a run: the shown one's, and what only the others know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tui_ft.watch.likeness import Glimpse, have_same_points, tier_of
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import OtherSource, Reading, SourceName
from tui_ft.watch.series import Series
from tui_ft.watch.state import FRESH_GAPS, FRESH_S, Evidence
from tui_ft.watch.writing import Writing

BEYOND_STEPS = 5
BEYOND_SHARE = 0.1
"""A source whose steps end so many before another's, and such a share of them, was left behind."""
MOST_NOTES = 12
_END_MARKS = ("finished", "failed", "stopped")


@dataclass(frozen=True)
class Told:
    """What one source of the run says; `points` are some of its own, to know whose steps are alike.

    `changed_at` is when its files were written last (unix seconds). `is_copied`: they are far younger than
    what they tell, so that the times of files mean nothing. `is_moved`: event files that were written later
    than a logger writes what it was given, so that the host in their names need not be this one.
    """

    reading: Reading
    evidence: Evidence
    richness: int = 0
    points: Glimpse = field(default_factory=Glimpse)
    changed_at: float | None = None
    is_copied: bool = False
    is_moved: bool = False

    @property
    def step(self) -> int:
        return self.reading.step or 0

    @property
    def written_at(self) -> float:
        return self.evidence.written_at or 0.0

    @property
    def tells_time(self) -> bool:
        """True when its rows hold their times, and it need not be judged by those of its files."""
        return len(self.reading.times) > 0

    def is_behind(self, other: Told) -> bool:
        """True when the other source goes on well after the end of this one, by steps that are alike."""
        further = other.step - self.step
        if further <= BEYOND_STEPS or further <= BEYOND_SHARE * other.step:
            return False
        return have_same_points(self.points, other.points)

    def lacks_points_of(self, other: Told) -> bool:
        """True when the other source has training points after the last of this, by steps that are alike."""
        own, others = self.reading.series.get("loss"), other.reading.series.get("loss")
        if own is None or others is None or not len(own) or not len(others):
            return False
        if others.steps[len(others) - 1] <= own.steps[len(own) - 1]:
            return False
        return have_same_points(self.points, other.points)

    def is_stale(self, other: Told) -> bool:
        """True when the other source was written long after this one, and has more steps."""
        limit = max(FRESH_S, FRESH_GAPS * (self.evidence.usual_gap_s or 0.0))
        return other.step > self.step and self.is_older(other, limit)

    def is_older(self, other: Told, by_s: float) -> bool:
        """True when the other source was written later by so much; what was copied has lost its times."""
        if (self.is_copied or other.is_copied) and not (self.tells_time and other.tells_time):
            return False
        return bool(self.written_at) and other.written_at - self.written_at > by_s


def combine(told: Sequence[Told], writing: Writing) -> Evidence:
    """Return the evidence of all sources of a run together.

    A mark of an end counts from any source, unless another one goes on after it; without one, how the
    process ended counts. Where no process was seen, that is left to what the sources themselves know.
    """
    marks = {name: _mark(told, name) for name in _END_MARKS}
    if not any(marks.values()):
        marks = {name: getattr(writing, name) for name in _END_MARKS}
    are_copied = any(one.is_copied for one in told)
    known = [one.evidence for one in told if one.evidence.written_at and (one.tells_time or not are_copied)]
    following = [evidence for evidence in known if not evidence.is_snapshot]
    dated = following or known
    gaps = [evidence.usual_gap_s for evidence in dated if evidence.usual_gap_s]
    lives = writing.lives
    if writing.is_by_name and any(one.is_moved for one in told):
        lives = None
    is_gone = lives is False and writing.is_by_name and not _falls_short(told)
    if is_gone:  # TensorBoard has no mark of an end that could be missing
        lives = None
    if lives is None:
        words = {one.evidence.writer_lives for one in told}
        lives = True if True in words else False if False in words else None
    return Evidence(
        **marks,
        killed=writing.killed,
        writer_lives=lives,
        written_at=_written_at(told, dated, is_written=lives is True),
        usual_gap_s=min(gaps, default=None),
        is_snapshot=not following,
        is_let_go=writing.is_let_go,
        is_gone=is_gone,
    )


def _falls_short(told: Sequence[Told]) -> bool:
    """True when a source tells how long the run was to be, and none came so far."""
    total = max((one.reading.total_steps or 0 for one in told), default=0)
    return max((one.step for one in told), default=0) < total


def _written_at(told: Sequence[Told], dated: Sequence[Evidence], *, is_written: bool) -> float | None:
    """The newest sign of life; while a process writes them, the times of files count beside those of rows."""
    times = [evidence.written_at for evidence in dated]
    times += [one.changed_at for one in told] if is_written else []
    return max((moment for moment in times if moment is not None), default=None)


def _mark(told: Sequence[Told], name: str) -> str:
    for one in told:
        words: str = getattr(one.evidence, name)
        if words and not any(_goes_beyond(other, one) for other in told):
            return words
    return ""


def _goes_beyond(other: Told, marked: Told) -> bool:
    """True when `other` tells of training after the end that `marked` tells of."""
    if tier_of(other.reading) < 2 or other is marked:
        return False
    if marked.reading.step is None:  # a log that holds no steps: only its time can be compared
        return marked.is_older(other, FRESH_S)
    return marked.is_behind(other) or marked.is_stale(other)


def choose(told: Sequence[Told], current: int, *, is_live: bool) -> int:
    """Return which source is shown: the richest that tells of training and was not left behind.

    While the run goes on, sources lag each other by what they hold back, and what is written at checkpoints
    only yields to what is written as it trains. Of a run that is over the end counts: a source that never
    got its last points yields to one that did.
    """

    def rank(at: int) -> tuple[int, bool, bool, int, bool]:
        one = told[at]
        others = [other for other in told if tier(other) == 2]
        is_behind = any(one.is_behind(other) or one.is_stale(other) for other in others)
        is_behind = is_behind or (not is_live and any(one.lacks_points_of(other) for other in others))
        is_old = one.evidence.is_snapshot and is_live and any(_follows(other, one) for other in told)
        return tier(one), not is_old, not is_behind, one.richness, at == current

    return max(range(len(told)), key=rank)


def tier(one: Told) -> int:
    """2 where a source tells of training, 1 for any series, 0 for none."""
    return tier_of(one.reading)


def _follows(other: Told, snapshot: Told) -> bool:
    """True for a source that is written as the run trains, and is as far as what a checkpoint holds."""
    return tier(other) == 2 and not other.evidence.is_snapshot and other.step >= snapshot.step


def merge(told: Sequence[Told], shown: int) -> Reading:
    """Return the reading of `shown` with what only the other sources know; their series when points agree."""
    main = told[shown].reading
    rest = [one.reading for at, one in enumerate(told) if at != shown]
    everyone = [main, *rest]
    series, borrowed, times = _borrow(told[shown], [one for at, one in enumerate(told) if at != shown])
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


def _borrow(main: Told, rest: Sequence[Told]) -> tuple[dict[str, Series], dict[str, SourceName], Series]:
    """The series that other sources have besides, where their points at the same steps are the same."""
    series, times = dict(main.reading.series), main.reading.times
    borrowed: dict[str, SourceName] = {}
    for one in rest:
        reading = one.reading
        missing = reading.series.keys() - series.keys()
        is_dated = bool(len(reading.times)) and not len(times)
        if not (missing or is_dated) or not have_same_points(main.points, one.points):
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
    return OtherSource(
        source=reading.source,
        title=reading.title,
        path=reading.path,
        status=reading.status,
        step=reading.step,
        loss=reading.last("loss"),
        updated_at=reading.updated_at,
    )

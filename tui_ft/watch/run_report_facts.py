"""Gathers what a report on a run is written from; what cannot be known is None."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Finding
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.provenance import Provenance, opening_steps, read_provenance
from tui_ft.spec import toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.watch.findings import findings_of
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.found import FoundRun
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole

if TYPE_CHECKING:
    from tui_ft.guide.question import Recommendation
    from tui_ft.runs.money.bill import Bill
    from tui_ft.watch.post_mortem import PostMortem

MOST_ATTEMPTS = 50


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """All that is known of a run at `now` (unix seconds). Of others' runs only the reading, and how it ended.

    `specs` are the texts of the specs by attempt, `attempts` what each wrote down, oldest
    first, `opened_at` the step from which each really went on, `kept` the steps of the checkpoints that
    are still there, `model_hash` that of every byte of
    the base model as it lies here now, where it was asked for; `findings` are what is not well now.
    """

    reading: Reading
    now: float
    run: RunDirectory | None = None
    spec: RunSpec | None = None
    specs: tuple[tuple[int, str], ...] = ()
    attempts: tuple[Provenance, ...] = ()
    opened_at: Mapping[int, int] = field(default_factory=dict)
    kept: tuple[int, ...] | None = None
    findings: tuple[Finding, ...] = ()
    model_hash: str | None = None
    bill: Bill | None = None
    advice: Recommendation | None = None
    no_advice: str = ""
    ending: PostMortem | None = None

    @property
    def newest(self) -> Provenance | None:
        """The last attempt that wrote something down: one that is only just loading has not yet."""
        told = [attempt for attempt in self.attempts if attempt.environment or attempt.data]
        return told[-1] if told else (self.attempts[-1] if self.attempts else None)


def gather(found: FoundRun, now: float | None = None, *, with_model: bool = False) -> ReportFacts:
    """Read the whole run. It takes as long as its history; never raises for what the files hold.

    `with_model` reads the whole base model, too. Raises `TuiFtError` where that is not here.
    """
    now = time.time() if now is None else now
    reading = read_whole(open_run(found, lambda: now))
    if not found.is_ours:
        found_now, ending = findings_of(reading), _ending(reading, None, now)
        return ReportFacts(reading=reading, now=now, findings=found_now, ending=ending)
    run = RunDirectory(found.path)
    numbers = _attempts(run, reading.attempt)
    attempts = tuple(read_provenance(run, number) for number in numbers)
    spec = _spec(run, reading.attempt)
    advice, why_not = _advice(spec, attempts)
    return ReportFacts(
        reading=reading,
        now=now,
        run=run,
        spec=spec,
        specs=tuple((number, text) for number in numbers if (text := _text(run, number)) is not None),
        attempts=attempts,
        findings=findings_of(reading),
        opened_at=opening_steps(run),
        kept=tuple(sorted(step for step, _ in run.list_checkpoints())),
        model_hash=_model_hash(spec) if with_model else None,
        bill=_bill(run, now),
        advice=advice,
        no_advice=why_not,
        ending=_ending(reading, run, now),
    )


def _attempts(run: RunDirectory, newest: int) -> list[int]:
    first = max(newest - MOST_ATTEMPTS + 1, 1)
    return [number for number in range(first, newest + 1) if run.attempt(number).path.is_dir()]


def _spec(run: RunDirectory, attempt: int) -> RunSpec | None:
    for path in (run.attempt(attempt).spec, run.spec):
        try:
            if path.is_file():  # a pipe of that name would be waited for
                return toml.load(path)
        except TuiFtError:
            continue
    return None


def _text(run: RunDirectory, attempt: int) -> str | None:
    path = run.attempt(attempt).spec
    try:
        return toml.read(path) if path.is_file() else None
    except TuiFtError:
        return None


def _model_hash(spec: RunSpec | None) -> str:
    """The hash of every byte of the base model. Raises `TuiFtError` where it is not on this disk."""
    from tui_ft.data.model_identity import full_hash
    from tui_ft.vram.find_model import find

    name = spec.model.id if spec is not None else None
    if spec is None or not name:
        raise TuiFtError("Which base model it is cannot be read.", "Leave out --hash-model.")
    folder = find(name, revision=spec.model.revision).folder
    if folder is None:
        raise TuiFtError(f"The base model {name} is not on this disk.", "Leave out --hash-model.")
    try:
        return full_hash(folder)
    except OSError as error:
        raise TuiFtError(
            f"The base model {name} cannot be read: {error.strerror}.", "Leave out --hash-model."
        ) from error


def _bill(run: RunDirectory, now: float) -> Bill | None:
    from tui_ft.runs.money.bill import bill_of

    try:
        return bill_of(run, now)
    except (TuiFtError, OSError):
        return None  # broken settings: the section says that the cost is not known


def _ending(reading: Reading, run: RunDirectory | None, now: float) -> PostMortem | None:
    from tui_ft.watch.post_mortem import post_mortem

    return post_mortem(reading, run, now)


def _advice(spec: RunSpec | None, attempts: tuple[Provenance, ...]) -> tuple[Recommendation | None, str]:
    """What the guide says of this model, these rows and the GPU as it was; else why it says nothing."""
    from tui_ft.guide.goals import parse_goals
    from tui_ft.guide.question import Question
    from tui_ft.guide.recommend import recommend
    from tui_ft.runs.provenance import count_of
    from tui_ft.vram.find_model import find_shape

    if spec is None or not attempts:
        return None, "its spec cannot be read"
    newest = attempts[-1]
    foreseen = newest.prediction
    try:
        question = Question(
            shape=find_shape(spec.model.id or "", revision=spec.model.revision),
            spec=spec,
            goals=parse_goals(spec.objective.kind),
            rows=count_of(newest.data.get("train_rows")),
            free_bytes=foreseen.free_bytes if foreseen is not None else None,
            total_bytes=foreseen.total_bytes if foreseen is not None else None,
            capability=_capability(foreseen.capability if foreseen is not None else None),
            longest_row=count_of(newest.data.get("longest")) or None,
        )
        return recommend(question), ""
    except TuiFtError as error:
        return None, error.message


def _capability(text: str | None) -> tuple[int, int] | None:
    major, dot, minor = (text or "").partition(".")
    known = dot and major.isdigit() and minor.isdigit() and len(text or "") < 8
    return (int(major), int(minor)) if known else None

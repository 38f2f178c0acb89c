"""A data set made ready for training: every row read, converted, encoded, split, and accounted for."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tui_ft.data import split
from tui_ft.data.content import ContentHash
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examples import LOOKED_AT, Reading, TooLong, said_of, tokens_of
from tui_ft.data.formats import require_sft
from tui_ft.data.pool import Candidate, EncodedRows, Pool
from tui_ft.data.read import read_rows
from tui_ft.data.report import DataReport, SourceReport
from tui_ft.data.sample import Sample, sample_of
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError

_PROGRESS_ROWS = 64

READ_FOR_LIMIT = 20_000
"""Rows of a source that a limited run reads, unless its limit asks for more: a trial is to take a minute."""

Progress = Callable[[int], None]
"""Called with the number of rows read so far, now and then; it may raise to end the work."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows to learn from: numbered from 1, with the name that errors call them by.

    `weight` 2 shows every row twice an epoch, 0.5 only every second one.
    """

    rows: Iterable[tuple[int, dict[str, Any]]]
    name: str
    format: str = "auto"
    columns: dict[str, str] = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What training needs of the data; `evaluation` is empty when nothing is held out.

    `names` are the sources of `train`, as its rows count them.
    """

    train: EncodedRows
    names: list[str]
    evaluation: EncodedRows
    samples: list[Sample]
    report: DataReport


def rows_read(limit: int | None) -> int | None:
    """Return how many rows of a source are read at most, for a run that is limited to `limit`; None: all."""
    return None if limit is None else max(READ_FOR_LIMIT, 2 * limit)


def local_source(path: Path, **options: Any) -> Source:
    """Return the source of a local file with the options of `Source`; reading it raises `TuiFtError`."""
    format, columns = said_of(path, options.pop("format", "auto"), options.pop("columns", None))
    return Source(rows=read_rows(path), name=str(path), format=format, columns=columns, **options)


def prepare(
    sources: Iterable[Source],
    tokenizer: ChatTokenizer,
    *,
    train_on: str = "completion",
    max_length: int = 1024,
    eval_sources: Iterable[Source] = (),
    eval_fraction: float = 0.05,
    seed: int = 42,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Read all rows and return the encoded train and evaluation sets with the report.

    Rows longer than `max_length` tokens lose their end; those left without a trained token are
    dropped. With `eval_sources` nothing is split off. `limit` leaves so many rows to train on and as many
    held out, at most, of the first `READ_FOR_LIMIT` of each source; the report counts all that were read.
    Raises `TuiFtError` when a source cannot be read, is in no format for fine-tuning, or leaves no row to
    train on.
    """
    work = _Work(tokenizer, train_on=train_on, max_length=max_length, seed=seed, progress=progress)
    work.most_rows = rows_read(limit)
    learnt = [work.take(source) for source in sources]
    pool = work.pool
    work.pool = Pool()
    asked = [work.take(source, is_eval=True) for source in eval_sources]
    held = set() if asked else split.held_out(pool.ranks, eval_fraction)
    train, evaluation = pool.rows(without=held), pool.rows(only=held)
    if not len(train):
        raise TuiFtError(
            "The weights of data.train leave no row to train on.", "Raise a weight, or give more rows."
        )
    if asked:
        evaluation = work.pool.rows()
    train, evaluation = train.few(limit), evaluation.few(limit)
    candidates = work.pool if asked else pool
    return Prepared(
        train=train,
        names=pool.names,
        evaluation=evaluation,
        samples=[sample_of(found, tokenizer) for found in candidates.examples()],
        report=DataReport(
            sources=learnt,
            eval_sources=asked,
            train_on=train_on,
            max_length=max_length,
            train_rows=len(train),
            eval_rows=len(evaluation),
            content_hash=work.content.hexdigest(),
            **work.totals,
        ),
    )


class _Work:
    """The pass over the rows: what is known of them so far."""

    def __init__(
        self,
        tokenizer: ChatTokenizer,
        *,
        train_on: str,
        max_length: int,
        seed: int,
        progress: Progress | None,
    ) -> None:
        self.pool = Pool()
        self.most_rows: int | None = None
        self.content = ContentHash()
        self.totals = {"tokens": 0, "trained_tokens": 0, "longest": 0, "truncated": 0}
        self._tokenizer = tokenizer
        self._train_on = train_on
        self._max_length = max_length
        self._seed = seed
        self._progress = progress
        self._read = 0

    def take(self, source: Source, *, is_eval: bool = False) -> SourceReport:
        """Read one source to its end. Raises `TuiFtError` when none of its rows can be used."""
        rows = iter(source.rows)
        first = list(islice(rows, LOOKED_AT))
        if not first:
            raise TuiFtError(f"The data set {shown(source.name, 200)} has no rows.", "Give one with rows.")
        reading = Reading.of(
            [row for _, row in first],
            columns=source.columns,
            format=source.format,
            train_on=self._train_on,
        )
        found = reading.found
        columns = list(dict.fromkeys(name for _, row in first for name in row))
        require_sft(found, source.name, columns)
        report = SourceReport(name=source.name, format=found.name, columns=found.columns)
        for number, row in islice(chain(first, rows), self.most_rows):
            self._count(row)
            report.rows += 1
            try:
                self._use(row, reading, source, number, report, is_eval=is_eval)
                report.used += 1
            except RowProblem as problem:
                report.skip(problem.reason, number)
        if not report.used:
            reason, skipped = max(report.skipped.items(), key=lambda item: item[1].count)
            raise TuiFtError(
                f"No row of {shown(source.name, 200)} can be used: {reason} "
                f"({skipped.count} of {report.rows} rows, the first is row {skipped.rows[0]}).",
                "Mend the rows, name their columns in data.columns, or raise data.max_length.",
            )
        return report

    def _count(self, row: dict[str, Any]) -> None:
        self._read += 1
        if self._progress and self._read % _PROGRESS_ROWS == 1:
            self._progress(self._read)
        self.content.add(row)

    def _use(
        self,
        row: dict[str, Any],
        reading: Reading,
        source: Source,
        number: int,
        report: SourceReport,
        *,
        is_eval: bool,
    ) -> None:
        for example in reading.examples(row):
            try:
                whole, cut = tokens_of(example, self._tokenizer, self._max_length)
            except TooLong as problem:
                self.totals["longest"] = max(self.totals["longest"], problem.tokens)
                report.dropped += 1
                raise
            ids, trained = cut.input_ids, cut.trained
            self.totals["longest"] = max(self.totals["longest"], len(whole.input_ids))
            if cut is not whole:
                report.truncated += 1
                self.totals["truncated"] += 1
            self.totals["tokens"] += len(ids)
            self.totals["trained_tokens"] += sum(trained)
            place = split.rank(array("i", ids).tobytes(), self._seed)
            repeats = 1 if is_eval else _repeats(source.weight, place)
            self.pool.add(cut, place, Candidate(example, source.name, number), repeats)


def _repeats(weight: float, place: bytes) -> int:
    whole = int(weight)
    part = int.from_bytes(place[::-1], "big") / 2 ** (8 * len(place))
    return whole + int(part < weight - whole)


def iterate_numbered(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number rows that come without numbers, as those of a hub data set do, from 1."""
    return enumerate(rows, 1)

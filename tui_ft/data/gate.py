"""The check of a data set: every row read, in bounded memory, every fault named with rows and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.checks.repetition import Repetition
from tui_ft.data.checks.sight import Sight, sight_of, text_of
from tui_ft.data.declared import declared
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examples import LOOKED_AT, Reading, TooLong, tokens_of
from tui_ft.data.faults import Faults
from tui_ft.data.findings import Findings
from tui_ft.data.formats import SFT_FORMATS, require_sft
from tui_ft.data.lengths import LengthCounter
from tui_ft.data.preferences import as_trl
from tui_ft.data.read import BadRow, UnreadableError, look, tolerant
from tui_ft.data.wording import RowProblem
from tui_ft.errors import TuiFtError

Row = dict[str, Any]

_PROGRESS_ROWS = 256
_MOST_COLUMNS = 1000
_NO_LIMIT = 1 << 60


class Stop(Exception):  # noqa: N818 - a wish, not an error
    """Raised by `progress` to end the check: what was found by then is returned as partial."""


class Tally(msgspec.Struct, frozen=True):
    """How many rows were read, how many of them can be used, and how many kinds of fault were found."""

    rows: int
    usable_rows: int
    kinds: int


class Progress(msgspec.Struct, frozen=True):
    """How far a check is. `bytes_read` and `total_bytes` are those of the file on the disk."""

    rows: int
    bytes_read: int
    total_bytes: int | None
    so_far: Tally


def check(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    format: str = "auto",
    tokenizer: ChatTokenizer | None = None,
    max_length: int | None = None,
    train_on: str = "completion",
    eval_path: Path | str | None = None,
    progress: Callable[[Progress], None] | None = None,
    max_rows: int | None = None,
) -> Findings:
    """Read every row of a data file, at most `max_rows`, and return what is found.

    `usable_rows` are those that training takes with the same tokenizer, `max_length` (in tokens) and
    `train_on`; without a tokenizer lengths are in characters and nothing is cut. `progress` is called
    now and then and may raise `Stop`. Raises `UnreadableError` when nothing of the file can be read.
    """
    path = Path(path)
    given = dict(columns or {})
    if format == "auto" and not given and (said := declared(path)) is not None:
        format, given = said.format, dict(said.columns)
    found = look(path)
    findings = Findings(
        path=str(path.absolute()), container=found.container, format="unknown", train_on=train_on,
        max_length=max_length, content=content_key(path),
    )  # fmt: skip
    work = _Pass(findings, tokenizer, max_length)
    for code, said_of in found.remarks:
        work.faults.add(code, None, said_of)
    work.take(_rows(path, work, progress, max_rows), given, format)
    return work.finish()


def content_key(path: Path) -> str:
    """Return what tells one state of a file from another: its path, size and date."""
    state = path.stat()
    return f"{path.absolute()}:{state.st_size}:{state.st_mtime_ns}"


def unreadable(path: Path | str, error: UnreadableError) -> Findings:
    """Return the findings of a file of which nothing can be read."""
    faults = Faults()
    faults.add(error.code)
    faults.say(error.code, error.message, error.hint)
    return Findings(
        path=str(Path(path).absolute()), container=None, format="unknown", problems=faults.problems(),
        refusal=error.message,
    )  # fmt: skip


def _rows(
    path: Path, work: _Pass, progress: Callable[[Progress], None] | None, max_rows: int | None
) -> Iterator[tuple[int, Row]]:
    """Yield the rows, and end early where `progress` or `max_rows` wants it."""
    place = [0, 0]

    def note(read: int, size: int | None) -> None:
        place[:] = read, size or 0

    rows = tolerant(path, work.bad, note)
    try:
        for number, row in rows:
            if max_rows is not None and work.findings.rows >= max_rows:
                work.findings.is_partial = True
                return
            work.findings.rows += 1
            yield number, row
            if progress and work.findings.rows % _PROGRESS_ROWS == 0:
                progress(Progress(work.findings.rows, place[0], place[1] or None, work.tally()))
    except Stop:
        work.findings.is_partial = True


class _Pass:
    """The pass over the rows: what is known of them so far."""

    def __init__(self, findings: Findings, tokenizer: ChatTokenizer | None, max_length: int | None) -> None:
        self.findings = findings
        self.faults = Faults()
        self._tokenizer = tokenizer
        self._max_length = max_length if max_length is not None else _NO_LIMIT
        self._lengths = LengthCounter("tokens" if tokenizer else "characters")
        self._repetition = Repetition()
        self._columns: dict[str, None] = {}
        self._tokens = self._trained = 0

    def tally(self) -> Tally:
        return Tally(self.findings.rows, self.findings.usable_rows, self.faults.kinds())

    def bad(self, row: BadRow) -> None:
        """Count a row that cannot be read."""
        self.findings.rows += row.count
        self.faults.add(row.code, row.number, row.what, count=max(1, row.count))

    def take(self, rows: Iterator[tuple[int, Row]], columns: Mapping[str, str], format: str) -> None:
        first = list(islice(rows, LOOKED_AT))
        if not first:
            return
        try:
            reading = Reading.of(
                [row for _, row in first], columns=columns, format=format, train_on=self.findings.train_on
            )
        except TuiFtError as error:
            self._refuse("wrong_columns", error)
            return
        self.findings.format = reading.found.name
        self.findings.mapping = dict(reading.found.columns)
        for number, row in chain(first, rows):
            self._row(number, row, reading)

    def _refuse(self, code: str, error: TuiFtError) -> None:
        self.faults.add(code)
        self.faults.say(code, error.message, error.hint)
        self.findings.refusal = error.message

    def _row(self, number: int, row: Row, reading: Reading) -> None:
        if row.keys() - self._columns.keys() and len(self._columns) < _MOST_COLUMNS:
            self._columns.update(dict.fromkeys(row))
        try:
            if reading.found.name in SFT_FORMATS:
                for example in reading.examples(row):
                    self._length(number, example)
                    self._usable(sight_of(number, row, example))
            elif reading.found.name != "unknown":
                self._usable(self._other(number, row, reading))
            else:
                self._repetition.unusable(number, row)
                return
            self.findings.usable_rows += 1
        except RowProblem as problem:
            if isinstance(problem, TooLong):
                self._lengths.add(problem.tokens)
            self.faults.add(problem.code, number, problem.reason)
            self._repetition.unusable(number, row)

    def _usable(self, sight: Sight) -> None:
        self._repetition.usable(sight)

    def _other(self, number: int, row: Row, reading: Reading) -> Sight:
        """Return what is seen of a row of preferences, ratings or prompts. Raises `RowProblem`."""
        said = as_trl(row, reading.found)
        answers = [said[name] for name in ("chosen", "rejected", "completion") if name in said]
        self._lengths.add(_characters(said["prompt"]) + max(map(_characters, answers), default=0))
        if len(answers) == 2 and answers[0] == answers[1]:
            self.faults.add("chosen_is_rejected", number)
        return Sight(number, row, text_of(said["prompt"]), "\n".join(map(text_of, answers)))

    def _length(self, number: int, example: Any) -> None:
        if self._tokenizer is None:
            self._lengths.add(_characters(example.prompt) + _characters(example.completion))
            return
        whole, cut = tokens_of(example, self._tokenizer, self._max_length)
        self._lengths.add(len(whole.input_ids))
        self._tokens += len(cut.input_ids)
        self._trained += sum(cut.trained)
        if cut is not whole:
            self.faults.add("cut_rows", number)

    def finish(self) -> Findings:
        findings = self.findings
        findings.columns = list(self._columns)
        findings.duplicates = self._repetition.finish(self.faults)
        findings.lengths = self._lengths.lengths()
        if self._tokenizer:
            findings.tokens, findings.trained_tokens = self._tokens, self._trained
            findings.suggested_max_length = self._lengths.suggested()
        if findings.format in SFT_FORMATS:
            findings.objectives = ["sft"]
        elif not findings.refusal and findings.rows:
            self._refuse_format()
        if not findings.usable_rows and not findings.refusal:
            self.faults.add("no_usable_rows")
            findings.refusal = "No row of the data set can be used."
        findings.problems = self.faults.problems()
        return findings

    def _refuse_format(self) -> None:
        from tui_ft.data.formats import Format

        found = Format(name=self.findings.format)  # type: ignore[arg-type]
        code = "unknown_format" if found.name == "unknown" else "not_trainable_yet"
        try:
            require_sft(found, self.findings.path, self.findings.columns)
        except TuiFtError as error:
            self._refuse(code, error)


def _characters(part: list[dict[str, str]] | str) -> int:
    return len(part) if isinstance(part, str) else sum(len(message["content"]) for message in part)


__all__ = ["Progress", "Stop", "Tally", "check", "content_key", "unreadable"]

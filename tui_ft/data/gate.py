"""The check of a data set: every row read, in bounded memory, every fault named with rows and remedy."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.checks.leak import EvalPrompts
from tui_ft.data.checks.sight import sight_of
from tui_ft.data.declared import data_file, declared
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examination import Examination, Row, Tally
from tui_ft.data.examples import LOOKED_AT, Reading, said_of
from tui_ft.data.faults import Faults
from tui_ft.data.findings import Findings
from tui_ft.data.formats import SFT_FORMATS
from tui_ft.data.read import BadRow, UnreadableError, look, tolerant
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError

_BETWEEN_S = 0.1
_ROWS_BETWEEN = 64
"""Progress is told ten times a second at most; the clock is asked every so many rows."""


class Stop(Exception):  # noqa: N818 - a wish, not an error
    """Raised by `progress` to end the check: what was found by then is returned as partial."""


class EvaluationError(TuiFtError):
    """The evaluation data cannot be used: another file than the one that is checked."""

    code = "bad_evaluation"


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
    now and then and may raise `Stop`. Raises `UnreadableError` when nothing of the file can be read, and
    `EvaluationError` when the evaluation data cannot be used.
    """
    path = data_file(Path(path))
    asked: dict[str, Any] = {"columns": columns, "format": format, "train_on": train_on}
    register = declared(path) if format == "auto" and not columns else None
    format, columns = said_of(path, format, columns)
    found = look(path)
    findings = Findings(
        path=str(path.absolute()), container=found.container, format="unknown", train_on=train_on,
        max_length=max_length, content=content_key(path),
    )  # fmt: skip
    work = Examination(findings, tokenizer, max_length)
    watch = _Watch(work, progress)
    for code, what in found.remarks:
        work.faults.add(code)
        work.faults.say(code, what)
    try:
        if eval_path is not None:
            work.evaluation = _eval_prompts(Path(eval_path), asked, watch)
        work.take(_rows(path, work, watch, max_rows), columns, format, register)
        _see_again(path, work, watch)
    except Stop:
        findings.is_partial = True
    return work.finish()


def content_key(path: Path) -> str:
    """Return what tells one state of a file from another: its path, size and date; "" when it is gone."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{path.absolute()}:{state.st_size}:{state.st_mtime_ns}"


def unreadable(path: Path | str, error: UnreadableError | EvaluationError) -> Findings:
    """Return the findings of a file of which nothing can be read, or that was not read for `error`."""
    faults = Faults()
    faults.add(error.code)
    faults.say(error.code, error.message, error.hint)
    return Findings(
        path=str(Path(path).absolute()), container=None, format="unknown", problems=faults.problems(),
        refusal=error.message,
    )  # fmt: skip


def _rows(path: Path, work: Examination, watch: _Watch, max_rows: int | None) -> Iterator[tuple[int, Row]]:
    """Yield the rows, `max_rows` at most. Raises `Stop` where the watch wants it."""
    findings = work.findings
    for number, row in tolerant(path, watch.bad, watch.note, unread=work.unread):
        if max_rows is not None and findings.rows >= max_rows:
            findings.is_partial = True
            return
        findings.rows += 1
        yield number, row
        watch.tell()


class _Watch:
    """Tells how far the check is, by the clock: rows may be tiny, huge, or unreadable for a long time."""

    def __init__(self, work: Examination, progress: Callable[[Progress], None] | None) -> None:
        self._work = work
        self._progress = progress
        self._read = 0
        self._size: int | None = None
        self._next = 0.0
        self._has_rows = False
        self._asked = 0

    def note(self, read: int, size: int | None) -> None:
        self._read, self._size = read, size
        self._asked = 0
        self.tell()

    def bad(self, row: BadRow) -> None:
        self._work.bad(row)
        self.tell()

    def passed(self, row: BadRow) -> None:
        """A bad row of a file that is read for something else."""
        self.tell()

    def tell(self) -> None:
        self._asked += 1
        if self._progress is None or self._asked % _ROWS_BETWEEN != 1:
            return
        work = self._work
        has_first_rows = bool(work.findings.rows) and not self._has_rows
        if time.monotonic() < self._next and not has_first_rows:
            return
        self._has_rows = self._has_rows or has_first_rows
        self._next = time.monotonic() + _BETWEEN_S
        self._progress(Progress(work.findings.rows, self._read, self._size, work.tally()))


def _see_again(path: Path, work: Examination, watch: _Watch) -> None:
    """Read the rows once more that may nearly repeat others, and compare them."""
    wanted = work.candidates()
    last = max(wanted, default=0)
    if not last:
        return
    for number, row in tolerant(path, watch.passed, watch.note, first=min(wanted)):
        watch.tell()
        if number in wanted:
            work.again(number, row)
        if number >= last:
            return


def _eval_prompts(path: Path, asked: dict[str, Any], watch: _Watch) -> EvalPrompts:
    """Return the prompts of an evaluation file, read as the data are. Raises `EvaluationError`."""
    try:
        return _prompts_of(path, asked, watch)
    except TuiFtError as error:
        raise EvaluationError(error.message, error.hint) from error


def _prompts_of(path: Path, asked: dict[str, Any], watch: _Watch) -> EvalPrompts:
    prompts = EvalPrompts()
    rows = tolerant(path, watch.passed, watch.note)
    first = list(islice(rows, LOOKED_AT))
    reading = Reading.of_file(path, [row for _, row in first], **asked)
    if reading.found.name not in SFT_FORMATS:
        raise TuiFtError(
            f"The evaluation data {shown(path, 200)} are {reading.found.name}: no questions with answers.",
            "Give a file in the format of the training data.",
        )
    for number, row in chain(first, rows):
        watch.tell()
        with contextlib.suppress(RowProblem):
            for example in reading.examples(row):
                prompts.add(sight_of(number, row, example))
    return prompts


__all__ = ["EvaluationError", "Progress", "Stop", "Tally", "check", "content_key", "unreadable"]

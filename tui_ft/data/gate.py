"""The check of a data set: every row read, in bounded memory, every fault named with rows and remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

import msgspec

from tui_ft.data.checks.leak import EvalPrompts
from tui_ft.data.checks.sight import sight_of
from tui_ft.data.declared import data_file, declared
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examination import Examination, Row, Tally
from tui_ft.data.examples import LOOKED_AT, Reading
from tui_ft.data.faults import Faults
from tui_ft.data.findings import Findings
from tui_ft.data.formats import SFT_FORMATS
from tui_ft.data.read import BadRow, UnreadableError, look, tolerant
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError

_PROGRESS_ROWS = 256


class Stop(Exception):  # noqa: N818 - a wish, not an error
    """Raised by `progress` to end the check: what was found by then is returned as partial."""


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
    path = data_file(Path(path))
    given = dict(columns or {})
    if format == "auto" and not given and (said := declared(path)) is not None:
        format, given = said.format, dict(said.columns)
    found = look(path)
    findings = Findings(
        path=str(path.absolute()), container=found.container, format="unknown", train_on=train_on,
        max_length=max_length, content=content_key(path),
    )  # fmt: skip
    evaluation = _eval_prompts(Path(eval_path), train_on) if eval_path is not None else None
    work = Examination(findings, tokenizer, max_length, evaluation)
    for code, what in found.remarks:
        work.faults.add(code)
        work.faults.say(code, what)
    try:
        work.take(_rows(path, work, progress, max_rows), given, format)
        _see_again(path, work)
    except Stop:
        findings.is_partial = True
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
    path: Path, work: Examination, progress: Callable[[Progress], None] | None, max_rows: int | None
) -> Iterator[tuple[int, Row]]:
    """Yield the rows, and end early where `progress` or `max_rows` wants it."""
    place = [0, 0]
    findings = work.findings

    def note(read: int, size: int | None) -> None:
        place[:] = read, size or 0

    def bad(row: BadRow) -> None:
        work.bad(row)
        tell()

    def tell() -> None:
        if progress and findings.rows % _PROGRESS_ROWS == 0:
            progress(Progress(findings.rows, place[0], place[1] or None, work.tally()))

    for number, row in tolerant(path, bad, note):
        if max_rows is not None and findings.rows >= max_rows:
            findings.is_partial = True
            return
        findings.rows += 1
        yield number, row
        tell()


def _see_again(path: Path, work: Examination) -> None:
    """Read the rows once more that may nearly repeat others, and compare them."""
    wanted = work.candidates()
    last = max(wanted, default=0)
    if not last:
        return
    for number, row in tolerant(path, lambda bad: None, first=min(wanted)):
        if number in wanted:
            work.again(number, row)
        if number >= last:
            return


def _eval_prompts(path: Path, train_on: str) -> EvalPrompts:
    """Return the prompts of an evaluation file. Raises `TuiFtError` when it cannot be read."""
    prompts = EvalPrompts()
    said = declared(path)
    rows = tolerant(path, lambda bad: None)
    first = list(islice(rows, LOOKED_AT))
    reading = Reading.of(
        [row for _, row in first],
        columns=said.columns if said else {},
        format=said.format if said else "auto",
        train_on=train_on,
    )
    if reading.found.name not in SFT_FORMATS:
        raise TuiFtError(
            f"The evaluation data {shown(path, 200)} are {reading.found.name}: no questions with answers.",
            "Give a file in the format of the training data.",
        )
    for number, row in chain(first, rows):
        with contextlib.suppress(RowProblem):
            for example in reading.examples(row):
                prompts.add(sight_of(number, row, example))
    return prompts


__all__ = ["Progress", "Stop", "Tally", "check", "content_key", "unreadable"]

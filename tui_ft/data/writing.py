"""A data set written anew as JSONL: exactly the rows that training takes, in a form that reads back the same.

Rows become the shapes that TRL understands: `prompt` and `completion` (texts, or lists of messages),
`messages` where more than the last answer is trained, `text` where there is no prompt.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import msgspec

from tui_ft.data.convert import Example, Message
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examples import LOOKED_AT, Reading, tokens_of
from tui_ft.data.formats import require_sft
from tui_ft.data.opening import ReadProgress
from tui_ft.data.preferences import as_trl
from tui_ft.data.read import Row, tolerant
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError

_SUFFIX = ".jsonl"


class Written(msgspec.Struct, kw_only=True):
    """What was written: `rows` of them; `skipped` could not be used, `reasons` counts them by code."""

    path: str
    rows: int = 0
    skipped: int = 0
    reasons: dict[str, int] = {}

    def skip(self, code: str, count: int = 1) -> None:
        """Count rows that were left out."""
        self.skipped += count
        self.reasons[code] = self.reasons.get(code, 0) + count


def write(
    path: str | Path,
    out: str | Path,
    *,
    tokenizer: ChatTokenizer | None = None,
    max_length: int | None = None,
    train_on: str = "completion",
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    progress: ReadProgress | None = None,
) -> Written:
    """Write the usable rows of the data set at `path` to the new file `out`, whole or not at all.

    Rows that cannot be read or used are left out and counted; with a tokenizer also those of which no
    trained token would be left within `max_length`. Raises `TuiFtError` when `path` cannot be read, holds
    no row that can be used, or when `out` is there already or cannot be written.
    """
    path, out = Path(path), Path(out)
    _require_new(out, path)
    written = Written(path=str(out.absolute()))
    rows = tolerant(path, lambda bad: written.skip(bad.code, bad.count), progress)
    first = list(islice(rows, LOOKED_AT))
    reading = _reading([row for _, row in first], path, columns, format, train_on)
    with _new_file(out) as stream:
        for _, row in chain(first, rows):
            try:
                converted = list(_converted(row, reading, tokenizer, max_length))
            except RowProblem as problem:
                written.skip(problem.code)
                continue
            for each in converted:
                stream.write(msgspec.json.encode(each) + b"\n")
            written.rows += 1
        if not written.rows:
            raise TuiFtError(
                f"No row of {shown(path, 200)} can be used, so nothing was written.",
                "See what is wrong with its rows: `tui-ft data PATH`.",
            )
    return written


def row_of(example: Example) -> dict[str, Any]:
    """Return the row that says `example` in the columns that the libraries know."""
    prompt, completion = example.prompt, example.completion
    if isinstance(prompt, str) or isinstance(completion, str):
        return {"prompt": prompt, "completion": completion} if prompt else {"text": completion}
    if len(completion) == 1 and not example.whole:
        return {"prompt": prompt, "completion": completion}
    untrained = {len(prompt) + index for index in example.untrained}
    turns = [*prompt, *completion]
    return {"messages": [_weighed(turn, index in untrained) for index, turn in enumerate(turns)]}


def _weighed(message: Message, is_untrained: bool) -> dict[str, Any]:
    return {**message, "weight": 0} if is_untrained else dict(message)


def _reading(
    rows: list[Row], path: Path, columns: Mapping[str, str] | None, format: str, train_on: str
) -> Reading:
    reading = Reading.of_file(path, rows, columns=columns, format=format, train_on=train_on)
    if not reading.is_preference:
        require_sft(reading.found, str(path), list(dict.fromkeys(name for row in rows for name in row)))
    return reading


def _converted(
    row: Row, reading: Reading, tokenizer: ChatTokenizer | None, max_length: int | None
) -> Iterator[dict[str, Any]]:
    if reading.is_preference:
        yield as_trl(row, reading.found)
        return
    for example in reading.examples(row):
        if tokenizer is not None:
            tokens_of(example, tokenizer, max_length)
        yield row_of(example)


def _require_new(out: Path, path: Path) -> None:
    name = shown(out, 200)
    try:
        if "\0" in str(out):
            raise ValueError("its name holds a NUL character")
        if out.exists() and path.exists() and out.samefile(path):
            raise TuiFtError(f"{name} is the data set itself.", "Give the new file another name.")
        if out.exists() or out.is_symlink():
            raise TuiFtError(f"{name} is there already and is not replaced.", "Give another name.")
        if out.suffix.lower() != _SUFFIX:
            raise TuiFtError(f"{name} would hold JSONL.", f"Give it a name that ends in {_SUFFIX}.")
        if not out.parent.is_dir():
            raise TuiFtError(f"There is no folder {shown(out.parent, 200)}.", "Make it, or name another.")
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from error


def _unwritable(out: Path, error: Exception) -> TuiFtError:
    why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else shown(error)
    return TuiFtError(f"{shown(out, 200)} cannot be written: {why}.", "Make room there, or check its rights.")


@contextlib.contextmanager
def _new_file(out: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears as `out` when all is written, and not at all when that fails."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _appear(temporary, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _appear(temporary: Path, out: Path) -> None:
    """Give the file its name, if no other has taken it meanwhile."""
    try:
        os.link(temporary, out)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if out.exists():
            raise
        temporary.replace(out)

"""One row as training sees it: its text in pieces, each with whether the loss counts it and what is cut.

It goes the trainer's own way from the row to its tokens (`examples`, `encode`), so what is shown is what
is trained; a test compares the two token by token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tui_ft.data.convert import Example
from tui_ft.data.encode import ChatTokenizer, place
from tui_ft.data.examples import LOOKED_AT, Reading, TooLong
from tui_ft.data.formats import SFT_FORMATS
from tui_ft.data.placed import Placed
from tui_ft.data.preferences import as_trl
from tui_ft.data.read import BadRow, Row, tolerant
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError


class Speller(ChatTokenizer, Protocol):
    """A tokenizer that can also say how its vocabulary spells a token."""

    def token(self, token_id: int) -> str:
        """Return a token as the vocabulary spells it; "" when there is none of that number."""
        ...


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One token with the text that it stands for; without a tokenizer a part of a message, without an id.

    Of several tokens that make up one character the first has it as its text, the others have "".
    `special` pieces stand for no words of the row: end tokens, or headings. `cut` ones lie behind
    `max_length`; the loss counts what is `trained` and not `cut`.
    """

    text: str
    token_id: int | None = None
    trained: bool = False
    cut: bool = False
    special: bool = False


class RowView(msgspec.Struct, kw_only=True):
    """A row, raw and as its pieces. `code` and `reason` say why it cannot be trained on, "" when it can.

    `rows` is how many the data set has, None where that is not known. Without a tokenizer (`by_message`)
    the pieces are parts of messages in a plain layout, and nothing is counted.
    """

    number: int
    raw: dict[str, Any] | None
    rows: int | None = None
    format: str = "unknown"
    pieces: list[Piece] = []
    tokens: int = 0
    trained_tokens: int = 0
    cut_tokens: int = 0
    has_template: bool = False
    by_message: bool = False
    code: str = ""
    reason: str = ""

    @property
    def text(self) -> str:
        """What the model sees, special tokens spelled out."""
        return "".join(piece.text for piece in self.pieces)


def view(
    path: str | Path,
    number: int,
    *,
    tokenizer: Speller | None = None,
    max_length: int | None = None,
    train_on: str = "completion",
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
) -> RowView:
    """Return row `number` (from 1; in JSONL and text the line) of the data set at `path`.

    Raises `TuiFtError` when the file cannot be read, or has no such row.
    """
    path = Path(path)
    if number < 1:
        raise TuiFtError(f"There is no row {number}.", "Rows are counted from 1.")
    rows = tolerant(path, _meet, first=number)
    try:
        found = next(rows, None)
    except _Met as met:
        fault = met.bad
        if fault.number > number:
            raise _empty_line(path, number, fault.number) from None
        return RowView(number=number, raw=None, code=fault.code, reason=fault.what)
    if found is None:
        raise TuiFtError(f"{shown(path, 200)} has no row {number}.", "Give a smaller number.")
    if found[0] != number:
        raise _empty_line(path, number, found[0])
    sample = [row for _, row in islice(tolerant(path, _unheard), LOOKED_AT)]
    reading = Reading.of_file(path, sample, columns=columns, format=format, train_on=train_on)
    seen = of_row(found[1], number, reading, tokenizer=tokenizer, max_length=max_length)
    seen.rows = number if _is_last(rows) else None
    return seen


def of_row(
    row: Row,
    number: int,
    reading: Reading,
    *,
    tokenizer: Speller | None = None,
    max_length: int | None = None,
) -> RowView:
    """Return the view of a row at hand, the `number`th of a data set that is read as `reading`."""
    seen = RowView(
        number=number,
        raw=dict(row),
        format=reading.found.name,
        by_message=tokenizer is None or reading.is_preference,
        has_template=tokenizer is not None and tokenizer.has_chat_template,
    )
    try:
        if reading.is_preference:
            seen.pieces += _compared(as_trl(row, reading.found))
            return seen
        if reading.found.name not in SFT_FORMATS:
            raise RowProblem("unknown_format", "the data set is in no format that is known here")
        for example in reading.examples(row):
            if tokenizer is None:
                seen.pieces += _by_message(example)
            else:
                _add_tokens(seen, place(example, tokenizer), tokenizer, max_length)
    except RowProblem as problem:
        seen.code, seen.reason = problem.code, problem.reason
    return seen


class _Met(Exception):  # noqa: N818 - it ends the reading at the first bad row, which is no error here
    def __init__(self, bad: BadRow) -> None:
        super().__init__(bad.what)
        self.bad = bad


def _meet(bad: BadRow) -> None:
    raise _Met(bad)


def _empty_line(path: Path, number: int, following: int) -> TuiFtError:
    return TuiFtError(f"Line {number} of {shown(path, 200)} is empty.", f"The next row is {following}.")


def _unheard(_: BadRow) -> None:
    """Bad rows among those looked at are told where they are asked for."""


def _is_last(rows: Iterator[Any]) -> bool:
    """True when nothing follows, be it a row that cannot be read."""
    try:
        return next(rows, None) is None
    except _Met:
        return False


def _add_tokens(seen: RowView, placed: Placed, tokenizer: Speller, max_length: int | None) -> None:
    count = len(placed.ids)
    limit = count if max_length is None else min(count, max_length)
    seen.pieces += _pieces(placed, limit, tokenizer)
    trained = sum(placed.trained[:limit])
    seen.tokens += count
    seen.trained_tokens += trained
    seen.cut_tokens += count - limit
    if not trained and max_length is not None:
        raise TooLong(count, max_length)


def _pieces(placed: Placed, limit: int, tokenizer: Speller) -> Iterator[Piece]:
    """Give every character of the text to one token: blanks that a tokenizer passes over, to the next."""
    at = 0
    columns = zip(placed.ids, placed.starts, placed.ends, placed.trained, strict=True)
    for index, (token_id, start, end, trained) in enumerate(columns):
        special = tokenizer.is_special(token_id) or token_id == tokenizer.eos_token_id
        text = placed.text[at:end]
        if special and start == end:  # put in: it stands in no text
            text += tokenizer.token(token_id)
        at = max(at, end)
        yield Piece(text, token_id, trained, index >= limit, special)


def _compared(row: Mapping[str, Any]) -> Iterator[Piece]:
    """Return the parts of a row for preference tuning: answers are trained on, the prompt is not."""
    for column, value in row.items():
        trained = column != "prompt"
        if isinstance(value, list):
            for message in value:
                yield Piece(f"{column}, {message['role']}:\n", special=True)
                yield Piece(f"{message['content']}\n", trained=trained)
        else:
            yield Piece(f"{column}:\n", special=True)
            yield Piece(f"{value}\n", trained=trained and isinstance(value, str))


def _by_message(example: Example) -> Iterator[Piece]:
    prompt, completion = example.prompt, example.completion
    if isinstance(prompt, str) or isinstance(completion, str):
        if prompt:
            yield Piece(str(prompt), trained=example.whole)
        yield Piece(str(completion), trained=True)
        return
    for index, message in enumerate([*prompt, *completion]):
        place = index - len(prompt)
        trained = example.whole or (
            place >= 0 and message["role"] == "assistant" and place not in example.untrained
        )
        yield Piece(f"{'' if index == 0 else chr(10)}{message['role']}:\n", special=True)
        yield Piece(f"{message['content']}\n", trained=trained)

"""The examination of rows: each one read as training reads it, and looked at by every check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.checks.balance import Balance
from tui_ft.data.checks.columns import ColumnTypes, look_at_columns
from tui_ft.data.checks.conversation import Conversations
from tui_ft.data.checks.leak import EvalPrompts
from tui_ft.data.checks.near import NearDuplicates
from tui_ft.data.checks.personal import look_for_personal
from tui_ft.data.checks.repetition import Repetition
from tui_ft.data.checks.sight import Sight, sight_of, text_of
from tui_ft.data.checks.text import look_at_text
from tui_ft.data.convert import Example
from tui_ft.data.declared import Declared
from tui_ft.data.encode import ChatTokenizer
from tui_ft.data.examples import LOOKED_AT, Reading, TooLong, tokens_of
from tui_ft.data.faults import Faults
from tui_ft.data.findings import Findings
from tui_ft.data.formats import SFT_FORMATS, Format
from tui_ft.data.lengths import LengthCounter
from tui_ft.data.preferences import as_trl
from tui_ft.data.read import BadRow
from tui_ft.data.refusal import OBJECTIVES, other_shape, refusal_of
from tui_ft.data.structured import roles_of
from tui_ft.data.wording import RowProblem, shown
from tui_ft.errors import TuiFtError

Row = dict[str, Any]

_UNREAD = ("unparsable", "bad_utf8", "not_an_object", "row_too_long", "cut_off")
_MOST_COLUMNS = 1000
_LONGEST_NAME = 200
_NO_LIMIT = 1 << 60


class Tally(msgspec.Struct, frozen=True):
    """How many rows were read, how many of them can be used, and how many kinds of fault were found."""

    rows: int
    usable_rows: int
    kinds: int


class Examination:
    """The pass over the rows of a data set: what is known of them so far, in `findings` at the end."""

    def __init__(
        self,
        findings: Findings,
        tokenizer: ChatTokenizer | None = None,
        max_length: int | None = None,
    ) -> None:
        self.findings = findings
        self.faults = Faults()
        self._tokenizer = tokenizer
        self._max_length = max_length if max_length is not None else _NO_LIMIT
        self.evaluation: EvalPrompts | None = None
        self._lengths = LengthCounter("tokens" if tokenizer else "characters")
        self._repetition = Repetition()
        self._near = NearDuplicates()
        self._conversations = Conversations()
        self._balance = Balance()
        self._types: ColumnTypes | None = None
        self._reading: Reading | None = None
        self._columns: dict[str, None] = {}
        self._tokens = self._trained = 0
        self._other_shape = ""

    def tally(self) -> Tally:
        return Tally(self.findings.rows, self.findings.usable_rows, self.faults.kinds())

    def bad(self, row: BadRow) -> None:
        """Count a row that cannot be read."""
        self.findings.rows += row.count
        self.faults.add(row.code, row.number, row.what, count=max(1, row.count))

    def unread(self, name: str, count: int) -> None:
        """Note a list of so many rows that stands beside the one that is read."""
        rows = "1 row" if count == 1 else f"{count:,} rows"
        self.faults.add("other_lists", None, f"{shown(name, 40)!r} with {rows}")

    def take(
        self,
        rows: Iterator[tuple[int, Row]],
        columns: Mapping[str, str],
        format: str,
        register: Declared | None = None,
    ) -> None:
        """Look at every row. The first ones say which format all of them are in.

        `register` is the entry of a register of data sets that `columns` and `format` come from.
        """
        first = list(islice(rows, LOOKED_AT))
        if not first:
            return
        sample = [row for _, row in first]
        self._other_shape = other_shape(sample)
        try:
            self._reading = Reading.of(
                sample, columns=columns, format=format, train_on=self.findings.train_on
            )
        except TuiFtError as error:
            hint = error.hint
            if register is not None:
                hint = (
                    f"So declares it dataset_info.json beside it ({shown(register.name, 60)}): overrule it "
                )
                hint += "with --format or --columns (data.format, data.columns), or correct that file."
            self._refuse("wrong_columns", error.message, hint)
            self._count(chain(first, rows))
            return
        found = self._reading.found
        self.findings.format = found.name
        self.findings.mapping = dict(found.columns)
        self.findings.objectives = list(OBJECTIVES.get(found.name, ()))
        look_at_columns(sample, found, self.faults)
        self._types = ColumnTypes(found)
        if found.name == "unknown":
            self._refuse_format(found, sample)
            self._count(chain(first, rows))
            return
        if found.name not in SFT_FORMATS:
            self._tokenizer = None  # how such rows are laid out is for the training on them to say
            self._lengths = LengthCounter("characters")
            self._refuse_format(found, sample)
        for number, row in chain(first, rows):
            self._row(number, row, self._reading)

    def candidates(self) -> set[int]:
        """Return the rows to see again with `again`, because they may nearly repeat others."""
        return self._near.candidates()

    def again(self, number: int, row: Row) -> None:
        """Compare a row with those it may nearly repeat."""
        try:
            sight = self._sight(number, row)
        except RowProblem:
            return
        self._near.compare(sight, self.faults)

    def _count(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Look at rows whose columns say nothing: whether they repeat, and what their texts hold."""
        for number, row in rows:
            self._note_columns(row)
            self._repetition.unusable(number, row)
            texts = [value for value in row.values() if isinstance(value, str)]
            sight = Sight(number, row, "", "\n".join(texts), is_plain=True)
            look_at_text(sight, self.faults)
            look_for_personal(sight, self.faults)

    def _note_columns(self, row: Row) -> None:
        if row.keys() - self._columns.keys() and len(self._columns) < _MOST_COLUMNS:
            self._columns.update(dict.fromkeys(name for name in row if len(name) <= _LONGEST_NAME))

    def _row(self, number: int, row: Row, reading: Reading) -> None:
        self._note_columns(row)
        try:
            sight = self._sight(number, row, is_first=True)
        except RowProblem as problem:
            if isinstance(problem, TooLong):
                self._lengths.add(problem.tokens)
            self.faults.add(problem.code, number, problem.reason)
            self._repetition.unusable(number, row)
            return
        self.findings.usable_rows += 1
        self._look(sight, reading)

    def _look(self, sight: Sight, reading: Reading) -> None:
        found = reading.found
        self._repetition.usable(sight)
        self._near.add(sight)
        look_at_text(sight, self.faults)
        look_for_personal(sight, self.faults)
        if self._types:
            self._types.add(sight.number, sight.row)
        if found.name in SFT_FORMATS and reading.format_of(sight.row) is not found:
            self.faults.add("mixed_schemas", sight.number)
        elif "messages" in found.columns:
            roles = roles_of(sight.row[found.columns["messages"]], found.spelt)
            self._conversations.add(sight.number, roles, self.faults)
        if found.name in SFT_FORMATS and found.name != "text":
            self._balance.answer(sight.answer)
        if self.evaluation:
            self.evaluation.look(sight, self.faults)

    def _sight(self, number: int, row: Row, *, is_first: bool = False) -> Sight:
        """Return what is seen of a row that can be used; `is_first` counts it. Raises `RowProblem`."""
        assert self._reading is not None
        if self.findings.format not in SFT_FORMATS:
            return self._other(number, row, self._reading, is_first=is_first)
        (example,) = self._reading.examples(row)
        if is_first:
            self._length(number, example)
        return sight_of(number, row, example)

    def _other(self, number: int, row: Row, reading: Reading, *, is_first: bool) -> Sight:
        """The same of a row of preferences, ratings or prompts."""
        said = as_trl(row, reading.found)
        answers = [said[name] for name in ("chosen", "rejected", "completion") if name in said]
        if is_first:
            self._lengths.add(_characters(said["prompt"]) + max(map(_characters, answers), default=0))
            if len(answers) == 2 and answers[0] == answers[1]:
                self.faults.add("chosen_is_rejected", number)
            if "label" in said:
                self._balance.rating(said["label"])
        is_plain = isinstance(said["prompt"], str)
        return Sight(number, row, text_of(said["prompt"]), "\n".join(map(text_of, answers)), is_plain)

    def _length(self, number: int, example: Example) -> None:
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
        """Return the findings."""
        findings, faults = self.findings, self.faults
        is_sft = findings.format in SFT_FORMATS
        findings.columns = list(self._columns)
        findings.duplicates = self._repetition.finish(
            faults, by_content=findings.format != "prompt_only", with_conflicts=is_sft
        )
        findings.lengths = self._lengths.lengths()
        findings.turns = self._conversations.turns()
        if self._types:
            self._types.finish(faults)
        if not findings.is_partial:
            self._balance.finish(faults, findings.usable_rows, has_answers=is_sft)
        if self._tokenizer:
            findings.tokens, findings.trained_tokens = self._tokens, self._trained
            findings.suggested_max_length = self._lengths.suggested()
        if findings.rows == 1 and self._other_shape:
            faults.say("wrong_type", "", self._other_shape)
        if 2 * faults.count("templated_text") < findings.usable_rows:
            faults.turn_into("templated_text", "template_markers")  # strays, not the way the set is written
        elif findings.format != "text":
            faults.say(
                "templated_text", "", "Right where they are the model's own marks; else give messages."
            )
        self._judge()
        findings.problems = faults.problems()
        return findings

    def _judge(self) -> None:
        """Say with which sentence training refuses the set, if it does."""
        findings = self.findings
        count = sum(self.faults.count(code) for code in _UNREAD)
        if count and not findings.refusal:
            rows = "1 row" if count == 1 else f"{count:,} rows"
            findings.refusal = f"{rows} cannot be read, and training refuses the file as a whole."
        if not findings.usable_rows and not findings.refusal and not findings.is_partial:
            self.faults.add("no_usable_rows")
            findings.refusal = "No row of the data set can be used."

    def _refuse(self, code: str, message: str, hint: str) -> None:
        self.faults.add(code)
        self.faults.say(code, message, hint)
        self.findings.refusal = message

    def _refuse_format(self, found: Format, sample: list[Row]) -> None:
        self._refuse(*refusal_of(found, Path(self.findings.path).name, sample))


def _characters(part: list[dict[str, str]] | str) -> int:
    return len(part) if isinstance(part, str) else sum(len(message["content"]) for message in part)

"""JSON values one after another out of a stream: one is held at a time, and broken ones are passed."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tui_ft.data import lines
from tui_ft.data.json_faults import could_go_on, is_cut, is_too_deep, nested_too_deeply, not_json
from tui_ft.data.json_layout import ANY_ROW, Layout
from tui_ft.data.json_wrappers import NAME, first_row, lists_beside, wrapped
from tui_ft.data.lines import cut_off, has_too_many_parts, too_long, too_many_parts
from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import UTF8_HINT, BadRow, Unread

_CHUNK_BYTES = 32 * 1024
"""Small, because the decoder counts the lines before every fault that it finds in the text it is given."""

_OVERLAP = 1024
"""What is kept of passed text, so that the beginning of a row is found across two chunks."""

_DECODER = json.JSONDecoder()
_MEND = "Mend that row; `python -m json.tool` shows it."
_SPACE = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s,]*")
_NO_BEGINNING = ("}", "]", ":")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Fault:
    """Stands where a value should be; `is_passed` when it is known where the next one begins."""

    bad: BadRow
    is_passed: bool = False


class Values:
    """The values of one file, with their numbers."""

    def __init__(self, file: Opened, unread: Unread) -> None:
        self._file = file
        self._unread = unread
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._has_bad_bytes = False
        self._text = ""
        self._kept = 0  # what lies before it is dropped when more is read
        self._at = 0
        self._ended = False

    def rows(self) -> Iterator[Any]:
        """Yield the value of every row, a `Fault` where there is none."""
        if self._next_character() != "[":
            return self._documents()
        self._at += 1
        return self._elements("]")

    def _documents(self) -> Iterator[Any]:
        """Yield whole documents that follow each other, or the rows that a single one wraps."""
        values = self._elements("")
        begun = list(islice(values, 1))
        if any(isinstance(value, Fault) for value in begun) and self._enter_wrapper():
            yield from self._elements("]", is_wrapped=True)
            self._tell_following()
            return
        if any(isinstance(value, Fault) and value.bad.code == "row_too_long" for value in begun):
            yield from begun
            yield Fault(_not_certain(1))
            return
        begun += islice(values, 1)
        rows = wrapped(begun[0]) if len(begun) == 1 else None
        for name, count in lists_beside(begun[0], rows) if rows else ():
            self._unread(name, count)
        yield from rows or begun
        yield from values

    def _elements(self, closing: str, *, is_wrapped: bool = False) -> Iterator[Any]:
        """Yield the values up to `closing`, or to the end of the file where that is empty."""
        layout = Layout()
        number = 0
        while True:
            self._kept = self._at
            character = self._next_character(_BETWEEN)
            if not character or character == closing:
                yield from self._end(number, character, closing, is_wrapped=is_wrapped)
                return
            number += 1
            if character == "{":
                layout.see_gap(self._text[self._kept : self._at], number, starts_file=not closing)
            self._kept = self._at
            value = self._value(number, closing, layout)
            yield value
            if not isinstance(value, Fault):
                layout.see_row(self._text, self._kept, self._at, value)
            elif not value.is_passed and not self._pass_broken(layout):
                if value.bad.code != "cut_off" and self._seek(ANY_ROW):
                    yield Fault(_not_certain(number))
                return

    def _end(self, number: int, character: str, closing: str, *, is_wrapped: bool) -> Iterator[Fault]:
        if not character and closing:
            yield Fault(cut_off(self._file, number, "the array is not closed", count=0))
            return
        self._at += 1
        self._kept = self._at
        if character and not is_wrapped and self._next_character():
            what = "text after the end of the array, which was not read"
            hint = "Keep one JSON array in the file."
            yield Fault(BadRow(max(1, number), "unparsable", what, hint, count=0))

    def _value(self, number: int, closing: str, layout: Layout) -> Any:
        """Return the value that begins here, and stop behind it; or a `Fault`, and stay."""
        while True:
            text, start = self._text, self._at
            try:
                value, end = _DECODER.raw_decode(text, start)
                break
            except (ValueError, RecursionError) as error:
                held = len(text) - start
                if could_go_on(error, text):
                    if held > lines.MAX_ROW_BYTES:
                        return Fault(too_long(number))
                    if has_too_many_parts(text, start):
                        return Fault(too_many_parts(number))
                    if self._read(held):
                        continue
                    if is_cut(error, text):
                        return Fault(cut_off(self._file, number, "the file ends in the middle of the row"))
                return Fault(not_json(number, error, text, start, _MEND))
        if end - start > lines.MAX_ROW_BYTES:
            return Fault(too_long(number))
        self._at = end
        follows = self._following()
        end += self._kept - start
        gap = self._text[end : self._at]
        is_known_end = follows in ("", "{", closing) or ("," in gap and follows not in _NO_BEGINNING)
        if not is_known_end and not (
            follows not in _NO_BEGINNING and layout.is_whole(self._text, self._kept, end, value, gap)
        ):
            self._at = self._kept
            return Fault(BadRow(number, "unparsable", "not valid JSON (text behind the value)", _MEND))
        self._at = end
        return self._fault_within(value, number) or value

    def _fault_within(self, value: Any, number: int) -> Fault | None:
        text, start, end = self._text, self._kept, self._at
        if self._has_bad_bytes and (found := _NOT_UTF8.search(text, start, end)):
            what = f"character {found.start() - start + 1} is not UTF-8"
            return Fault(BadRow(number, "bad_utf8", what, UTF8_HINT), is_passed=True)
        if is_too_deep(value, text.count("]", start, end) + text.count("}", start, end)):
            return Fault(nested_too_deeply(number), is_passed=True)
        return None

    def _pass_broken(self, layout: Layout) -> bool:
        """Go to the next row behind a broken one; False when there is none, or none that is certain."""
        pattern = layout.next_row(self._text, self._at)
        return pattern is not None and self._seek(pattern)

    def _seek(self, pattern: re.Pattern[str]) -> bool:
        """Go to the next place, behind the next character, that `pattern` matches, holding little."""
        self._at += 1
        while not (match := pattern.search(self._text, self._at)):
            self._at = self._kept = max(self._at, len(self._text) - _OVERLAP)
            if not self._read():
                return False
        self._at = self._kept = match.start(match.lastindex or 0)
        return True

    def _enter_wrapper(self) -> bool:
        """Go to the first row in an object that wraps rows and cannot be read whole; False if none is."""
        found = first_row(self._text, self._kept + 1)
        if found is None:
            return False
        self._at, passed = found
        for name, count in passed.items():
            self._unread(name, count)
        return True

    def _tell_following(self) -> None:
        """Tell the lists of rows that follow in the object that wraps them, one row held at a time."""
        while name := self._name():
            self._kept = self._at
            if self._next_character() != "[":
                if isinstance(self._value(1, "}", Layout()), Fault):
                    return
                continue
            self._at += 1
            if rows := sum(isinstance(value, dict) for value in self._elements("]", is_wrapped=True)):
                self._unread(name, rows)

    def _name(self) -> str:
        """Go behind the name of the next member of an object, and return it; empty where none follows."""
        self._kept = self._at
        if self._next_character(_BETWEEN) != '"':
            return ""
        while not (match := NAME.match(self._text, self._at)):
            if len(self._text) - self._at > _OVERLAP or not self._read():
                return ""
        self._at = match.end()
        return match[1]

    def _next_character(self, passed: re.Pattern[str] = _SPACE) -> str:
        """Go behind what `passed` matches, and return the character there; empty at the end."""
        while True:
            self._pass(passed)
            if self._at < len(self._text):
                return self._text[self._at]
            self._kept = max(self._kept, self._at - _OVERLAP)
            if not self._read():
                return ""

    def _following(self) -> str:
        """Return the next character behind a value, which is held; empty when there is none, or far away."""
        self._pass(_BETWEEN)
        if self._at == len(self._text) and self._read():
            self._pass(_BETWEEN)
        return self._text[self._at : self._at + 1]

    def _pass(self, passed: re.Pattern[str]) -> None:
        if match := passed.match(self._text, self._at):
            self._at = match.end()

    def _read(self, at_least: int = 0) -> bool:
        """Append more text, at least as much as is held, so that retries stay linear; False at the end."""
        if self._ended:
            return False
        data = self._file.stream.read(max(_CHUNK_BYTES, at_least))
        self._ended = not data
        more = self._decoded(data)
        self._text = self._text[self._kept :] + more
        self._at -= self._kept
        self._kept = 0
        return bool(more) or not self._ended

    def _decoded(self, data: bytes) -> str:
        """Return `data` as text; bytes that are no UTF-8 become characters that no text has."""
        held = self._decoder.getstate()
        try:
            return self._decoder.decode(data, not data)
        except UnicodeDecodeError:
            self._has_bad_bytes = True
            self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
            self._decoder.setstate(held)
            return self._decoder.decode(data, not data)


def _not_certain(number: int) -> BadRow:
    what = "where the next row begins is not certain: what follows was not read"
    return BadRow(number, "cut_off", what, "Mend this row first.", count=0)

"""Rows that repeat each other: exactly, in what they train, or in the prompt with another answer."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults
from tui_ft.data.findings import ROWS_NAMED

MOST_ROWS = 8_000_000
"""So many rows are remembered, at 24 bytes each; what comes after them counts as new."""

_BUCKETS = 256
_AT_ONCE = 250_000
_MASK_64 = (1 << 64) - 1
_MASK_32 = (1 << 32) - 1


class Repetition:
    """Remembers every row by hashes of 64 bits: of its prompt, of what it trains, and of all its columns."""

    def __init__(self) -> None:
        self._buckets = [_Bucket() for _ in range(_BUCKETS)]
        self._rows = 0

    def unusable(self, number: int, row: Mapping[str, Any]) -> None:
        """Remember a row that is not trained on: it can only repeat another one exactly."""
        key = _row_key(row)
        self._add(number, key, key, key & _MASK_32)

    def usable(self, sight: Sight) -> None:
        """Remember a row that is trained on."""
        prompt = hash(sight.prompt.strip()) & _MASK_64
        content = hash((prompt, sight.answer.strip())) & _MASK_64
        if not prompt:  # plain text answers nothing: it conflicts with nothing
            prompt = content
        self._add(sight.number, prompt, content, _row_key(sight.row) & _MASK_32)

    def _add(self, number: int, prompt: int, content: int, row: int) -> None:
        self._rows += 1
        if self._rows > MOST_ROWS:
            return
        bucket = self._buckets[prompt % _BUCKETS]
        bucket.prompts.append(prompt)
        bucket.contents.append(content)
        bucket.rows.append(row)
        bucket.numbers.append(min(number, _MASK_32))

    def finish(self, faults: Faults, *, by_content: bool, with_conflicts: bool) -> int:
        """Tell the repetitions, and return how many rows repeat an earlier one exactly.

        `by_content`: rows may be the same in what they train; `with_conflicts`: a prompt has one answer.
        """
        exact, content, conflicts = _Firsts(), _Firsts(), _Firsts()
        for bucket in self._buckets:
            bucket.repeats(exact, content)
            for number in bucket.conflicts() if with_conflicts else ():
                conflicts.add(number)
        for code, found in (
            ("duplicate", exact), ("same_content", content), ("conflicting_answers", conflicts),
        ):  # fmt: skip
            if by_content or code != "same_content":
                found.tell(code, faults)
        if self._rows > MOST_ROWS:
            faults.add("repetition_not_followed", None, f"{MOST_ROWS:,} of {self._rows:,}", count=1)
        return exact.count


class _Bucket:
    """The rows whose prompts fall into one part of all hashes."""

    def __init__(self) -> None:
        self.prompts = array("Q")
        self.contents = array("Q")
        self.rows = array("I")
        self.numbers = array("I")

    def repeats(self, exact: _Firsts, content: _Firsts) -> None:
        parts = len(self.contents) // _AT_ONCE + 1  # many rows with one prompt share a bucket
        for part in range(parts):
            rows: set[tuple[int, int]] = set()
            contents: set[int] = set()
            for key, row, number in zip(self.contents, self.rows, self.numbers, strict=True):
                if parts > 1 and (key >> 8) % parts != part:
                    continue
                if key not in contents:
                    contents.add(key)
                    rows.add((key, row))
                elif (key, row) in rows:
                    exact.add(number)
                else:
                    rows.add((key, row))
                    content.add(number)

    def conflicts(self) -> Iterator[int]:
        """Yield the rows whose prompt another row answers differently, each once."""
        first: dict[int, tuple[int, int]] = {}
        told: set[int] = set()
        for prompt, content, number in zip(self.prompts, self.contents, self.numbers, strict=True):
            known, earlier = first.setdefault(prompt, (content, number))
            if known != content:
                if prompt not in told:
                    told.add(prompt)
                    yield earlier
                yield number


class _Firsts:
    """Row numbers that come in any order: how many, and the lowest of them."""

    def __init__(self) -> None:
        self.count = 0
        self._heap: list[int] = []

    def add(self, number: int) -> None:
        self.count += 1
        if len(self._heap) < ROWS_NAMED:
            heapq.heappush(self._heap, -number)
        elif number < -self._heap[0]:
            heapq.heapreplace(self._heap, -number)

    def tell(self, code: str, faults: Faults) -> None:
        named = sorted(-number for number in self._heap)
        for number in named:
            faults.add(code, number)
        if self.count > len(named):
            faults.add(code, count=self.count - len(named))


def _row_key(row: Mapping[str, Any]) -> int:
    for value in row.values():
        if type(value) is not str and value is not None:
            # As text: hash() itself takes 1 and True, or -1 and -2, for the same.
            return hash(repr(sorted(row.items()))) & _MASK_64
    return hash(frozenset(row.items())) & _MASK_64

"""Rows that nearly repeat an earlier one: found by the sentences they share, then compared word by word."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults

MOST_ROWS = 1_000_000
"""So many rows are remembered, at 24 bytes each."""

MOST_COMPARED = 2000
"""So many rows are read again and compared, each with a few earlier ones."""

ALIKE = 0.9
"""Rows are nearly the same when this share of the words of their questions, and of their answers, is."""

_BUCKETS = 64
_EARLIER = 5
_LEAST_WORDS = 20
_LEAST_LETTERS = 20
_LEAST_SIGNS = 10
"""In a script that writes words with few signs a sentence this long tells rows apart."""

_MOST_TOGETHER = 50
"""A sentence that more rows share is a form of words, and says nothing of the rows."""

_MOST_LETTERS = 20_000
_END_LETTERS = 1500
"""Of long texts the beginning and the end are compared, so many letters of each."""

_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_MASK_64 = (1 << 64) - 1
_MASK_32 = (1 << 32) - 1


class NearDuplicates:
    """The two longest sentences of every row, by hash; rows that share one are compared afterwards."""

    def __init__(self) -> None:
        self._keys = [array("Q") for _ in range(_BUCKETS)]
        self._numbers = [array("I") for _ in range(_BUCKETS)]
        self._rows = 0
        self._earlier: dict[int, list[int]] = {}
        self._texts: dict[int, _Texts] = {}
        self._are_more = False

    def add(self, sight: Sight) -> None:
        """Remember a row."""
        self._rows += 1
        if self._rows > MOST_ROWS:
            self._are_more = True
            return
        for sentence in _longest(sight.text[:_MOST_LETTERS].lower()):
            key = hash(sentence) & _MASK_64
            self._keys[key % _BUCKETS].append(key)
            self._numbers[key % _BUCKETS].append(min(sight.number, _MASK_32))

    def candidates(self) -> set[int]:
        """Return the rows to be seen again with `compare`, in their order."""
        found: dict[int, list[int]] = {}
        for keys, numbers in zip(self._keys, self._numbers, strict=True):
            for group in _groups(keys, numbers):
                for place, number in enumerate(group[1:], 1):
                    found.setdefault(number, []).extend(group[: min(place, _EARLIER)])
            if len(found) > 4 * MOST_COMPARED:
                found = self._first(found)
        self._earlier = self._first(found)
        return set(self._earlier).union(*self._earlier.values()) if self._earlier else set()

    def _first(self, found: dict[int, list[int]]) -> dict[int, list[int]]:
        self._are_more = self._are_more or len(found) > MOST_COMPARED
        return {number: found[number] for number in sorted(found)[:MOST_COMPARED]}

    def compare(self, sight: Sight, faults: Faults) -> None:
        """Compare a row with the earlier ones that share a sentence with it."""
        own = _Texts.of(sight)
        for number in dict.fromkeys(self._earlier.get(sight.number, ())):
            earlier = self._texts.get(number)
            if earlier is not None and earlier.is_like(own):
                reason = "at least, for not all were compared" if self._are_more else ""
                faults.add("near_duplicate", sight.number, reason, f"row {sight.number} is like row {number}")
                return  # and later ones are compared with the first of them
        self._texts[sight.number] = own


class _Texts(msgspec.Struct, frozen=True):
    """The question and the answer of a row, shortened, and both whole by hash and length."""

    prompt: str
    answer: str
    whole: int
    length: int

    @classmethod
    def of(cls, sight: Sight) -> _Texts:
        whole = hash((sight.prompt.strip(), sight.answer.strip()))
        length = len(sight.prompt) + len(sight.answer)
        return cls(_shortened(sight.prompt), _shortened(sight.answer), whole, length)

    def is_like(self, other: _Texts) -> bool:
        """True for nearly the same words; rows that are the same are repetitions of another kind."""
        shorter, both = min(self.length, other.length), self.length + other.length
        if self.whole == other.whole or 2 * shorter < ALIKE * both:
            return False
        words = _words(other.prompt).total() + _words(other.answer).total()
        if words < _LEAST_WORDS:
            return False
        return _alike(self.answer, other.answer) and _alike(self.prompt, other.prompt)


def _groups(keys: array[int], numbers: array[int]) -> Iterator[list[int]]:
    """Yield the rows that share a sentence, where they are two or more, but not too many."""
    counts = Counter(keys)
    groups: dict[int, list[int]] = {}
    for key, number in zip(keys, numbers, strict=True):
        if 2 <= counts[key] <= _MOST_TOGETHER:
            groups.setdefault(key, []).append(number)
    yield from (group for group in groups.values() if group[0] != group[-1])


def _shortened(text: str) -> str:
    if len(text) <= 2 * _END_LETTERS:
        return text
    return f"{text[:_END_LETTERS]}\n{text[-_END_LETTERS:]}"


@lru_cache(maxsize=64)
def _words(text: str) -> Counter[str]:
    return Counter(_WORDS.findall(text.lower()))


def _alike(one: str, other: str) -> bool:
    ours, theirs = _words(one), _words(other)
    total = ours.total() + theirs.total()
    return not total or 2 * (ours & theirs).total() >= ALIKE * total


def _longest(text: str) -> Iterator[str]:
    """Yield the two longest sentences, if they are long enough to tell rows apart."""
    is_ascii = text.isascii()
    if not is_ascii:
        text = text.replace("。", "\n").replace("！", "\n").replace("？", "\n")
    sentences = text.replace(". ", "\n").split("\n")
    if len(sentences) > 2:
        sentences = sorted(sentences, key=len)[-2:]
    for sentence in sentences:
        if len(sentence) >= _LEAST_LETTERS or (not is_ascii and len(sentence) >= _LEAST_SIGNS):
            yield sentence.strip()

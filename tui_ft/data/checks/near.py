"""Rows that nearly repeat an earlier one: found by the sentences they share, then compared word by word."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator

import msgspec

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults

MOST_ROWS = 1_000_000
"""So many rows are remembered, at 24 bytes each."""

MOST_COMPARED = 3000
"""So many rows are read again and compared."""

ALIKE = 0.9
"""Rows are nearly the same when this share of the words of their questions, and of their answers, is."""

_BUCKETS = 64
_LEAST_WORDS = 20
_LEAST_LETTERS = 20
_MOST_TOGETHER = 50
"""A sentence that more rows share is a form of words, and says nothing of the rows."""

_MOST_LETTERS = 20_000
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_MASK_64 = (1 << 64) - 1
_MASK_32 = (1 << 32) - 1


class NearDuplicates:
    """The two longest sentences of every row, by hash; rows that share one are compared afterwards."""

    def __init__(self) -> None:
        self._keys = [array("Q") for _ in range(_BUCKETS)]
        self._numbers = [array("I") for _ in range(_BUCKETS)]
        self._rows = 0
        self._groups: dict[int, list[int]] = {}
        self._words: dict[int, _Words] = {}
        self._are_more = False

    def add(self, sight: Sight) -> None:
        if self._rows >= MOST_ROWS:
            return
        self._rows += 1
        for sentence in _longest(sight.text[:_MOST_LETTERS].lower()):
            key = hash(sentence) & _MASK_64
            self._keys[key % _BUCKETS].append(key)
            self._numbers[key % _BUCKETS].append(min(sight.number, _MASK_32))

    def candidates(self) -> set[int]:
        """Return the rows to be seen again with `compare`, in their order."""
        found: dict[int, list[int]] = {}
        for keys, numbers in zip(self._keys, self._numbers, strict=True):
            counts = Counter(keys)
            groups: dict[int, list[int]] = {}
            for key, number in zip(keys, numbers, strict=True):
                if 2 <= counts[key] <= _MOST_TOGETHER:
                    groups.setdefault(key, []).append(number)
            for group in groups.values():
                for number in group[1:]:
                    found.setdefault(number, []).extend(n for n in group if n < number)
        self._are_more = len(found) > MOST_COMPARED
        self._groups = {number: found[number] for number in sorted(found)[:MOST_COMPARED]}
        return set(self._groups).union(*self._groups.values()) if self._groups else set()

    def compare(self, sight: Sight, faults: Faults) -> None:
        """Compare a row with the earlier ones that share a sentence with it."""
        own = _Words.of(sight)
        self._words[sight.number] = own
        if own.size < _LEAST_WORDS:
            return
        for number in dict.fromkeys(self._groups.get(sight.number, ())):
            earlier = self._words.get(number)
            if earlier is not None and earlier.is_like(own):
                reason = "at least, for not all were compared" if self._are_more else ""
                faults.add("near_duplicate", sight.number, reason, f"row {sight.number} is like row {number}")
                del self._words[sight.number]  # later ones are compared with the first of them
                return


class _Words(msgspec.Struct, frozen=True):
    """The words of a row, and its text by hash."""

    prompt: Counter[str]
    answer: Counter[str]
    text: int
    size: int

    @classmethod
    def of(cls, sight: Sight) -> _Words:
        prompt, answer = _counted(sight.prompt), _counted(sight.answer)
        text = hash((sight.prompt.strip(), sight.answer.strip()))
        return cls(prompt, answer, text, prompt.total() + answer.total())

    def is_like(self, other: _Words) -> bool:
        """True for nearly the same words; rows that are the same are repetitions of another kind."""
        if self.text == other.text:
            return False
        return _alike(self.prompt, other.prompt) and _alike(self.answer, other.answer)


def _counted(text: str) -> Counter[str]:
    return Counter(_WORDS.findall(text[:_MOST_LETTERS].lower()))


def _alike(one: Counter[str], other: Counter[str]) -> bool:
    total = one.total() + other.total()
    if not total:
        return True
    return 2 * (one & other).total() >= ALIKE * total


def _longest(text: str) -> Iterator[str]:
    """Yield the two longest sentences, if they are long enough to tell rows apart."""
    if not text.isascii():
        text = text.replace("。", "\n").replace("！", "\n").replace("？", "\n")
    sentences = text.replace(". ", "\n").split("\n")
    if len(sentences) > 2:
        sentences = sorted(sentences, key=len)[-2:]
    for sentence in sentences:
        if len(sentence) >= _LEAST_LETTERS or (len(sentence) >= 10 and not sentence.isascii()):
            yield sentence.strip()

"""Encoded examples held in little memory until it is known which of them are held out."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from tui_ft.data.convert import Example
from tui_ft.data.encode import Encoded

SAMPLES = 8
"""So many held-out examples are kept as they are, for answers before and after training."""


class EncodedRows(Sequence[Encoded]):
    """Encoded examples in little memory: 4 bytes a token and one for its mask.

    `sources` and `numbers` say where each came from: the number of the source, from 0 in the order in
    which they were read, and the row in it, from 1.
    """

    def __init__(self) -> None:
        self._ids: list[array[int]] = []
        self._trained: list[bytes] = []
        self.sources = array("i")
        self.numbers = array("q")

    def append(self, ids: array[int], trained: bytes, source: int = 0, number: int = 0) -> None:
        self._ids.append(ids)
        self._trained.append(trained)
        self.sources.append(source)
        self.numbers.append(number)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(ids) for ids in self._ids]

    def few(self, limit: int | None) -> EncodedRows:
        """Return at most `limit` rows: half of them the longest, the others spread evenly over the rest.

        So the few need as much memory as all would, and still show what the set is like.
        """
        if limit is None or len(self) <= limit:
            return self
        by_length = sorted(range(len(self)), key=lambda index: -len(self._ids[index]))
        longest, rest = by_length[: (limit + 1) // 2], sorted(by_length[(limit + 1) // 2 :])
        others = limit - len(longest)
        chosen = [*longest, *(rest[place * len(rest) // others] for place in range(others))]
        rows = EncodedRows()
        for index in sorted(chosen):
            rows.append(self._ids[index], self._trained[index], self.sources[index], self.numbers[index])
        return rows

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...
    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Encoded(self._ids[index].tolist(), [bool(flag) for flag in self._trained[index]])


@dataclass(frozen=True)
class Candidate:
    """An example with the source and the row that it came from."""

    example: Example
    source: str
    row: int


class Pool:
    """Encoded examples before the split, with the few lowest in rank kept as they are."""

    def __init__(self) -> None:
        self.ranks: list[bytes] = []
        self._kept: list[tuple[int, int, Candidate]] = []
        self._ids: list[array[int]] = []
        self._trained: list[bytes] = []
        self._repeats: list[int] = []
        self._names: dict[str, int] = {}
        self._sources = array("i")
        self._numbers = array("q")

    def add(self, encoded: Encoded, place: bytes, found: Candidate, repeats: int) -> None:
        """Add an example of rank `place`, to be trained on `repeats` times an epoch."""
        self._keep((-int.from_bytes(place, "big"), -len(self._ids), found))
        self.ranks.append(place)
        self._ids.append(array("i", encoded.input_ids))
        self._trained.append(bytes(encoded.trained))
        self._repeats.append(repeats)
        self._sources.append(self._names.setdefault(found.source, len(self._names)))
        self._numbers.append(found.row)

    def _keep(self, kept: tuple[int, int, Candidate]) -> None:
        if any(kept[0] == other for other, *_ in self._kept):
            return  # a duplicate shows nothing new
        if len(self._kept) < SAMPLES:
            heapq.heappush(self._kept, kept)
        elif self._kept[0][:2] < kept[:2]:
            heapq.heapreplace(self._kept, kept)

    def examples(self) -> list[Candidate]:
        """Return up to `SAMPLES` examples, the lowest in rank (those held out first) first."""
        return [found for *_, found in sorted(self._kept, key=lambda kept: kept[:2], reverse=True)]

    @property
    def names(self) -> list[str]:
        """The sources that examples came from, as `EncodedRows.sources` counts them."""
        return list(self._names)

    def rows(self, *, without: set[int] | None = None, only: set[int] | None = None) -> EncodedRows:
        """Return the rows for training, those in `without` left out, or for evaluation, those in `only`."""
        rows = EncodedRows()
        for index, ids in enumerate(self._ids):
            if (without and index in without) or (only is not None and index not in only):
                continue
            for _ in range(1 if only is not None else self._repeats[index]):
                rows.append(ids, self._trained[index], self._sources[index], self._numbers[index])
        return rows

"""The values of a curve, kept small: whole blocks in an array, float32 where that is enough."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from typing import overload

from tui_ft.watch.stored import StoredColumn

BLOCK = 64
"""Values in a block of the lowest level of the pyramid, and blocks in a block of the level above."""


class Values(Sequence[float]):
    """The values of a curve: whole blocks in an array, what came last in a list of exact numbers.

    `narrow` keeps the whole blocks as float32 from then on, `widen` ends that. A reader on another thread
    sees a state between two additions, never a mixture. The whole blocks may lie in the file of a cache.
    """

    __slots__ = ("_parts", "_was_narrow")

    def __init__(self) -> None:
        self._parts: tuple[array[float] | StoredColumn, list[float], int] = (array("d"), [], 0)
        self._was_narrow = False

    def __len__(self) -> int:
        _, tail, base = self._parts
        return base + len(tail)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[float]: ...
    def __getitem__(self, at: int | slice) -> float | Sequence[float]:
        head, tail, base = self._parts
        if isinstance(at, int):
            at = at + base + len(tail) if at < 0 else at
            return head[at] if 0 <= at < base else tail[at - base if at >= base else len(tail)]
        start, stop, step = at.indices(base + len(tail))
        if start >= base and step == 1:
            return tail[start - base : max(stop - base, 0)]
        if stop <= base and step == 1:
            return head[start:stop]
        return (head[:base].tolist() + tail)[at] if step != 1 else [*head[start:base], *tail[: stop - base]]

    @property
    def is_narrow(self) -> bool:
        """True when the whole blocks are kept as float32."""
        return self._parts[0].typecode == "f"

    @property
    def is_rounded(self) -> bool:
        """True when values may be float32 numbers, also where they were made wide again."""
        return self._was_narrow or self.is_narrow

    @property
    def is_in_memory(self) -> bool:
        """False while the whole blocks lie in the file of a cache."""
        return isinstance(self._parts[0], array)

    def extend(self, values: Sequence[float]) -> None:
        self._parts[1].extend(values)

    def put_all(self, at: int, values: Sequence[float]) -> None:
        """Replace the values from a position on; there are that many."""
        _, tail, base = self._parts
        in_array = min(max(base - at, 0), len(values))
        if in_array:
            head = self._in_memory()
            head[at : at + in_array] = array(head.typecode, values[:in_array])
        for place in range(in_array, len(values)):
            tail[at + place - base] = values[place]

    def insert(self, at: int, values: Sequence[float]) -> None:
        """Put values in at a position."""
        head, tail, base = self._parts
        if at >= base:
            self._parts = (head, [*tail[: at - base], *values, *tail[at - base :]], base)
            return
        longer = self._in_memory()[:]
        longer[at:at] = array(head.typecode, values)
        self._parts = (longer, tail, len(longer))

    def replace_from(self, at: int, values: Sequence[float]) -> None:
        """Put values in the place of all from a position on."""
        head, tail, base = self._parts
        if at >= base:
            self._parts = (head, [*tail[: at - base], *values], base)
        else:
            self._parts = (self._in_memory()[:at], list(values), at)

    def settle(self, end: int) -> None:
        """Move the values before position `end` from the list into the array.

        Packed as a structure: that takes two thirds of the time of a conversion one by one.
        """
        head, tail, base = self._parts
        if end > base:
            whole = tail[: end - base]
            head.frombytes(struct.pack(f"{len(whole)}{head.typecode}", *whole))
            self._parts = (head, tail[end - base :], end)

    def narrow(self) -> None:
        """Keep the whole blocks as float32."""
        _, tail, base = self._parts
        self._parts = (array("f", self._in_memory()), tail, base)

    def widen(self) -> None:
        """Keep the whole blocks as float64, with the digits that are left."""
        _, tail, base = self._parts
        self._parts = (array("d", self._in_memory()), tail, base)
        self._was_narrow = True

    def leave_to(self, stored: StoredColumn) -> None:
        """Give up the whole blocks in memory, which lie in a file as well."""
        _, tail, base = self._parts
        if len(stored) == base:
            self._parts = (stored, tail, base)

    def _in_memory(self) -> array[float]:
        """The whole blocks in an array, where they may be changed."""
        head, tail, base = self._parts
        if isinstance(head, array):
            return head
        loaded = head.whole()
        self._parts = (loaded, tail, base)
        return loaded

    def parts(self) -> tuple[array[float], list[float]]:
        """The array, and the exact values after it."""
        head, tail, base = self._parts
        return head if isinstance(head, array) and len(head) == base else head[:base], tail

    @classmethod
    def of_parts(
        cls, head: array[float] | StoredColumn, tail: list[float], *, was_narrow: bool = False
    ) -> Values:
        """Values as the cache keeps them."""
        made = cls()
        made._parts = (head, tail, len(head))
        made._was_narrow = was_narrow
        return made

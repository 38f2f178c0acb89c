"""Prompts that stand in the training data and in the evaluation, too."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from tui_ft.data.checks.sight import Sight
from tui_ft.data.faults import Faults

MOST_PROMPTS = 1_000_000
"""So many evaluation prompts are remembered, at 8 bytes each."""

_MASK_64 = (1 << 64) - 1


class EvalPrompts:
    """The prompts of the evaluation, by hash; capitals and spaces make no difference."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._is_sorted = False

    def add(self, sight: Sight) -> None:
        if len(self._keys) < MOST_PROMPTS:
            self._keys.append(_key(sight))
            self._is_sorted = False

    def look(self, sight: Sight, faults: Faults) -> None:
        """Tell when a row of the training data asks what the evaluation asks."""
        if not self._is_sorted:
            self._keys = array("Q", sorted(self._keys))
            self._is_sorted = True
        key = _key(sight)
        place = bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            faults.add("eval_leak", sight.number)


def _key(sight: Sight) -> int:
    return hash(" ".join((sight.prompt or sight.answer).casefold().split())) & _MASK_64

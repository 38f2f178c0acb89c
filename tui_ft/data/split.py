"""The held-out part of a data set: chosen by seed and content, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def rank(key: bytes, seed: int) -> bytes:
    """Return the place of a row in the order of choice; the lowest ranks are held out."""
    return hashlib.blake2b(key, digest_size=8, key=seed.to_bytes(8, "little", signed=True)).digest()


def held_out(ranks: Sequence[bytes], eval_fraction: float) -> set[int]:
    """Return the indexes of the held-out rows: `eval_fraction` of them, at least one, never all.

    Rows of equal rank (the same content) stay together, so that no answer is both learnt and asked.
    """
    if eval_fraction <= 0 or len(set(ranks)) < 2:
        return set()
    wanted = max(1, round(len(ranks) * eval_fraction))
    groups: dict[bytes, list[int]] = {}
    for index, place in enumerate(ranks):
        groups.setdefault(place, []).append(index)
    chosen: set[int] = set()
    for place in sorted(groups)[: len(groups) - 1]:
        if len(chosen) >= wanted:
            break
        chosen.update(groups[place])
    return chosen

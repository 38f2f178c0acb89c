"""The rows of a probe: the longest of the data set, or, where there is none, as long as rows may be."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset

SEED = 7

LAST_BATCHES = (False, True, False)
"""Which batch ends each step of a probe: the one of the longest rows, or the one with padding.

The first step has no optimizer states yet; then each has a step that ends with it, for with gradients of
earlier micro-batches in memory the last one is the heaviest.
"""

STEPS = len(LAST_BATCHES)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is trained on and, if anything is held out, what is evaluated on."""

    train: Dataset
    eval: Dataset | None


def longest_rows(rows: Rows, *, batch_size: int, accumulation: int, packed_length: int | None) -> Rows:
    """The heaviest batches for `STEPS` steps, and the heaviest held-out ones.

    Which is heaviest is not known before: the longest rows have the most tokens, but rows of one length need
    no mask and get a cheaper attention kernel than the longest row among shorter ones. So it is both in
    turn. With packing (`packed_length`) rows are taken, longest first, until they surely fill all batches.
    """
    if packed_length is not None:
        tokens = batch_size * accumulation * STEPS * packed_length
        return Rows(
            train=rows.train.select(_enough(rows.train, tokens)), eval=_heaviest(rows.eval, batch_size)
        )
    longest, padded = _longest_batch(rows.train, batch_size), _padded_batch(rows.train, batch_size)
    chosen: list[int] = []
    for is_longest in LAST_BATCHES:
        last, other = (longest, padded) if is_longest else (padded, longest)
        chosen += other * (accumulation - 1) + last
    return Rows(train=rows.train.select(chosen), eval=_heaviest(rows.eval, batch_size))


def _longest_batch(rows: Dataset, size: int) -> list[int]:
    return list(islice(cycle(by_length(rows)[:size]), size))


def _padded_batch(rows: Dataset, size: int) -> list[int]:
    """The longest row and the longest of those that are shorter; the longest batch where none is."""
    order, every = by_length(rows), lengths(rows)
    shorter = [index for index in order if every[index] < every[order[0]]][: size - 1]
    if not shorter:
        return _longest_batch(rows, size)
    return [order[0], *islice(cycle(shorter), size - 1)]


def _heaviest(rows: Dataset | None, size: int) -> Dataset | None:
    return None if rows is None else rows.select(_padded_batch(rows, size) + _longest_batch(rows, size))


def by_length(rows: Dataset) -> list[int]:
    """The indices of the rows, the longest row first."""
    return [int(index) for index in np.argsort(-lengths(rows), kind="stable")]


def lengths(rows: Dataset) -> np.ndarray:
    """The number of tokens of each row."""
    found: np.ndarray = np.asarray(pc.list_value_length(rows.data.column("input_ids")), dtype=np.int64)
    return found


def _enough(rows: Dataset, tokens: int) -> list[int]:
    """So many rows that they fill `tokens` twice, for packs are not always full."""
    every, chosen, filled = lengths(rows), [], 0
    for index in cycle(by_length(rows)):
        chosen.append(index)
        filled += int(every[index])
        if filled >= 2 * tokens:
            break
    return chosen


def made_up_rows(vocabulary: int, length: int, count: int) -> Dataset:
    """Rows of `length` random tokens, all of which the loss counts: for a spec without data."""
    ids = np.random.default_rng(SEED).integers(0, vocabulary, size=(count, length), dtype=np.int32)
    return Dataset.from_dict({"input_ids": ids.tolist(), "labels": ids.tolist()})

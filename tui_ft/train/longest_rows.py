"""The rows of a probe: the longest of the data set, or, where there is none, as long as rows may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import pyarrow.compute as pc
from datasets import Dataset

SEED = 7


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is trained on and, if anything is held out, one batch to evaluate on."""

    train: Dataset
    eval: Dataset | None


def longest_rows(rows: Rows, *, batch_size: int, batches: int, packed_length: int | None) -> Rows:
    """The batch of the longest rows, `batches` times over, and the longest held-out one.

    With packing (`packed_length`) rows are taken, longest first, until they surely fill all batches.
    """
    order = by_length(rows.train)
    if packed_length is None:
        chosen = list(islice(cycle(order[:batch_size]), batch_size)) * batches
    else:
        chosen = _enough(rows.train, order, batch_size * batches * packed_length)
    held_out = None
    if rows.eval is not None:
        held_out = rows.eval.select(by_length(rows.eval)[:batch_size])
    return Rows(train=rows.train.select(chosen), eval=held_out)


def by_length(rows: Dataset) -> list[int]:
    """The indices of the rows, the longest row first."""
    return [int(index) for index in np.argsort(-lengths(rows), kind="stable")]


def lengths(rows: Dataset) -> np.ndarray:
    """The number of tokens of each row."""
    found: np.ndarray = np.asarray(pc.list_value_length(rows.data.column("input_ids")), dtype=np.int64)
    return found


def _enough(rows: Dataset, order: Sequence[int], tokens: int) -> list[int]:
    """So many rows that they fill `tokens` twice, for packs are not always full."""
    every, chosen, filled = lengths(rows), [], 0
    for index in cycle(order):
        chosen.append(index)
        filled += int(every[index])
        if filled >= 2 * tokens:
            break
    return chosen


def made_up_rows(vocabulary: int, length: int, count: int) -> Dataset:
    """Rows of `length` random tokens, all of which the loss counts: for a spec without data."""
    ids = np.random.default_rng(SEED).integers(0, vocabulary, size=(count, length), dtype=np.int32)
    return Dataset.from_dict({"input_ids": ids.tolist(), "labels": ids.tolist()})

"""Which rows of the data files a step was made of: worked out afterwards, so that it costs a step nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from datasets.table import InMemoryTable

from tui_ft.health.finding import Scalar

if TYPE_CHECKING:
    from tui_ft.train.edge import EdgeTrainer


@dataclass(frozen=True, kw_only=True)
class RowNumbers:
    """Where each prepared row came from: `numbers` count from 1 in the file `names[sources[i]]`.

    `lengths` are in tokens, as they were before packing.
    """

    names: Sequence[str]
    sources: Sequence[int]
    numbers: Sequence[int]
    lengths: Sequence[int]

    def words(self, indexes: Sequence[int]) -> list[Scalar]:
        """The rows as people know them: numbers, with the file's name where there are several."""
        if len(self.names) == 1:
            return [*sorted({self.numbers[index] for index in indexes})]
        places = sorted({(self.sources[index], self.numbers[index]) for index in indexes})
        return [f"{self.names[source].rsplit('/', 1)[-1]}:{number}" for source, number in places]


def rows_of_step(
    trainer: EdgeTrainer, rows: RowNumbers, step: int, micro_batches: Sequence[int] | None = None
) -> list[Scalar]:
    """Return the rows of optimizer step `step` (from 1), or of some of its micro-batches (from 0).

    The order of an epoch follows from its seed, and a packed row from the lengths that were packed: both
    are worked out again by the library's own code. Empty when the library shuffles in another way.
    """
    batches = _batches_of(trainer, step)
    if micro_batches is not None:
        batches = [batches[index] for index in micro_batches if index < len(batches)]
    indexes = [index for batch in batches for index in batch]
    if trainer.args.packing:
        packs = _packs(trainer, rows)
        indexes = [source for index in indexes for source in packs[index]]
    return rows.words(indexes)


def _batches_of(trainer: EdgeTrainer, step: int) -> list[list[int]]:
    """The indexes into the trainer's data set, batch by batch."""
    loader: Any = trainer.callback_handler.train_dataloader
    sampler = loader.batch_sampler
    size = trainer.args.gradient_accumulation_steps
    steps_per_epoch = -(-len(sampler) // size)
    epoch, place = divmod(step - 1, steps_per_epoch)
    order = _order(sampler.sampler, epoch)
    batch = sampler.batch_size
    first = place * size * batch
    taken = order[first : first + size * batch]
    return [taken[at : at + batch] for at in range(0, len(taken), batch)]


def _order(sampler: Any, epoch: int) -> list[int]:
    """The order of one epoch, by a sampler of the same kind and seed; the trainer's own is not touched."""
    if not hasattr(sampler, "initial_seed"):  # in sequence, as a probe reads
        return list(range(len(sampler)))
    again = type(sampler)(sampler.data_source, data_seed=sampler.initial_seed)
    again.set_epoch(epoch)
    return list(again)


def _packs(trainer: EdgeTrainer, rows: RowNumbers) -> list[list[int]]:
    """Pack rows of the same lengths again, each filled with its own index."""
    from trl import pack_dataset

    lengths = np.asarray(rows.lengths, dtype=np.int64)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
    values = pa.array(np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))
    table = pa.table({"row": pa.ListArray.from_arrays(offsets, values)})
    packed = pack_dataset(
        Dataset(InMemoryTable(table)), trainer.args.max_length, trainer.args.packing_strategy
    )
    return [np.unique(pack).tolist() for pack in packed["row"]]

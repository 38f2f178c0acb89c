"""From the spec's data to the library's data sets: local files and hub sets go the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from datasets import Dataset
from datasets.table import InMemoryTable

from tui_ft.data import prepare as preparing
from tui_ft.data.convert import Example
from tui_ft.data.encode import beginning, render_prompt
from tui_ft.data.pool import EncodedRows
from tui_ft.data.report import DataReport
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.journal import Journal
from tui_ft.train.model import model_source, one_line
from tui_ft.train.row_ids import RowNumbers
from tui_ft.train.samples import SamplePrompt
from tui_ft.train.tokenizer import ComparedTokenizer, HubTokenizer, folder_of
from tui_ft.user_paths import is_there, user_path

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label that the loss does not count."""
SAMPLED_ROWS = 3
"""So many held-out rows are answered before and after, unless the spec names prompts."""
_ROWS_A_CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the trainer needs of the data.

    `eval` is None when nothing is held out, `probe` when the spec names none;
    `numbers` says where each row to train on came from.
    """

    train: Dataset
    eval: Dataset | None
    probe: Dataset | None = None
    numbers: RowNumbers
    report: DataReport
    prompts: list[SamplePrompt]

    def report_document(self) -> dict[str, Any]:
        """The content of the attempt's data report."""
        return msgspec.to_builtins(self.report)


def prepare(spec: RunSpec, tokenizer: PreTrainedTokenizerBase, journal: Journal) -> Prepared:
    """Read, convert and encode the spec's data.

    Raises `TuiFtError` when it cannot be read or leaves nothing to train on.
    """
    door = ComparedTokenizer(tokenizer, folder_of(model_source(spec), spec.model.revision))
    made = preparing.prepare(
        train_sources(spec),
        door,
        train_on=spec.data.train_on,
        max_length=spec.data.max_length,
        eval_sources=[source(spec.data.eval, spec)] if spec.data.eval else (),
        eval_fraction=spec.data.eval_fraction,
        seed=spec.data.seed,
        limit=spec.data.limit,
        progress=lambda rows: journal.progress(rows, None, "rows"),
    )
    if door.differs:
        journal.warn("data", "The model's tokenizer gives other tokens here than when its data was checked.")
    if spec.evaluation.prompts:
        prompts = [own_prompt(text, door) for text in spec.evaluation.prompts]
    else:
        prompts = [
            SamplePrompt(
                text=begun(sample.prompt, sample.messages is not None, door),
                messages=sample.messages,
                expected=sample.expected,
            )
            for sample in made.samples[:SAMPLED_ROWS]
        ]
    return Prepared(
        train=to_dataset(made.train),
        eval=to_dataset(made.evaluation) if len(made.evaluation) else None,
        probe=probe_rows(spec, door),
        numbers=row_numbers(made.train, made.names),
        report=made.report,
        prompts=prompts,
    )


def probe_rows(spec: RunSpec, tokenizer: HubTokenizer) -> Dataset | None:
    """The rows of `evaluation.probe`, every one, converted as its own columns say.

    Raises `TuiFtError` when they cannot be read or used.
    """
    name = spec.evaluation.probe
    if name is None:
        return None
    made = preparing.prepare(
        [source(name, spec, format="auto", columns={})],
        tokenizer,
        train_on=spec.data.train_on,
        max_length=spec.data.max_length,
        eval_fraction=0.0,
        seed=spec.data.seed,
        limit=spec.data.limit,
    )
    return to_dataset(made.train)


def row_numbers(rows: EncodedRows, names: list[str]) -> RowNumbers:
    """Where the rows came from: file and row, for whoever has to look at one."""
    return RowNumbers(names=names, sources=rows.sources, numbers=rows.numbers, lengths=rows.lengths)


def own_prompt(text: str, tokenizer: HubTokenizer) -> SamplePrompt:
    """A prompt of the user's as the model sees it: a question where the model knows chats."""
    messages = [{"role": "user", "content": text}]
    asked = render_prompt(Example(prompt=messages, completion=[]), tokenizer)
    return SamplePrompt(text=begun(asked, True, tokenizer), messages=messages)


def begun(prompt: str, is_chat: bool, tokenizer: HubTokenizer) -> str:
    """The prompt as the rows begin: with the BOS spelled out where no chat template writes it."""
    if is_chat and tokenizer.has_chat_template:
        return prompt
    return tokenizer.decode(beginning(tokenizer)) + prompt


def train_sources(spec: RunSpec) -> Iterator[preparing.Source]:
    """The training sources, each with its own format, columns and weight where the spec gives them."""
    train = spec.data.train
    if isinstance(train, str):
        yield source(train, spec)
        return
    for item in train or []:
        yield source(
            item.path,
            spec,
            format=item.format if item.format != "auto" else spec.data.format,
            columns=item.columns or spec.data.columns or {},
            weight=item.weight,
        )


def source(name: str, spec: RunSpec, **options: Any) -> preparing.Source:
    """A file here, the built-in data (`demo`), or a data set of the hub.

    Raises `TuiFtError` when there is neither.
    """
    options.setdefault("format", spec.data.format)
    options.setdefault("columns", spec.data.columns or {})
    if name == "demo":
        return preparing.local_source(demo_paths.data_file(), **options)
    path = user_path(name)
    if is_there(path):
        return preparing.local_source(path, **options)
    return preparing.Source(rows=preparing.iterate_numbered(hub_rows(name)), name=name, **options)


def hub_rows(name: str) -> Iterable[dict[str, Any]]:
    """The training split of a data set on the hub, or in its cache.

    Raises `TuiFtError` when it cannot be fetched; scripts that come with a data set are never run.
    """
    from datasets import load_dataset
    from huggingface_hub.errors import HTTPError

    try:
        found: Any = load_dataset(name)
    except (OSError, ValueError, RuntimeError, HTTPError) as error:
        raise TuiFtError(
            f"There is no file {name}, and no data set of that name could be loaded from the hub: "
            f"{one_line(error)}.",
            "Check the path; for a gated data set set HF_TOKEN.",
        ) from error
    return found["train"] if "train" in found else next(iter(found.values()))


def to_dataset(rows: EncodedRows) -> Dataset:
    """Put encoded rows into columns `input_ids` and `labels`, 8 bytes a token."""
    chunks = []
    for first in range(0, len(rows), _ROWS_A_CHUNK):
        part = rows[first : first + _ROWS_A_CHUNK]
        lengths = np.array([len(row.input_ids) for row in part], dtype=np.int64)
        ids = np.concatenate([np.asarray(row.input_ids, dtype=np.int32) for row in part])
        trained = np.concatenate([np.asarray(row.trained, dtype=bool) for row in part])
        labels = np.where(trained, ids, np.int32(IGNORED)).astype(np.int32)
        offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))).astype(np.int32))
        chunks.append(
            pa.table(
                {
                    "input_ids": pa.ListArray.from_arrays(offsets, pa.array(ids)),
                    "labels": pa.ListArray.from_arrays(offsets, pa.array(labels)),
                }
            )
        )
    return Dataset(InMemoryTable(pa.concat_tables(chunks)))

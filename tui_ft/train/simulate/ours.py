"""Our own trainer's steps and an evaluation on tensors without values, every byte traced."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import msgspec
import tokenizers
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import PreTrainedTokenizerFast

from tui_ft.spec import precision as policy
from tui_ft.spec.resolve import resolve, resolved_optimizer
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.assembly import assemble
from tui_ft.train.precision import Precision, as_torch
from tui_ft.train.simulate.answers import Answers
from tui_ft.train.simulate.base_model import build_model
from tui_ft.train.simulate.kernels import Attention
from tui_ft.train.simulate.pretence import pretending
from tui_ft.train.simulate.steps import SimulatedTrainer, forget_devices
from tui_ft.train.simulate.tracing import (
    CUBLAS_WORKSPACE,
    HOPPER_CUBLAS_WORKSPACE,
    Trace,
    Tracer,
)
from tui_ft.vram.overhead import HOPPER
from tui_ft.vram.workload import BF16_CAPABILITY

_ANY_TOKEN = 2

MICRO_BATCHES = 2
"""At most so many micro-batches a step: in the first no gradient is there yet, in the second all are."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is simulated: a model's `config.json`, a spec, the longest row, and what the GPU can do.

    `capability` is the compute capability of the GPU: bf16 and flash attention come with 8.0. `is_padded`
    says whether rows differ in length; None: they do where a micro-batch has several.
    The second of two `steps` is the usual one: the optimizer's states are there from its beginning.
    `device` other than "cuda" simulates the trainer on a CPU, to compare it with the trainer itself.
    """

    config: Mapping[str, Any]
    spec: RunSpec
    longest_row: int | None = None
    capability: tuple[int, int] = BF16_CAPABILITY
    is_padded: bool | None = None
    device: str = "cuda"
    steps: int = 2

    @property
    def has_bf16(self) -> bool:
        return self.capability >= BF16_CAPABILITY

    @property
    def seq_length(self) -> int:
        length = self.spec.data.max_length
        return length if self.longest_row is None else min(length, self.longest_row)

    @property
    def is_plain(self) -> bool:
        """One row a micro-batch needs no mask; several, of different lengths or packed, do."""
        if self.is_padded is not None:
            return not self.is_padded
        if self.spec.model.attention == "flash_attention_2":
            return True
        return self.spec.training.batch_size == 1 and not self.spec.data.packing


def trace_steps(case: Case, layers: int | None = None) -> Trace:
    """Run the trainer's own loop on a model of `layers` decoder layers (None: all of them).

    Raises `TuiFtError` for a model or a setting that cannot be simulated.
    """
    on_gpu = case.device == "cuda"
    spec = simulated_spec(resolve(case.spec), case.steps, on_gpu=on_gpu)
    forget_devices()
    precision = as_torch(policy.decide(spec, on_gpu=on_gpu, has_bf16=case.has_bf16))
    attention = Attention(has_flash=case.has_bf16 and precision.compute != torch.float32)
    workspace = HOPPER_CUBLAS_WORKSPACE if case.capability >= HOPPER else CUBLAS_WORKSPACE
    tracer = Tracer(device_type=case.device, cublas_workspace=workspace)
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        pretending(attention if on_gpu else None, case.capability),
    ):
        trainer = _trainer(case, spec, precision, layers)
        gc.collect()
        trainer.follow(tracer)
        with tracer, Answers(is_plain=case.is_plain):
            trainer.train()
            trainer.evaluate_one_batch()
        return tracer.trace()


def simulated_spec(spec: RunSpec, steps: int, *, on_gpu: bool = False) -> RunSpec:
    """The spec with as many steps as are needed, and what the device would decide decided."""
    training = msgspec.structs.replace(
        spec.training,
        gradient_accumulation=min(spec.training.gradient_accumulation, MICRO_BATCHES),
        max_steps=steps,
        dataloader_workers=0,
        optimizer=resolved_optimizer(spec, on_gpu=on_gpu),
    )
    return msgspec.structs.replace(spec, training=training)


def _trainer(case: Case, spec: RunSpec, precision: Precision, layers: int | None) -> SimulatedTrainer:
    with torch.device(case.device):
        rows = longest_rows(case, spec)
        return assemble(
            spec,
            build_model(case.config, spec, precision, layers),
            precision,
            torch.device("cpu"),
            Path(),
            SimulatedTrainer,
            on=torch.device(case.device),
            train_dataset=rows,
            eval_dataset=rows,
            processing_class=any_tokenizer(),
        )


def longest_rows(case: Case, spec: RunSpec) -> datasets.Dataset:
    """Rows of the longest length, each token counted by the loss: no batch of the data needs more."""
    count = spec.training.batch_size * spec.training.gradient_accumulation * case.steps
    tokens = [_ANY_TOKEN] * case.seq_length
    return datasets.Dataset.from_list([{"input_ids": tokens, "labels": tokens}] * count)


def any_tokenizer() -> PreTrainedTokenizerFast:
    """The trainer wants one, to name its padding; nothing is tokenised."""
    vocabulary = {"<pad>": 0, "<eos>": 1, "<any>": _ANY_TOKEN}
    words = tokenizers.models.WordLevel(vocabulary, unk_token="<any>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(words), pad_token="<pad>", eos_token="<eos>"
    )

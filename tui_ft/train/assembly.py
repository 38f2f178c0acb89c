"""A trainer put together from its parts: the same for a run, for its simulation and for its probe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import quantized
from tui_ft.train.arguments import sft_config
from tui_ft.train.methods import METHODS, cast_trainable
from tui_ft.train.precision import Precision
from tui_ft.train.retention import Retention
from tui_ft.train.trainer import RunTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def assemble(
    spec: RunSpec,
    model: PreTrainedModel,
    precision: Precision,
    device: torch.device,
    output: Path,
    kind: type[RunTrainer] = RunTrainer,
    **parts: Any,
) -> RunTrainer:
    """Put method, arguments and data around a loaded `model`; what moves is in its trained dtype.

    `parts` go to the trainer as they are: run, journal, follower, data sets, tokenizer.
    """
    adapter = METHODS[spec.method.kind](model, spec)
    if spec.method.kind == "last_layers":
        _keep_backward_short(model)
    trainer = kind(
        retention=Retention(keep=spec.checkpoints.keep, keep_gib=spec.checkpoints.keep_gib),
        is_loraplus=spec.method.variant == "lora+",
        model=model,
        args=sft_config(spec, precision, device, output),
        peft_config=adapter,
        **parts,
    )
    cast_trainable(trainer.model, precision.trainable)
    quantized.forbid_packing(trainer.model)
    return trainer


def _keep_backward_short(model: PreTrainedModel) -> None:
    """Let the backward pass end at the first layer that is trained.

    With gradient checkpointing transformers asks for the gradient of the embeddings' output, which
    adapters below need; here it would be carried through every frozen layer, and their inputs kept.
    """
    attributes: Any = model
    attributes.enable_input_require_grads = lambda: None

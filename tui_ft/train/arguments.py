"""The SFTConfig of a spec: what the library is told, and which of its defaults are overruled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tui_ft.hardware import host
from tui_ft.spec.resolve import resolved_optimizer
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.precision import Precision

if TYPE_CHECKING:
    from trl import SFTConfig

NEVER_CLIPPED = 1e30
"""A norm that no gradient reaches: clipping to it changes nothing, yet the norm is computed and logged."""

MAX_WORKERS = 4
"""More dataloader workers than this do not help rows that are already token ids (domain facts, section d)."""


def dataloader_workers(spec: RunSpec, device: torch.device) -> int:
    """The spec's count; else one a spare core on a GPU box; none on a CPU, where they compete."""
    if spec.training.dataloader_workers is not None:
        return spec.training.dataloader_workers
    if device.type == "cpu":
        return 0
    return max(0, min(MAX_WORKERS, int(host.processors()) - 1))


def sft_config(spec: RunSpec, precision: Precision, device: torch.device, output: Path) -> SFTConfig:
    """Build the configuration of `SFTTrainer` from a resolved spec.

    Evaluating and saving are decided at each step by our own callback, so the library's strategies
    are off; rows come with labels and already truncated, so its preparation is too, except packing.
    """
    from trl import SFTConfig

    training = spec.training
    options: dict[str, Any] = {
        "output_dir": str(output),
        "learning_rate": training.learning_rate,
        "lr_scheduler_type": training.schedule,
        "warmup_steps": training.warmup,
        "num_train_epochs": training.epochs,
        "max_steps": training.max_steps or -1,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "gradient_accumulation_steps": training.gradient_accumulation,
        "optim": resolved_optimizer(spec, on_gpu=device.type == "cuda"),
        "weight_decay": training.weight_decay,
        "max_grad_norm": training.max_grad_norm or NEVER_CLIPPED,
        "gradient_checkpointing": training.gradient_checkpointing,
        "neftune_noise_alpha": training.neftune_alpha,
        "dataloader_num_workers": dataloader_workers(spec, device),
        "seed": training.seed,
        "data_seed": spec.data.seed,
        "max_length": spec.data.max_length,
        "packing": spec.data.packing,
        "eval_packing": False,
        "bf16": precision.uses_autocast and precision.compute is torch.bfloat16,
        "fp16": precision.uses_autocast and precision.compute is torch.float16,
        "use_cpu": device.type == "cpu",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "prediction_loss_only": True,
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": list(spec.tracking.report_to) or "none",
        "disable_tqdm": True,
        "auto_find_batch_size": False,
        "dataset_kwargs": {"skip_prepare_dataset": not spec.data.packing},
    }
    return SFTConfig(**options)

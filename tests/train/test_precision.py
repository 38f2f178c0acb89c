"""The dtype policy on a CPU, where it can be checked anywhere."""

from __future__ import annotations

import pytest
import torch

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.precision import decide

CPU = torch.device("cpu")


def spec(*changes: str) -> RunSpec:
    return overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", *changes])


def test_a_cpu_computes_in_fp32() -> None:
    precision = decide(spec(), CPU)
    assert (precision.load, precision.trainable, precision.compute) == (torch.float32,) * 3
    assert not precision.uses_autocast


@pytest.mark.parametrize("method", ["lora", "qlora", "last_layers"])
def test_frozen_weights_are_16_bit_and_trained_ones_fp32(method: str) -> None:
    precision = decide(spec(f"method.kind={method}", "training.precision=bf16"), CPU)
    assert (precision.load, precision.trainable) == (torch.bfloat16, torch.float32)
    assert precision.uses_autocast


def test_full_fine_tuning_trains_fp32_weights_under_autocast() -> None:
    precision = decide(spec("method.kind=full", "training.precision=bf16"), CPU)
    assert (precision.load, precision.trainable) == (torch.float32, torch.float32)
    assert precision.uses_autocast


def test_pure_bf16_full_fine_tuning_only_when_asked_for() -> None:
    precision = decide(spec("method.kind=full", "model.dtype=bfloat16"), CPU)
    assert (precision.load, precision.trainable, precision.compute) == (torch.bfloat16,) * 3
    assert not precision.uses_autocast


def test_fp16_on_a_cpu_is_refused_for_it_would_silently_be_fp32() -> None:
    with pytest.raises(TuiFtError, match="fp16"):
        decide(spec("training.precision=fp16"), CPU)

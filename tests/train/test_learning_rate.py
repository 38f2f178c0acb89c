"""A learning rate that is changed while the run goes on: what is asked for is what the log shows."""

from __future__ import annotations

import pytest
import torch

from tui_ft.train.learning_rate import LORAPLUS_RATIO, set_learning_rate

pytestmark = pytest.mark.filterwarnings("ignore:Detected call of")


def made(*rates: float) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = torch.optim.AdamW(groups)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.9**step)


def test_half_the_rate_of_lora_plus_is_half_of_both() -> None:
    optimizer, scheduler = made(2e-4, 1e-6, 2e-4 * LORAPLUS_RATIO)
    scheduler.step()
    set_learning_rate(optimizer, scheduler, 1e-4)
    assert scheduler.get_last_lr() == pytest.approx([0.9e-4, 0.45e-6, 0.9e-4 * LORAPLUS_RATIO])
    assert [group["lr"] for group in optimizer.param_groups] == scheduler.get_last_lr()
    scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.81e-4, 0.405e-6, 0.81e-4 * LORAPLUS_RATIO])

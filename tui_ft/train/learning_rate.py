"""How fast which weights learn: LoRA+'s two rates, and a rate that is changed while the run goes on."""

from __future__ import annotations

from typing import Any

LORAPLUS_RATIO = 16
"""How much faster B learns than A: the value that the paper recommends."""


def loraplus_optimizer(model: Any, kind: Any, options: dict[str, Any]) -> Any:
    """The optimizer for LoRA+ (2402.12354), with the faster rate for every B."""
    from peft.optimizers import create_loraplus_optimizer

    return create_loraplus_optimizer(model, optimizer_cls=kind, loraplus_lr_ratio=LORAPLUS_RATIO, **options)


def set_learning_rate(optimizer: Any, scheduler: Any, value: float) -> None:
    """Scale the whole schedule so that the peak of its first group is `value`; the next step already uses it.

    Groups keep their ratios (LoRA+ trains B faster than A). The first is the one that the spec's rate is
    meant for and that the log shows, not the fastest. The scheduler's own memory of the last rate is scaled
    too, because the log reads it.
    """
    peak = scheduler.base_lrs[0]
    factor = value / peak if peak else 0.0
    scheduler.base_lrs = [base * factor for base in scheduler.base_lrs]
    scheduler._last_lr = [last * factor for last in scheduler.get_last_lr()]
    for group in optimizer.param_groups:
        group["lr"] *= factor
        if "initial_lr" in group:
            group["initial_lr"] *= factor

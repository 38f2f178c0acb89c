"""What disturbs a trainer on purpose, at a place that can be told: a signal, a loss that is no number."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from trl import SFTTrainer

Act = Callable[[], None]


def terminate() -> None:
    """What a machine sends that is about to go."""
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def around(
    owner: Any, name: str, *, at: int, before: Act | None = None, after: Act | None = None
) -> Iterator[None]:
    """While it lasts, the call number `at` (from 1) of a method is preceded or followed by an act."""
    calls, whole = 0, getattr(owner, name)

    def disturbed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at and before is not None:
            before()
        result = whole(*args, **kwargs)
        if calls == at and after is not None:
            after()
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, disturbed)
        yield


@contextmanager
def micro_batch(number: int, act: Act) -> Iterator[None]:
    """`act` right after the forward pass of the micro-batch `number`, counted from 1 over the attempt."""
    calls, whole = 0, SFTTrainer.compute_loss

    def disturbed(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        loss = whole(self, *args, **kwargs)
        calls += self.model.training
        if calls == number and self.model.training:
            act()
        return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SFTTrainer, "compute_loss", disturbed)
        yield


@contextmanager
def spoiled(*numbers: int, by: float = torch.nan) -> Iterator[list[torch.Tensor]]:
    """The losses of these micro-batches, counted from 1, are no numbers; yields the tokens of all batches."""
    seen: list[torch.Tensor] = []
    whole = SFTTrainer.compute_loss

    def disturbed(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        ids = inputs["input_ids"].clone()
        loss = whole(self, model, inputs, *args, **kwargs)
        if not self.model.training:
            return loss
        seen.append(ids)
        return loss * by if len(seen) in numbers else loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SFTTrainer, "compute_loss", disturbed)
        yield seen

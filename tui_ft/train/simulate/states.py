"""An optimizer that keeps what another would keep, and steps nowhere: for kernels that need a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from tui_ft.vram.optimizers import Optimizer, optimizer

_ON_THE_CPU_TOO = frozenset({"adamw_torch_fused", "adamw_torch", "adafactor", "sgd"})
"""Optimizers whose steps are plain operators, or have a form for tensors without values."""


def needs_keeper(name: str) -> bool:
    """Whether the steps of an optimizer cannot be simulated, only what it keeps."""
    return name not in _ON_THE_CPU_TOO


class StateKeeper(torch.optim.Optimizer):
    """Makes the states of the optimizer `name` in its first step (`tui_ft.vram.optimizers`).

    States that the driver may move to the host are not memory of the allocator, and are left out.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], name: str) -> None:
        self._kept: Optimizer = optimizer(name)
        super().__init__([one for one in parameters if one.requires_grad], {"lr": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                if not self.state[parameter] and not self._kept.pages(parameter.numel()):
                    self.state[parameter] = self._states(parameter)

    def _states(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes = self._kept.state_bytes(tuple(parameter.shape), parameter.element_size())
        return {
            str(number): torch.empty(size, dtype=torch.uint8, device=parameter.device)
            for number, size in enumerate(sizes)
        }

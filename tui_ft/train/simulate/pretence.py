"""What the libraries are told while a step is simulated, and why each untruth moves no byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from tui_ft.train.simulate.kernels import fused_activations


@contextmanager
def pretending(attention: Any, capability: tuple[int, int]) -> Iterator[None]:
    """Patch the libraries for tensors without values, on a GPU of compute `capability`.

    `attention` stands for torch's fused attention; None leaves it as it is.
    """
    with ExitStack() as stack:

        def swap(owner: Any, name: str, value: Any) -> None:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)

        if attention is not None:
            swap(nn.functional, "scaled_dot_product_attention", attention)
        _allow_autocast(swap)
        swap(torch.cuda, "get_device_capability", lambda *_: capability)
        _keep_eager(swap)
        _without_triton(swap, stack.callback)
        _without_moves(swap)
        _step_at_once(swap)
        stack.enter_context(fused_activations())
        yield


def _allow_autocast(swap: Any) -> None:
    """Without a GPU torch turns autocast off with no more than a warning, and every size would be another."""
    swap(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    swap(torch.cuda, "is_bf16_supported", lambda *_, **__: True)


def _keep_eager(swap: Any) -> None:
    """transformers takes tensors without values for a compiler's, and builds masks that training skips."""
    for name, module in list(sys.modules.items()):
        if name.startswith("transformers.") and "is_tracing" in vars(module):
            swap(module, "is_tracing", lambda *_: False)


def _without_triton(swap: Any, undo: Any) -> None:
    """trl's kernels fold a tile in place, into tensors already there: a kernel that does nothing is alike."""
    from trl.kernels import chunked_logprob
    from trl.trainer import utils

    for kernel in ("_forward_kernel", "_backward_kernel"):
        swap(chunked_logprob, kernel, _NoKernel())
    for module in (chunked_logprob, utils):
        swap(module, "_use_triton", lambda device: device.type == "cuda")
    if not hasattr(chunked_logprob, "triton"):
        chunked_logprob.triton = _Triton
        undo(lambda: delattr(chunked_logprob, "triton"))


def _without_moves(swap: Any) -> None:
    """A module is born where it is used; torch cannot move parameters that have no values."""
    from peft.tuners import tuners_utils

    swap(nn.Module, "to", lambda module, *_, **__: module)
    swap(tuners_utils.BaseTunerLayer, "_move_adapter_to_device_of_base_layer", lambda *_, **__: None)
    swap(torch.cuda, "get_device_name", lambda *_: "")  # asked by trl's telemetry, which is off


def _step_at_once(swap: Any) -> None:
    """On a GPU torch's optimizers step through all tensors at once, if they know their type."""
    stepping = sys.modules[torch.optim.Optimizer.__module__]  # torch.optim hides the module's name
    swap(stepping, "_foreach_supported_types", [*stepping._foreach_supported_types, FakeTensor])


class _NoKernel:
    def __getitem__(self, grid: Any) -> Any:
        return lambda *_, **__: None


class _Triton:
    """What trl asks of triton outside its kernels, on a box without it."""

    @staticmethod
    def cdiv(number: int, divisor: int) -> int:
        return -(-number // divisor)

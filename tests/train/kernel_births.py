"""Prints as JSON what kernels without values allocate; test_simulate_kernels reads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from tui_ft.train.simulate import shim

shim.load()

import torch  # noqa: E402 - after the library
from torch.nn import functional  # noqa: E402

from tui_ft.train.simulate.kernels import Attention, fused_activations  # noqa: E402
from tui_ft.train.simulate.tracing import Tracer  # noqa: E402

LENGTH, WIDTH = 100, 64
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "silu": lambda x: functional.silu(x),
    "mish": lambda x: functional.mish(x),
    "gelu": lambda x: functional.gelu(x),
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": lambda x: functional.relu(x),
    "softmax": lambda x: functional.softmax(x, dim=-1),
}


def births(run: Callable[[Tracer], Any], phase: str) -> list[tuple[str, int]]:
    """(operator, bytes) of what is born in a phase."""
    tracer = Tracer()
    with torch._subclasses.fake_tensor.FakeTensorMode(allow_non_fake_inputs=True), fused_activations():
        run(tracer)
    trace = tracer.trace()
    return [(one.op, one.nbytes) for one in trace.storages.values() if one.phase == phase]


def activation(function: Callable[[Any], Any]) -> Callable[[Tracer], None]:
    def run(tracer: Tracer) -> None:
        inputs = torch.empty(LENGTH, WIDTH, device="cuda", requires_grad=True)
        with tracer:
            output = function(inputs)
            gradient = torch.empty_like(output)
            tracer.mark("backward")
            torch.autograd.grad(output, inputs, gradient)

    return run


def attention(
    *, kv_heads: int, has_flash: bool, masked: bool = False, backward: bool = False
) -> Callable[[Tracer], None]:
    def run(tracer: Tracer) -> None:
        def heads(count: int) -> Any:
            return torch.empty(
                2, count, LENGTH, WIDTH, device="cuda", dtype=torch.bfloat16, requires_grad=True
            )

        query, key, value = heads(4), heads(kv_heads), heads(kv_heads)
        mask = torch.empty(2, 1, LENGTH, LENGTH, dtype=torch.bool, device="cuda") if masked else None
        attend = Attention(has_flash=has_flash)
        with tracer:
            tracer.mark("forward")
            output = attend(query, key, value, mask, is_causal=not masked, enable_gqa=kv_heads < 4)
            if backward:
                gradient = torch.empty_like(output)
                tracer.mark("backward")
                torch.autograd.grad(output, (query, key, value), gradient)

    return run


def main() -> None:
    answer = {name: births(activation(function), "backward") for name, function in ACTIVATIONS.items()}
    answer["flash"] = births(attention(kv_heads=2, has_flash=True), "forward")
    answer["flash backward"] = births(attention(kv_heads=2, has_flash=True, backward=True), "backward")
    answer["masked"] = births(attention(kv_heads=4, has_flash=True, masked=True), "forward")
    answer["efficient"] = births(attention(kv_heads=4, has_flash=False), "forward")
    answer["math"] = births(attention(kv_heads=2, has_flash=False), "forward")
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

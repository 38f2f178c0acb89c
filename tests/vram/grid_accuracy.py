"""The closed form beside the simulation over a grid of models, policies and shapes; a JSON object a line.

    python tests/vram/grid_accuracy.py [--models NAME …] [--policies NAME …] [--shapes NUMBER …]

A process of its own, like `archive_accuracy.py`. The models and shapes are none that coefficients were
extracted from: those come of made-up models with one batch and one length.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
import warnings
from typing import Any

from tui_ft.train.simulate import shim

MODELS = (
    "SmolLM2-135M", "Qwen2.5-0.5B", "Llama-3.2-1B", "OLMo-2-1B", "Qwen3-1.7B", "Gemma-2-2B", "Phi-3-mini",
    "Gemma-3-4B-text", "Mistral-7B-v0.3", "Llama-3.1-8B", "Phi-4", "Qwen3-32B", "Llama-3.3-70B",
    "Qwen2.5-72B",
)  # fmt: skip

POLICIES = {
    "full": ("method.kind=full",),
    "full, bf16": ("method.kind=full", "model.dtype=bfloat16"),
    "last layers": ("method.kind=last_layers", "method.layers=4"),
    "LoRA": ("method.kind=lora",),
    "LoRA, all kept": ("method.kind=lora", "training.gradient_checkpointing=false"),
    "LoRA, dropout": ("method.kind=lora", "method.dropout=0.05"),
    "QLoRA": ("method.kind=qlora",),
    "QLoRA, attention": ("method.kind=qlora", "method.targets=attention"),
}

SHAPES = ((1, 512, 8), (1, 2048, 16), (4, 1024, 16), (2, 4000, 32), (8, 300, 64), (16, 128, 8))
"""Batch, length, rank."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--policies", nargs="*", default=tuple(POLICIES))
    parser.add_argument("--shapes", type=int, nargs="*", default=range(len(SHAPES)))
    asked = parser.parse_args()
    shim.load()
    warnings.simplefilter("ignore")
    for model in asked.models:
        for policy in asked.policies:
            for number in asked.shapes:
                with contextlib.redirect_stdout(sys.stderr):
                    answer = compared(model, policy, SHAPES[number])
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()


def compared(model: str, policy: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Allocated bytes by both ways; of the simulation, what is reserved and needed too."""
    from tui_ft.spec import overrides
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.train.simulate.answer import answer_case
    from tui_ft.train.simulate.ours import Case
    from tui_ft.vram.estimate import estimate
    from tui_ft.vram.find_model import find
    from tui_ft.vram.workload import from_spec

    batch, length, rank = shape
    found = find(model)
    changes = [f"data.max_length={length}", f"training.batch_size={batch}", *POLICIES[policy]]
    if "lora" in POLICIES[policy][0]:
        changes.append(f"method.rank={rank}")
    spec = overrides.apply(RunSpec(), ["model.id=grid", "data.train=grid", *changes])
    began = time.perf_counter()
    closed = estimate(found.shape, from_spec(spec))
    took = time.perf_counter() - began
    cpu = time.process_time()
    simulated = answer_case(Case(config=found.config, spec=spec), lambda step, done, total: None)
    return {
        "model": model,
        "policy": policy,
        "shape": list(shape),
        "closed": closed.allocated_bytes,
        "closed_needed": closed.needed_bytes - closed.context_bytes,
        "validated": closed.validated,
        "seconds": took,
        "simulated": simulated["allocated_bytes"],
        "reserved": simulated["reserved_bytes"],
        "capacity": simulated["capacity_bytes"],
        "cpu_s": time.process_time() - cpu,
    }


if __name__ == "__main__":
    main()

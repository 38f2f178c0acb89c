"""What holds for every estimate, whatever its coefficients: parts add up, more of anything needs no less."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from vram_cases import shape_of, spec_of

from tui_ft.vram import catalogue
from tui_ft.vram.estimate import estimate
from tui_ft.vram.model_config import shape_of as shape_of_config
from tui_ft.vram.result import Estimate
from tui_ft.vram.workload import from_spec

MODELS = ("SmolLM2-135M", "Gemma-3-1B", "Qwen2.5-7B", "Llama-3.1-8B", "Qwen3-30B-A3B", "gpt2")
METHODS = {
    "full": ("method.kind=full",),
    "last_layers": ("method.kind=last_layers",),
    "lora": (),
    "qlora": ("method.kind=qlora",),
    "dora": ("method.variant=dora",),
    "ia3": ("method.kind=ia3",),
    "prompt": ("method.kind=prompt",),
    "no checkpointing": ("training.gradient_checkpointing=false",),
    "eager": ("model.attention=eager",),
    "packed": ("data.packing=true",),
    "dpo": ("objective.kind=dpo",),
}
WITH_RANK = {name: METHODS[name] for name in ("lora", "qlora", "dora", "no checkpointing")}


def numbers(name: str, *changes: str) -> Estimate:
    return estimate(shape_of(name), from_spec(spec_of(*changes)))


def rises(estimates: Sequence[Estimate]) -> None:
    """Every total goes up or stays, and the parts always add up."""
    for total in ("allocated_bytes", "needed_bytes", "nvidia_smi_bytes"):
        values = [getattr(one, total) for one in estimates]
        assert values == sorted(values), total
    for one in estimates:
        assert sum(msgspec.to_builtins(one.parts).values()) == one.allocated_bytes
        assert min(msgspec.to_builtins(one.parts).values()) >= 0
        assert one.low_bytes <= one.needed_bytes <= one.high_bytes
        assert one.needed_bytes >= one.allocated_bytes + one.context_bytes


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("name", MODELS)
def test_more_rows_at_a_time(name: str, method: tuple[str, ...]) -> None:
    sizes = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
    rises([numbers(name, *method, f"training.batch_size={size}") for size in sizes])


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("name", MODELS)
def test_longer_rows(name: str, method: tuple[str, ...]) -> None:
    lengths = (16, 63, 64, 65, 128, 200, 256, 500, 512, 777, 1000)
    rises([numbers(name, *method, f"data.max_length={length}") for length in lengths])


@pytest.mark.parametrize("method", WITH_RANK.values(), ids=WITH_RANK.keys())
@pytest.mark.parametrize("name", MODELS)
def test_a_higher_rank(name: str, method: tuple[str, ...]) -> None:
    rises([numbers(name, *method, f"method.rank={rank}") for rank in (1, 2, 4, 8, 16, 17, 32, 64, 128)])


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("name", ("Llama-3.1-8B", "Qwen3-0.6B"))
def test_more_layers(name: str, method: tuple[str, ...]) -> None:
    entry = catalogue.lookup(name)
    assert entry is not None
    workload = from_spec(spec_of(*method))
    shapes = [
        shape_of_config(entry.config | {"num_hidden_layers": layers, "layer_types": None}, name)
        for layers in (2, 3, 4, 8, 12, 16, 24, 32, 48)
    ]
    rises([estimate(shape, workload) for shape in shapes])


@pytest.mark.parametrize("name", MODELS)
def test_more_accumulation_costs_at_most_gradients_that_stay(name: str) -> None:
    counts = (1, 2, 4, 64)
    needs = [
        numbers(name, "method.kind=full", f"training.gradient_accumulation={n}").needed_bytes for n in counts
    ]
    assert needs == sorted(needs)
    assert len(set(needs[1:])) == 1

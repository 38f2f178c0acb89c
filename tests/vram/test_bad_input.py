"""What no model can do is refused in a sentence with a remedy, and gets no number."""

from __future__ import annotations

import pytest
from vram_cases import GIB, gpu, reading, shape_of, spec_of

from tui_ft.errors import TuiFtError
from tui_ft.vram.assess import assess

CASES = {
    "longer than the context": ("Qwen3-8B", ("data.max_length=50000",), "40960"),
    "virtual tokens above the context": (
        "TinyLlama-1.1B",
        ("method.kind=prompt", "method.virtual_tokens=20", "data.max_length=2048"),
        "2048",
    ),
    "rank above the width": ("SmolLM2-135M", ("method.rank=577",), "576"),
    "more layers than there are": ("Qwen3-8B", ("method.kind=last_layers", "method.layers=37"), "36"),
    "a layer that it has not": ("Qwen3-8B", ("method.targets=q_prj",), "q_prj"),
    "several GPUs and single": ("Qwen3-8B", ("hardware.gpus=2",), "single"),
    "what no library can do": ("Qwen3-8B", ("method.kind=prompt", "objective.kind=grpo"), "soft prompt"),
    "one GPU and shards": ("Qwen3-8B", ("hardware.strategy=fsdp",), "fsdp"),
}


@pytest.mark.parametrize("name, changes, named", CASES.values(), ids=CASES.keys())
def test_it_is_refused(name: str, changes: tuple[str, ...], named: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        assess(spec_of(*changes), shape_of(name), reading(), gpu_memory_bytes=80 * GIB)
    assert named in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message


def test_flash_attention_needs_a_gpu_that_has_it() -> None:
    spec, shape = spec_of("model.attention=flash_attention_2"), shape_of("Qwen3-8B")
    with pytest.raises(TuiFtError, match=r"8\.0.*7\.5"):
        assess(spec, shape, reading(gpu(capability=(7, 5))))
    assert assess(spec, shape, reading(gpu(capability=(8, 0)))).verdict == "fits"


def test_what_comes_later_has_a_number_and_a_note() -> None:
    answer = assess(spec_of("objective.kind=dpo"), shape_of("Qwen3-8B"), reading())
    assert "This version cannot start it" in answer.notes[0]


def test_the_edge_is_allowed() -> None:
    shape = shape_of("SmolLM2-135M")
    for changes in (("method.rank=576",), ("data.max_length=8192",)):
        assess(spec_of(*changes), shape, reading(), gpu_memory_bytes=80 * GIB)

"""The ladder: each rung a single change that needs less, keeps the effective batch and can be applied."""

from __future__ import annotations

import pytest
from vram_cases import GIB, gpu, reading, shape_of, spec_of

from tui_ft.spec import overrides
from tui_ft.spec.display import effective_batch
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.situation import StepDown
from tui_ft.vram.verdict import judge

CASES = {
    "lora": ("Qwen3-8B", ("training.batch_size=8", "data.max_length=2048"), 16),
    "full": ("Qwen3-8B", ("method.kind=full",), 60),
    "no checkpointing": ("Qwen3-1.7B", ("training.gradient_checkpointing=false",), 10),
    "odd batch": ("Llama-3.1-8B", ("training.batch_size=9", "training.gradient_accumulation=3"), 16),
    "qlora": ("Llama-3.3-70B", ("method.kind=qlora",), 24),
    "int8": ("Llama-3.1-8B", ("method.kind=lora", "method.quantization=int8"), 8),
    "last layers": ("Llama-3.1-8B", ("method.kind=last_layers", "method.layers=8"), 16),
    "pissa": ("Llama-3.1-8B", ("method.variant=pissa",), 12),
    "unknown to the catalogue": ("gpt2", ("training.batch_size=64",), 1),
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def assessed(name: str, changes: tuple[str, ...], gib: float) -> Assessment:
    return assess(spec_of(*changes), shape_of(name), reading(), gpu_memory_bytes=int(gib * GIB))


def rung(answer: Assessment, word: str) -> StepDown:
    return next(step for step in answer.step_downs if word in step.change)


@pytest.mark.parametrize("name, changes, gib", CASES.values(), ids=CASES.keys())
def test_every_rung_needs_less_keeps_the_effective_batch_and_gives_its_number(
    name: str, changes: tuple[str, ...], gib: float
) -> None:
    answer = assessed(name, changes, gib)
    assert answer.verdict == "does_not_fit"
    assert answer.step_downs
    for step in answer.step_downs:
        assert step.overrides or step.remark
        if not step.overrides:
            continue
        changed = overrides.apply(answer.spec, step.overrides)
        assert effective_batch(changed) == effective_batch(answer.spec)
        shape = answer.shape
        if changed.model.id != answer.spec.model.id:
            shape = shape_of(str(changed.model.id))
        again = assess(changed, shape, reading(), gpu_memory_bytes=int(gib * GIB), with_step_downs=False)
        assert again.estimate.needed_bytes == step.needed_bytes < answer.estimate.needed_bytes
        assert again.verdict == step.verdict == judge(again.estimate, int(gib * GIB))


def test_the_rungs_of_the_issue_are_there() -> None:
    changes = [step.change for step in assessed("Qwen3-8B", ("method.kind=full",), 20).step_downs]
    for word in ("batch", "length", "8-bit", "paged", "LoRA", "QLoRA", "GPUs", "smaller model", "a GPU like"):
        assert any(word in change for change in changes), word
    lora = assessed("Qwen3-8B", ("training.gradient_checkpointing=false",), 14)
    assert rung(lora, "checkpointing").overrides == ("training.gradient_checkpointing=true",)
    assert rung(lora, "rank 16")
    last = assessed("Llama-3.1-8B", ("method.kind=last_layers", "method.layers=8"), 22)
    assert rung(last, "last 8 layers")


def test_a_rung_goes_only_as_far_as_it_must() -> None:
    changes = ("training.batch_size=8", "data.max_length=4096")
    whole = assessed("Llama-3.1-8B", changes, 200).estimate.needed_bytes / GIB
    small = assessed("Llama-3.1-8B", (*changes, "training.batch_size=1"), 200).estimate.needed_bytes / GIB
    answer = assessed("Llama-3.1-8B", changes, (whole + small) / 2)
    batch, length = rung(answer, "batch 8"), rung(answer, "length 4096")
    assert batch.verdict == length.verdict == "fits"
    assert "training.batch_size=1" not in batch.overrides
    (change,) = length.overrides
    longest = int(change.partition("=")[2])
    assert longest % 64 == 0
    one_more = (*changes, f"data.max_length={longest + 64}")
    assert assessed("Llama-3.1-8B", one_more, (whole + small) / 2).verdict != "fits"


def test_where_no_single_change_does_some_together_may() -> None:
    many = ("training.batch_size=16", "data.max_length=4096", "training.gradient_checkpointing=false")
    both = (*many, "method.kind=qlora", "training.batch_size=1", "training.gradient_checkpointing=true")
    least = assessed("Llama-3.1-8B", both, 200).estimate.needed_bytes / GIB
    answer = assessed("Llama-3.1-8B", many, least / 0.97)
    step = answer.step_downs[-1]
    assert step.verdict == "fits"
    assert "batch 1 + gradient checkpointing" in step.change
    assert not [one for one in answer.step_downs[:-1] if one.overrides and one.verdict == "fits"]


def test_a_smaller_sibling_is_the_largest_that_fits() -> None:
    answer = assessed("Qwen3-32B", (), 40)
    step = rung(answer, "smaller model")
    assert step.verdict == "fits"
    assert "Qwen3-14B" in step.change


def test_the_cheapest_gpu_cannot_be_applied_but_fits() -> None:
    answer = assessed("Qwen3-8B", (), 10)
    step = rung(answer, "a GPU like")
    assert step.overrides == ()
    assert step.needed_bytes == answer.estimate.needed_bytes
    assert step.verdict == "fits"
    assert "24 GB" in step.change


def test_more_gpus_are_judged_by_the_fullest_of_them() -> None:
    shape, spec = shape_of("Qwen3-8B"), spec_of("method.kind=full", "training.batch_size=8")
    seats = reading(gpu(0, free=70, total=80), gpu(1, free=10, total=80))
    answer = assess(spec, shape, seats)
    step = rung(answer, "GPUs")
    assert step.overrides == ()
    assert step.remark


def test_what_cannot_be_made_smaller_has_no_rung_for_it() -> None:
    answer = assessed("Llama-3.1-8B", ("method.kind=qlora", "training.batch_size=1", "method.rank=4"), 2)
    kinds = {step.kind for step in answer.step_downs}
    assert not kinds & {"batch", "qlora", "checkpointing", "rank", "together"}


def test_what_fits_or_cannot_be_judged_needs_no_ladder() -> None:
    assert assessed("Qwen3-8B", (), 80).step_downs == ()
    assert assess(spec_of(), shape_of("Qwen3-8B"), reading()).step_downs == ()

"""Steps, tokens and time of a run: counted as the trainer counts, and said to rest on what they rest on."""

from __future__ import annotations

import math
from typing import Any

import pytest
from checked_data import DATA, findings

from tui_ft.data.findings import Lengths
from tui_ft.guide.pace import Measured, Pace, active_parameters, flops_per_token, pace
from tui_ft.guide.peak_flops import peak_flops
from tui_ft.guide.volume import key_of, mean_tokens, share_longer, volume
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import DataSection, DataSource, ModelSection, RunSpec
from tui_ft.vram.find_model import find_shape


def spec_of(*changes: str, model: str = "Qwen/Qwen3-8B") -> RunSpec:
    spec = RunSpec(model=ModelSection(id=model), data=DataSection(train=DATA))
    return overrides.apply(spec, changes)


def time_of(spec: RunSpec, gpu: str | None = "NVIDIA H200", **more: Any) -> Pace:
    shape = find_shape(spec.model.id or "")
    return pace(spec, volume(spec, {DATA: findings()}), shape=shape, gpu=gpu, **more)


def test_steps_are_counted_as_the_trainer_counts_them() -> None:
    spec = spec_of("training.batch_size=4", "training.gradient_accumulation=4", "training.epochs=3")
    amount = volume(spec, {DATA: findings()})
    assert (amount.rows, amount.held_out_rows) == (950, 50)
    assert amount.steps_per_epoch == math.ceil(math.ceil(950 / 4) / 4) == 60
    assert amount.steps == 180
    assert amount.rows_seen(16) == 3 * 950, "the last step of an epoch is short"
    assert volume(overrides.apply(spec, ["training.max_steps=7"]), {DATA: findings()}).steps == 7


def test_a_limit_of_rows_and_a_set_of_its_own_for_evaluation_count() -> None:
    small = volume(spec_of("data.limit=20"), {DATA: findings()})
    assert (small.rows, small.held_out_rows, small.steps_per_epoch) == (20, 20, 2)
    large = volume(spec_of("data.limit=5000"), {DATA: findings(usable_rows=1_000_000)})
    assert (large.rows, large.held_out_rows) == (5000, 1000), "a twentieth of the 20,000 rows that are read"
    other = volume(spec_of("data.eval=/data/eval.jsonl"), {DATA: findings()})
    assert (other.rows, other.held_out_rows) == (1000, None)
    both = {DATA: findings(), "/data/eval.jsonl": findings(usable_rows=70)}
    assert volume(spec_of("data.eval=/data/eval.jsonl"), both).held_out_rows == 70


def test_weights_of_several_sources_count_and_one_unchecked_makes_all_unknown() -> None:
    spec = RunSpec(
        model=ModelSection(id="demo"),
        data=DataSection(
            train=[DataSource(path=DATA, weight=2.0), DataSource(path="/data/b.jsonl", weight=0.5)],
            eval_fraction=0.0,
        ),
    )
    both = {DATA: findings(), "/data/b.jsonl": findings(path="/data/b.jsonl")}
    assert volume(spec, both).rows == 2500
    unknown = volume(spec, {DATA: findings()})
    assert unknown.rows is None and unknown.steps is None


@pytest.mark.parametrize(("length", "mean"), [(1024, 200.0), (100, 100.0), (150, 125.0)])
def test_rows_are_cut_at_the_length(length: int, mean: float) -> None:
    assert mean_tokens(findings(), length) == pytest.approx(mean)


@pytest.mark.parametrize(("length", "share"), [(400, 0.0), (300, 0.25), (200, 0.5), (100, 0.75), (8, 0.98)])
def test_the_share_of_longer_rows_is_known(length: int, share: float) -> None:
    assert share_longer(spec_of(), {DATA: findings()}, length) == pytest.approx(share, abs=0.01)
    assert share_longer(spec_of(), {}, length) is None


def test_a_batch_is_padded_to_its_longest_row() -> None:
    assert mean_tokens(findings(), 1024, 2) == pytest.approx(0.25 * 100 + 0.75 * 300)
    assert mean_tokens(findings(), 1024, 64) == pytest.approx(300)
    packed = volume(spec_of("data.packing=true"), {DATA: findings()})
    assert packed.padded_tokens == packed.row_tokens == 200
    assert packed.steps_per_epoch == math.ceil(math.ceil(math.ceil(950 * 200 / 1024) / 4) / 4)


def test_characters_are_a_guess_and_said_to_be_one() -> None:
    lengths = Lengths(
        unit="characters", p50=800, p95=800, p99=800, max=800, mean=800.0, histogram=[(1000, 9)]
    )
    amount = volume(spec_of(), {DATA: findings(lengths=lengths, tokens=None)})
    assert amount.counted == "characters" and amount.row_tokens == pytest.approx(200)
    assert amount.longest_row is None, "no memory is computed from a guess"


def test_data_is_known_by_its_absolute_path() -> None:
    assert key_of("demo").endswith("data.jsonl") and key_of("./x.jsonl").startswith("/")
    assert key_of("org/name") == "org/name"


def test_the_formula_is_that_of_the_facts() -> None:
    shape = find_shape("Qwen/Qwen3-8B")
    weights = active_parameters(shape)
    assert weights == pytest.approx(7.57e9, rel=0.01), "without the embedding, whose rows are looked up"
    assert flops_per_token(spec_of("training.gradient_checkpointing=false"), shape) == 4 * weights
    assert flops_per_token(spec_of(), shape) == 6 * weights
    assert flops_per_token(spec_of("method.kind=full"), shape) == 8 * weights
    last = flops_per_token(spec_of("method.kind=last_layers", "method.layers=2"), shape)
    assert 2 * weights < last < 3 * weights


def test_of_a_mixture_only_the_experts_that_are_asked_compute() -> None:
    assert active_parameters(find_shape("Qwen/Qwen3-30B-A3B")) == pytest.approx(3.1e9, rel=0.08)


def test_time_follows_the_formula_and_says_so() -> None:
    time = time_of(spec_of("data.eval_fraction=0", "training.epochs=1"))
    assert time.basis == "formula" and time.tokens == 200_000
    assert time.low_s is not None and time.high_s is not None
    flops = 6 * 7.57e9 * 1000 * (0.0625 * 100 + 0.9375 * 300)  # four rows to a batch: 300 in 15 of 16
    assert 0.9 < time.low_s / (flops / (989e12 * 0.45)) < 1.6
    assert time.high_s > 1.5 * time.low_s
    assert "989 TFLOP/s" in time.text
    packed = time_of(spec_of("data.eval_fraction=0", "training.epochs=1", "data.packing=true"))
    assert packed.high_s is not None and packed.high_s < time.high_s


def test_a_small_model_is_not_said_to_be_faster_than_its_kernels_start() -> None:
    time = time_of(
        spec_of("data.eval_fraction=0", "training.epochs=1", "training.batch_size=1", model="demo")
    )
    shape = find_shape("demo")
    assert time.low_s is not None and time.low_s >= 1000 * shape.layers * 3 * 0.3e-3


def test_a_measured_run_goes_before_the_formula() -> None:
    measured = Measured(run="20261121-demo-abcd", tokens_per_s=1000.0, steps=50, gpu="", is_same=True)
    time = time_of(spec_of("data.eval_fraction=0", "training.epochs=1"), None, measured=measured)
    assert time.basis == "measured" and "20261121-demo-abcd" in time.text
    assert time.low_s is not None and time.high_s is not None
    assert time.low_s < 200.0 < time.high_s < 240.0
    other = Measured(run="20261121-demo-abcd", tokens_per_s=1000.0, steps=50, gpu="", is_same=False)
    wide = time_of(spec_of("data.eval_fraction=0", "training.epochs=1"), None, measured=other)
    assert wide.high_s is not None and wide.high_s > time.high_s and "other settings" in wide.text


@pytest.mark.parametrize(
    ("gpu", "changes", "why"),
    [
        (None, (), "no GPU"),
        ("NVIDIA Quadro P400", (), "no peak is known for NVIDIA Quadro P400"),
        ("NVIDIA H200", ("training.precision=fp32",), "no peak is known for NVIDIA H200 in float32"),
    ],
)
def test_what_is_not_known_is_none_with_its_reason(
    gpu: str | None, changes: tuple[str, ...], why: str
) -> None:
    time = time_of(spec_of(*changes), gpu)
    assert time.low_s is None and time.high_s is None and time.tokens is not None
    assert why in time.text


def test_without_findings_only_given_steps_are_known() -> None:
    blind = pace(spec_of("training.max_steps=40"), volume(spec_of("training.max_steps=40"), {}))
    assert blind.volume.steps == 40 and blind.tokens is None and blind.low_s is None
    assert "not checked" in blind.text


def test_evaluations_take_time_too() -> None:
    without = time_of(spec_of("data.eval_fraction=0.0001"))
    often = time_of(spec_of("evaluation.every_steps=1", "data.eval_fraction=0.2"))
    assert without.high_s is not None and often.high_s is not None and often.high_s > 2.5 * without.high_s


@pytest.mark.parametrize(
    ("name", "dtype", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989e12),
        ("NVIDIA H100 PCIe", "bfloat16", 756e12),
        ("NVIDIA A100-SXM4-80GB", "float16", 312e12),
        ("Tesla T4", "bfloat16", None),
        ("Tesla T4", "float16", 65e12),
        ("NVIDIA GeForce RTX 4090", "bfloat16", 165.2e12),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bfloat16", None),
        ("NVIDIA L40S", "bfloat16", 362e12),
        ("NVIDIA H200", "float32", None),
    ],
)  # fmt: skip
def test_peaks_are_found_by_the_driver_s_name(name: str, dtype: Any, peak: float | None) -> None:
    assert peak_flops(name, dtype) == peak


def test_the_evaluations_of_a_measured_run_count_for_more_where_few_of_many_layers_move() -> None:
    measured = Measured(run="r", tokens_per_s=1000.0, steps=20, gpu="", is_same=True)
    spec = spec_of("method.kind=last_layers", "method.layers=2")
    amount = volume(spec, {DATA: findings()})
    few, many = (
        pace(spec, amount, shape=find_shape(name), measured=measured) for name in ("demo", "Qwen/Qwen3-8B")
    )
    assert few.tokens == many.tokens
    assert (few.low_s or 0) < (many.low_s or 0), "a pass forward is a larger share of a step there"

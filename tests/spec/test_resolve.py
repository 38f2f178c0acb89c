"""What unset fields mean, what runs, and how a spec is named."""

from __future__ import annotations

from typing import get_args

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import display
from tui_ft.spec.resolve import resolve, resolved_learning_rate
from tui_ft.spec.run_spec import (
    EvaluationSection,
    HardwareSection,
    MethodKind,
    MethodSection,
    ModelSection,
    ObjectiveKind,
    ObjectiveSection,
    RunSpec,
    TrackingSection,
    TrainingSection,
)
from tui_ft.spec.support import SUPPORT, require_runnable, support


def spec(**method: object) -> RunSpec:
    return RunSpec(model=ModelSection(id="demo"), method=MethodSection(**method))  # type: ignore[arg-type]


def test_lora_defaults_to_rank_16_with_twice_the_alpha_on_every_linear_layer() -> None:
    method = resolve(spec()).method
    assert (method.rank, method.alpha, method.dropout, method.targets) == (16, 32, 0.0, "all-linear")
    assert (method.layers, method.virtual_tokens, method.double_quantization) == (None, None, None)


def test_alpha_keeps_its_ratio_when_only_the_rank_is_set() -> None:
    assert resolve(spec(rank=64)).method.alpha == 128
    assert resolve(spec(rank=64, alpha=16)).method.alpha == 16


def test_double_quantization_is_on_where_it_means_something() -> None:
    assert resolve(spec(quantization="nf4")).method.double_quantization is True
    assert resolve(spec(quantization="nf4", double_quantization=False)).method.double_quantization is False
    assert resolve(spec(quantization="int8")).method.double_quantization is None


@pytest.mark.parametrize(
    ("kind", "rate", "decay"), [("lora", 2e-4, 0.0), ("full", 2e-5, 0.01), ("last_layers", 2e-5, 0.0)]
)
def test_learning_rate_and_weight_decay_go_by_the_method(kind: str, rate: float, decay: float) -> None:
    training = resolve(spec(kind=kind)).training
    assert (training.learning_rate, training.weight_decay) == (rate, decay)


def test_the_objective_has_the_first_word_on_the_learning_rate_and_the_spec_the_last() -> None:
    dpo = RunSpec(objective=ObjectiveSection(kind="dpo"))
    assert resolved_learning_rate(dpo) == 5e-6
    assert resolve(dpo).objective.beta == 0.1
    assert resolved_learning_rate(RunSpec(training=TrainingSection(learning_rate=1e-3))) == 1e-3


def test_the_time_between_checkpoints_is_left_open_to_be_learnt() -> None:
    assert resolve(spec()).checkpoints.every_minutes is None


def test_resolving_twice_changes_nothing_more() -> None:
    once = resolve(spec(quantization="nf4"))
    assert resolve(once) == once


def test_every_method_has_a_verdict_with_every_objective_and_a_reason_unless_it_runs() -> None:
    assert len(SUPPORT) == len(get_args(MethodKind)) * len(get_args(ObjectiveKind))
    assert {pair for pair, verdict in SUPPORT.items() if verdict.state == "runs"} == {
        ("full", "sft"),
        ("last_layers", "sft"),
        ("lora", "sft"),
    }
    assert all(bool(verdict.reason) == (verdict.state != "runs") for verdict in SUPPORT.values())


@pytest.mark.parametrize(
    "runnable",
    [
        spec(),
        spec(kind="full"),
        spec(kind="last_layers"),
        spec(quantization="nf4"),
        spec(variant="dora"),
        RunSpec(hardware=HardwareSection(gpus=1)),
        RunSpec(hardware=HardwareSection(gpus=["GPU-1"])),
    ],
)
def test_what_runs_is_let_through(runnable: RunSpec) -> None:
    require_runnable(runnable)
    assert support(runnable).state == "runs"


@pytest.mark.parametrize(
    ("refused", "word"),
    [
        (spec(kind="ia3"), "ia3"),
        (RunSpec(objective=ObjectiveSection(kind="dpo")), "dpo"),
        (
            RunSpec(method=MethodSection(kind="prompt"), objective=ObjectiveSection(kind="grpo")),
            "soft prompt",
        ),
        (RunSpec(model=ModelSection(id="x", adapter="y")), "model.adapter"),
        (RunSpec(hardware=HardwareSection(gpus=2)), "hardware.gpus"),
        (RunSpec(hardware=HardwareSection(gpus=[0, 1])), "hardware.gpus"),
        (RunSpec(hardware=HardwareSection(strategy="fsdp")), "hardware.strategy"),
        (RunSpec(hardware=HardwareSection(nodes=2)), "hardware.nodes"),
        (RunSpec(hardware=HardwareSection(rendezvous="h:1")), "hardware.rendezvous"),
        (RunSpec(evaluation=EvaluationSection(metrics=["rouge"])), "evaluation.metrics"),
        (RunSpec(tracking=TrackingSection(report_to=["wandb"])), "tracking.report_to"),
    ],
)
def test_what_does_not_run_is_refused_with_reason_and_remedy(refused: RunSpec, word: str) -> None:
    assert support(refused).state != "runs"
    with pytest.raises(TuiFtError) as caught:
        require_runnable(refused)
    assert word in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("method", "label"),
    [
        ({}, "LoRA r16"),
        ({"rank": 8, "quantization": "nf4"}, "QLoRA r8"),
        ({"quantization": "int8"}, "QLoRA r16"),
        ({"variant": "dora"}, "DoRA r16"),
        ({"kind": "full"}, "Full"),
        ({"kind": "last_layers"}, "Last 2 layers"),
        ({"kind": "last_layers", "layers": 1}, "Last layer"),
        ({"kind": "prompt"}, "Prompt 20"),
        ({"kind": "ia3"}, "IA3"),
    ],
)
def test_methods_are_called_by_the_names_that_people_use(method: dict[str, object], label: str) -> None:
    assert display.method_label(spec(**method)) == label


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("Qwen/Qwen3-8B", "Qwen3-8B"),
        ("/models/mine/", "mine"),
        ("demo", "demo"),
        ("a\x1b[31m", "a·[31m"),
        (None, "–"),
    ],
)
def test_a_model_is_called_by_its_own_name(model: str | None, label: str) -> None:
    assert display.model_label(RunSpec(model=ModelSection(id=model))) == label


def test_the_effective_batch_counts_accumulation_and_devices() -> None:
    assert display.effective_batch(spec()) == 16
    assert display.effective_batch(spec(), devices=2) == 32

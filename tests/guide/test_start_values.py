"""The settings with which a recommended run starts, and what this version cannot start."""

from __future__ import annotations

import pytest
from guide_asking import (
    EXPERTS,
    LLAMA_8B,
    advice,
    rules_of,
)

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import (
    DataSection,
    EvaluationSection,
    MethodSection,
    ModelSection,
    ObjectiveSection,
    RunSpec,
    TrainingSection,
)


def test_few_rows_get_a_guard() -> None:
    spec = advice("sft", 300, 24).plan.spec
    assert (spec.method.rank, spec.method.dropout, spec.evaluation.every_epochs) == (8, 0.05, 0.25)
    assert spec.training.epochs <= 3
    assert "G4" not in rules_of(advice("sft", 1000, 24))


def test_few_rows_leave_an_evaluation_every_so_many_steps_as_it_is() -> None:
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), evaluation=EvaluationSection(every_steps=40))
    chosen = advice("sft", 300, 24, spec=spec).plan.spec
    assert (chosen.evaluation.every_steps, chosen.evaluation.every_epochs) == (40, None)
    assert chosen.method.rank == 8


def test_beside_fused_experts_the_guard_has_no_dropout() -> None:
    answer = advice("sft", 300, 200, EXPERTS)
    assert (answer.plan.spec.method.rank, answer.plan.spec.method.dropout) == (8, None)
    assert "no dropout" in next(reason.more for reason in answer.reasons if reason.rule == "G4")


def test_passes_over_the_data_follow_its_size() -> None:
    epochs = [advice("sft", rows, 24).plan.spec.training.epochs for rows in (5000, 10_000, 100_000)]
    assert epochs == [3, 2, 1]


def test_steps_that_the_user_set_stay() -> None:
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), training=TrainingSection(max_steps=50))
    assert advice("sft", 200_000, 24, spec=spec).plan.spec.training == spec.training


def test_the_method_that_the_user_has_keeps_its_settings() -> None:
    method, training = MethodSection(rank=32), TrainingSection(learning_rate=3e-4)
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), method=method, training=training)
    kept, changed = advice("sft", None, 40, spec=spec), advice("sft", None, 12, spec=spec)
    assert (kept.plan.spec.method.rank, kept.plan.spec.training.learning_rate) == (32, 3e-4)
    assert (changed.method, changed.plan.spec.method.rank) == ("qlora", 32)
    assert changed.plan.spec.training.learning_rate is None


def test_an_objective_of_the_spec_gives_way_to_the_goal() -> None:
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), objective=ObjectiveSection(kind="dpo", beta=0.3))
    answer = advice("sft", 5000, 24, spec=spec)
    assert (answer.objective, answer.plan.spec.objective.beta) == ("sft", None)


def test_what_this_version_cannot_start_says_so_and_names_what_it_can() -> None:
    answer = advice("preference", 5000, 24)
    assert not answer.is_runnable
    assert "dpo" in answer.why_not
    best = answer.next_best
    assert best is not None
    assert best.plan is not None
    assert (best.plan.method, best.plan.objective, best.verdict) == ("lora", "sft", "fits")
    assert best.is_runnable


def test_a_model_that_no_method_suits_is_an_error() -> None:
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), data=DataSection(max_length=10**6))
    with pytest.raises(TuiFtError, match="at most"):
        advice("sft", 5000, 24, spec=spec)

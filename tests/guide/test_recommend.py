"""The rules, one by one: what each answers, in which case, with which start values."""

from __future__ import annotations

from guide_asking import (
    EXPERTS,
    GIB,
    LLAMA_8B,
    LLAMA_70B,
    SMALL,
    advice,
    needed_gib,
    question,
    rules_of,
    shared_price,
)

from tui_ft.guide.recommend import recommend
from tui_ft.spec.resolve import resolve, resolved_learning_rate
from tui_ft.spec.run_spec import (
    DataSection,
    ModelSection,
    RunSpec,
    TrainingSection,
)

MUCH = 200.0
JUST = 1.03  # as much more as `fits` asks for, and a bit


def test_preference_pairs_are_for_dpo_with_lora() -> None:
    answer = advice("preference", free_gib=MUCH)
    assert (answer.method, answer.objective) == ("lora", "dpo")
    assert "R1" in rules_of(answer)
    spec = resolve(answer.plan.spec)
    assert (spec.objective.beta, spec.training.learning_rate, spec.training.epochs) == (0.1, 5e-6, 1)
    assert 16 <= spec.training.batch_size * spec.training.gradient_accumulation <= 32


def test_pairs_do_not_make_it_full_even_with_much_data_and_memory() -> None:
    assert advice("preference", 500_000, MUCH, SMALL).method == "lora"


def test_thumbs_are_for_kto() -> None:
    answer = advice("kto", free_gib=MUCH)
    assert (answer.method, answer.objective, resolved_learning_rate(answer.plan.spec)) == (
        "lora",
        "kto",
        5e-6,
    )


def test_a_computable_reward_is_for_grpo_with_a_small_rank() -> None:
    answer = advice("rl", free_gib=MUCH)
    assert (answer.method, answer.objective) == ("lora", "grpo")
    spec = resolve(answer.plan.spec)
    assert spec.method.rank is not None
    assert spec.method.rank <= 32
    assert spec.training.learning_rate == 1e-5
    assert "8 answers" in " ".join(reason.more for reason in answer.reasons)


def test_a_small_fast_model_is_distilled_as_a_whole_if_it_fits() -> None:
    small, large = advice("distil", 5000, 24, SMALL), advice("low-latency", 5000, 24)
    assert (small.method, small.objective, resolved_learning_rate(small.plan.spec)) == (
        "full",
        "distill",
        2e-5,
    )
    assert (large.method, large.objective, resolved_learning_rate(large.plan.spec)) == (
        "lora",
        "distill",
        2e-4,
    )
    assert "R3" in rules_of(small)
    assert "R3" in rules_of(large)


def test_much_data_is_for_full_where_it_fits() -> None:
    answer = advice("sft", 100_000, 80, SMALL)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("full", "R4", "fits")
    spec = resolve(answer.plan.spec)
    assert (spec.training.learning_rate, spec.training.weight_decay) == (2e-5, 0.01)
    assert spec.training.epochs <= 2
    assert advice("sft", 99_999, 80, SMALL).method == "lora"
    assert advice("sft", 100_000, 80, LLAMA_8B).method == "lora"


def test_full_from_7b_on_starts_with_half_the_learning_rate() -> None:
    assert resolved_learning_rate(advice("sft", 200_000, MUCH).plan.spec) == 1e-5


def test_full_may_take_fewer_rows_at_a_time_for_the_same_effective_batch() -> None:
    long = ("method.kind=full", "data.max_length=8192")
    two, four = (needed_gib(SMALL, *long, f"training.batch_size={size}") for size in (2, 4))
    spec = RunSpec(model=ModelSection(id=SMALL), data=DataSection(max_length=8192))
    answer = advice("sft", 200_000, (two + four) / 2 / 0.98, SMALL, spec=spec)
    training = answer.plan.spec.training
    assert answer.method == "full"
    assert training.batch_size < 4
    assert training.batch_size * training.gradient_accumulation == 16


def test_raw_text_is_for_full_else_for_a_high_rank() -> None:
    whole, part = advice("continue", None, MUCH), advice("continue", None, 40)
    assert (whole.method, whole.reasons[0].rule) == ("full", "R4")
    assert part.method == "lora"
    assert "R4" in rules_of(part)
    assert (part.plan.spec.method.rank, part.plan.spec.method.variant) == (64, "rslora")
    assert part.plan.spec.data.train_on == "all"


def test_lora_in_16_bit_where_it_fits() -> None:
    answer = advice("sft", 5000, needed_gib(LLAMA_8B) * JUST)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("lora", "R5", "fits")
    spec = resolve(answer.plan.spec)
    assert (spec.method.rank, spec.method.alpha, spec.method.targets) == (16, 32, "all-linear")
    assert (spec.training.learning_rate, spec.training.epochs) == (2e-4, 3)


def test_tight_lora_takes_fewer_rows_at_a_time_and_keeps_the_effective_batch() -> None:
    answer = advice("sft", 5000, needed_gib(LLAMA_8B) * 1.0)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("lora", "R6", "fits")
    training = answer.plan.spec.training
    assert training.batch_size < 4
    assert training.batch_size * training.gradient_accumulation == 16


def test_tight_lora_of_one_row_takes_an_8_bit_optimizer_or_shorter_rows() -> None:
    training = TrainingSection(batch_size=1, gradient_accumulation=16)
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), data=DataSection(max_length=4096), training=training)
    needed = advice("sft", 5000, None, spec=spec).plan.needed_bytes / GIB
    answer = advice("sft", 5000, needed * 1.0, spec=spec)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("lora", "R6", "fits")
    assert answer.plan.spec.training.optimizer == "adamw_bnb_8bit"


def test_qlora_where_lora_does_not_fit() -> None:
    answer = advice("sft", 5000, 12)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("qlora", "R7", "fits")
    assert resolve(answer.plan.spec).method.double_quantization is True
    assert answer.plan.spec.method.quantization == "nf4"


def test_experts_that_stay_in_16_bit_make_qlora_a_last_resort() -> None:
    answer = advice("sft", 5000, 200, EXPERTS)
    held = {name: plan.estimate.parts.weights for name, plan in answer.plans.items()}
    assert held["qlora"] > 0.9 * held["lora"]
    assert (answer.method, answer.reasons[0].rule) == ("lora", "R5")
    assert advice("sft", 5000, 24, EXPERTS).reasons[0].rule == "R9"


def test_several_gpus_share_what_none_holds_alone_the_fewest_that_do() -> None:
    asked = question("sft", 5000, 24, LLAMA_70B, further_free_bytes=(24 * GIB,) * 7)
    answer = recommend(asked, price=shared_price)
    assert (answer.method, answer.reasons[0].rule, answer.verdict) == ("qlora", "R8", "fits")
    least = needed_gib(LLAMA_70B, "method.kind=qlora", "training.batch_size=1")
    assert 0.98 * (24 + 0.85 * 24 * (answer.plan.gpus - 1)) >= least
    half = answer.plan.gpus // 2  # three do not divide the effective batch
    assert 0.98 * (24 + 0.85 * 24 * (half - 1)) < least
    assert answer.plan.spec.hardware.strategy == "fsdp"
    assert "NVLink" in answer.reasons[0].more
    assert not answer.is_runnable
    assert answer.next_best is not None
    assert answer.next_best.plan is not None
    assert answer.next_best.plan.spec.model.id == "meta-llama/Llama-3.1-8B"


def test_one_gpu_is_enough_where_it_holds_it() -> None:
    asked = question("sft", 5000, 80, LLAMA_70B, further_free_bytes=(80 * GIB,) * 7)
    assert recommend(asked, price=shared_price).plan.gpus == 1


def test_where_nothing_fits_a_smaller_model_and_a_larger_gpu_are_named() -> None:
    answer = advice("sft", 5000, 24, LLAMA_70B)
    assert (answer.reasons[0].rule, answer.verdict) == ("R9", "does_not_fit")
    assert answer.plan.spec.training.batch_size == 1
    smaller, larger = answer.alternatives[:2]
    assert "Llama-3.1-8B" in smaller.title
    assert smaller.verdict == "fits"
    assert "48 GB" in larger.title


def test_many_tasks_get_a_small_adapter_each() -> None:
    answer = advice("many-tasks", 500_000, MUCH, SMALL)
    assert (answer.method, answer.plan.spec.method.rank) == ("lora", 8)
    assert "R10" in rules_of(answer)


def test_a_quick_trial_is_prompt_tuning() -> None:
    answer = advice("sft,quick-trial", 300, 24)
    assert (answer.method, answer.reasons[0].rule) == ("prompt", "R11")
    spec = resolve(answer.plan.spec)
    assert spec.method.virtual_tokens is not None
    assert 8 <= spec.method.virtual_tokens <= 20
    assert 1e-2 <= resolved_learning_rate(spec) <= 3e-2
    assert advice("sft,quick-trial", 500, 24).method == "lora"
    assert advice("rl,quick-trial", 300, 24).method == "lora"


def test_skills_that_must_stay_get_replay_and_half_the_learning_rate() -> None:
    answer = advice("keep-skills", 500_000, MUCH, SMALL)
    assert (answer.method, resolved_learning_rate(answer.plan.spec)) == ("lora", 1e-4)
    assert "5 to 20 %" in next(reason.text for reason in answer.reasons if reason.rule == "R12")


def test_old_gpus_compute_in_fp16_without_flash_attention() -> None:
    answer = advice("sft", 5000, 15, capability=(7, 5))
    assert (answer.plan.spec.training.precision, answer.plan.spec.model.attention) == ("fp16", "sdpa")
    assert "R13" not in rules_of(advice("sft", 5000, 15, capability=(8, 0)))


def test_int4_that_loses_too_much_is_for_qat_where_all_weights_fit() -> None:
    answer = advice("deploy-int4", 5000, MUCH)
    assert (answer.method, answer.reasons[0].rule) == ("qat", "R14")
    assert "not built in" in answer.why_not
    assert answer.next_best is not None
    assert answer.next_best.plan is not None
    assert answer.next_best.plan.method == "lora"
    small = advice("deploy-int4", 5000, 24)
    assert small.method == "lora"
    assert "R14" in rules_of(small)


def test_hard_tasks_get_a_higher_rank() -> None:
    assert advice("complex", 5000, 80).plan.spec.method.rank == 64


def test_without_a_gpu_the_needs_are_told_and_nothing_is_promised() -> None:
    answer = advice("sft", 200_000, None, SMALL)
    assert (answer.method, answer.verdict, answer.reasons[0].rule) == ("lora", "unknown", "R5")
    assert set(answer.reasons[0].numbers) == {"lora", "qlora", "full"}


def test_checkpoints_come_before_a_smaller_model_where_they_are_off() -> None:
    training = TrainingSection(batch_size=8, gradient_accumulation=1, gradient_checkpointing=False)
    spec = RunSpec(model=ModelSection(id=LLAMA_8B), data=DataSection(max_length=2048), training=training)
    large, small = advice("sft", 5000, 24, spec=spec), advice("sft", 5000, 14, spec=spec)
    assert (large.method, large.reasons[0].rule, large.verdict) == ("lora", "R6", "fits")
    assert "gradient checkpointing" in large.reasons[0].text
    assert (small.method, small.reasons[0].rule, small.verdict) == ("qlora", "R7", "fits")
    assert large.plan.spec.training.gradient_checkpointing
    assert small.plan.spec.training.gradient_checkpointing
    assert advice("sft", 5000, MUCH, spec=spec).plan.spec.training.gradient_checkpointing is False

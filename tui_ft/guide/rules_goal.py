"""The rules that look at the wish and the data: which objective, and which settings."""

from __future__ import annotations

from tui_ft.guide.case import Case
from tui_ft.guide.question import FEW_ROWS, LEAST_ROWS
from tui_ft.guide.rule import Rule, always

BF16_FROM = (8, 0)
"""The first compute capability with bf16 and FlashAttention-2."""

HIGH_RANK = ("method.rank=64", "method.variant=rslora")


def wants_adapter(case: Case) -> bool:
    """The wish itself asks for an adapter, however many rows there are."""
    return case.question.wants("preference", "thumbs", "rl", "many-tasks", "keep-skills")


def _is_few(case: Case) -> bool:
    rows = case.question.rows
    return rows is not None and LEAST_ROWS <= rows < FEW_ROWS


def _is_old_gpu(case: Case) -> bool:
    found = case.question.capability
    return found is not None and found < BF16_FROM


def _continues_without_full(case: Case) -> bool:
    return case.question.wants("continue") and not can_take_all(case) and not _is_few(case)


def can_take_all(case: Case) -> bool:
    """Full fine-tuning fits, if need be with fewer rows at a time, or nothing is known that forbids it."""
    return case.best("full") is not None


OBJECTIVE_RULES: tuple[Rule, ...] = (
    Rule(
        id="R1",
        decides="objective",
        condition="goal = preference, pairs of answers",
        outcome="DPO + LoRA",
        objective="dpo",
        holds=lambda case: case.question.wants("preference"),
        start=("training.epochs=1",),
        reason="Pairs of a better and a worse answer are what DPO learns from, after an SFT model.",
        more="Learning rate 5e-6, beta 0.1 (0.01 to 0.05 is bolder, 0.3 to 0.5 more cautious), one epoch, "
        "effective batch 16 to 32. The base without its adapter is the reference: no second copy is held. "
        "ORPO, which does without the SFT stage, is experimental.",
        source="TRL, PEFT integration; alignment-handbook; LLaMA-Factory",
        instead="SFT on the better answers: DPO wants to start from such a model anyway.",
    ),
    Rule(
        id="R1",
        decides="objective",
        condition="goal = preference, but single answers marked good or bad",
        outcome="KTO + LoRA",
        objective="kto",
        holds=lambda case: case.question.wants("thumbs"),
        start=("training.epochs=1",),
        reason="Answers marked good or bad one by one are what KTO learns from; it needs no pairs.",
        more="Keep good and bad ones in balance. Learning rate 5e-6, beta 0.1, one epoch.",
        source="axolotl, choosing a method; TRL",
        instead="SFT on the answers marked good.",
    ),
    Rule(
        id="R2",
        decides="objective",
        condition="goal = RL: a reward can be computed",
        outcome="GRPO or RLOO + LoRA of rank 1 to 32",
        objective="grpo",
        holds=lambda case: case.question.wants("rl"),
        reason="An answer that can be scored (tests, exact result) is what GRPO learns from.",
        more="Learning rate 1e-5, 8 answers for each prompt, rank 16: reinforcement needs little capacity. "
        "RLOO is the other choice. PPO is no longer in TRL. Watch for answers that please the score only.",
        source="LoRA Without Regret (Thinking Machines, 2025), in TRL's documentation",
        instead="SFT on answers that the model itself gave and that score well.",
    ),
    Rule(
        id="R3",
        decides="objective",
        condition="deploy = tiny or low latency",
        outcome="distil into a small student",
        objective="distill",
        holds=lambda case: case.question.wants("distil"),
        reason="A small, fast model is made by distillation: {model} is the student of a larger one.",
        more="Learning rate 2e-5 full or 2e-4 LoRA. Matching the teacher's distribution needs the same "
        "vocabulary; learning from its texts does not.",
        source="comprehensive guide §8.3 and §10",
        instead="SFT on answers that the teacher wrote: distillation by text.",
    ),
    Rule(
        id="G7",
        decides="objective",
        condition="raw text of a new domain or language",
        outcome="continued pre-training",
        objective="sft",
        holds=lambda case: case.question.wants("continue"),
        start=("data.train_on=all",),
        reason="Raw text is learnt word by word: continued pre-training, the loss sees every token.",
        more="It is the dearest way to teach. Afterwards SFT has to teach the model to answer again.",
        source="student notes: when to use what",
    ),
    Rule(
        id="G6",
        decides="objective",
        condition="format, tone, terms, shorter prompts, accuracy on a task, new behaviour",
        outcome="SFT",
        objective="sft",
        holds=always,
        reason="Form, terms, tasks and behaviour are learnt from examples: supervised fine-tuning.",
        source="student notes: when to use what",
    ),
)

SETTINGS_RULES: tuple[Rule, ...] = (
    Rule(
        id="G4",
        decides="settings",
        condition="100 to 1 000 examples",
        outcome="go on with a guard against overfitting",
        holds=lambda case: _is_few(case) and not case.adapts_experts(),
        start=("method.rank=8", "method.dropout=0.05", "evaluation.every_epochs=0.25"),
        reason="{rows} rows are few: rank 8, dropout 0.05, at most 3 epochs, four evaluations an epoch.",
        more="Stop when the evaluation loss rises.",
        source="student notes; the guard's values are ours",
    ),
    Rule(
        id="G4",
        decides="settings",
        condition="100 to 1 000 examples, and LoRA goes beside fused experts, too",
        outcome="the same guard without dropout",
        holds=lambda case: _is_few(case) and case.adapts_experts(),
        start=("method.rank=8", "evaluation.every_epochs=0.25"),
        reason="{rows} rows are few: rank 8, at most 3 epochs, four evaluations an epoch.",
        more="Beside fused experts PEFT takes no dropout. Stop when the evaluation loss rises.",
        source="student notes; the guard's values are ours",
    ),
    Rule(
        id="R4",
        decides="settings",
        condition="continued pre-training, at least 1 000 rows, and full does not fit",
        outcome="an adapter of high rank",
        holds=_continues_without_full,
        start=HIGH_RANK,
        reason="Continued pre-training wants all weights ({full}) or a high rank: rank 64 with rsLoRA.",
        more="New language or knowledge is more than a small adapter can hold; expect less than from all "
        "weights.",
        source="student notes; rsLoRA, arXiv 2312.03732",
    ),
    Rule(
        id="R10",
        decides="settings",
        condition="many tasks, one base",
        outcome="one named adapter for each task",
        holds=lambda case: case.question.wants("many-tasks"),
        start=("method.rank=8",),
        reason="Several tasks on one base: one run and one small adapter for each, rank 8 to 16.",
        more="They are swapped while the base stays loaded, and one can be replaced without the others. "
        "Named LoRA adapters do what adapter layers do.",
        source="comprehensive guide §10; methods guide",
    ),
    Rule(
        id="R12",
        decides="settings",
        condition="new data, old skills must stay",
        outcome="LoRA + 5 to 20 % replay, half the learning rate",
        holds=lambda case: case.question.wants("keep-skills"),
        learning_rate_factor=0.5,
        reason="Old skills must stay: half the learning rate, and 5 to 20 % old or general rows mixed in.",
        more="Add them as a second entry of data.train with a weight (the share is unproven advice), and "
        "ask the same general questions at each evaluation.",
        source="comprehensive guide §8.2 and §10",
    ),
    Rule(
        id="R13",
        decides="settings",
        condition="compute capability below 8.0 (V100, T4, RTX 20xx)",
        outcome="fp16, no bf16, no FlashAttention-2; watch for NaN",
        holds=_is_old_gpu,
        start=("training.precision=fp16", "model.attention=sdpa"),
        reason="Compute capability {capability} has no bf16 and no FlashAttention-2: fp16 and sdpa.",
        more="fp16 overflows more easily: a loss of NaN means a lower learning rate, or fp32.",
        source="databrickslabs/dolly#11, lm-sys/FastChat#399, unslothai/unsloth#4082",
    ),
    Rule(
        id="R14",
        decides="settings",
        condition="served in int4 or int8, and full does not fit",
        outcome="quantise afterwards, and measure",
        holds=lambda case: case.question.wants("deploy-int4") and not can_take_all(case),
        reason="Training for int4 (QAT) moves all weights ({full}): quantise afterwards, and measure.",
        more="QLoRA has seen 4-bit weights while it learnt, but its adapter is merged into 16-bit ones: "
        "that is no training for int4.",
        source="report; torchao",
    ),
    Rule(
        id="C1",
        decides="settings",
        condition="a complex task, and at least 1 000 rows",
        outcome="a higher rank; full only where R4 holds",
        holds=lambda case: case.question.wants("complex") and not _is_few(case),
        start=HIGH_RANK,
        reason="A hard task wants capacity: rank 64 with rsLoRA. All weights pay from 100,000 rows on.",
        more="Guides send complex tasks to full fine-tuning; LoRA on all linear layers reaches it until "
        "the data exceed the adapter.",
        source="report, corrected by LoRA Without Regret (2025)",
    ),
    Rule(
        id="C2",
        decides="warning",
        condition="interpretability",
        outcome="no method makes a model readable",
        holds=lambda case: case.question.wants("interpretability"),
        reason="No method makes the answers explain themselves: soft prompts are vectors, not words.",
        more="What can be read are the training rows and the answers before and after. If a prompt has to "
        "be transparent, write one.",
        source="comprehensive guide §10, corrected",
    ),
)

"""The rules that decide the method, above all by what fits into the free memory."""

from __future__ import annotations

from tui_ft.guide.case import Case
from tui_ft.guide.question import Plan
from tui_ft.guide.rule import Rule, always
from tui_ft.guide.rules_goal import can_take_all, wants_adapter

MANY_ROWS = 100_000
"""From here on the data may hold more than LoRA can (comprehensive guide; LoRA Without Regret)."""


def _tries(case: Case) -> bool:
    return case.question.is_trial and case.best("prompt") is not None


def _has_many_rows(case: Case) -> bool:
    rows = case.question.rows
    if case.is_unknown() or rows is None or rows < MANY_ROWS or wants_adapter(case):
        return False
    return can_take_all(case)


def _continues(case: Case) -> bool:
    return case.question.wants("continue") and not wants_adapter(case) and can_take_all(case)


def _distils(case: Case) -> bool:
    return (
        case.question.wants("distil")
        and not wants_adapter(case)
        and not case.is_unknown()
        and can_take_all(case)
    )


def _loses_by_quantising(case: Case) -> bool:
    return case.question.wants("deploy-int4") and not wants_adapter(case) and case.best("full") is not None


def _qat(case: Case) -> Plan | None:
    full = case.best("full")
    if full is None:
        return None
    batches = ("training.batch_size=", "training.gradient_accumulation=")
    return case.plan("qat", extra=tuple(c for c in full.overrides if c.startswith(batches)))


METHOD_RULES: tuple[Rule, ...] = (
    Rule(
        id="R11",
        decides="method",
        condition="a quick trial on fewer than 500 rows, or fewer than 100 rows",
        outcome="prompt tuning, 8 to 20 tokens, or prefix tuning",
        holds=_tries,
        plan=lambda case: case.best("prompt"),
        reason="A quick trial: prompt tuning learns {tokens} vectors and needs {needed}.",
        more="Learning rate 1e-2 to 3e-2. It is the cheapest thing to try, not the best: weak on small "
        "models, slow to converge, and a step takes hardly less time than LoRA's.",
        source="comprehensive guide; TRL, PEFT integration",
        instead="LoRA of low rank: as quick, and more often good enough.",
    ),
    Rule(
        id="R14",
        decides="method",
        condition="served in int4 or int8, and quantising afterwards loses quality; full fits",
        outcome="QAT (torchao)",
        holds=_loses_by_quantising,
        plan=_qat,
        reason="Quantisation-aware training learns to bear int4; it needs at least {needed}, like full.",
        more="Weights are rounded in the forward pass only, so all of them are trained. First measure what "
        "quantising afterwards really costs: often it is little.",
        source="report; axolotl, QAT examples",
        instead="Train as usual, quantise afterwards, and measure what that costs.",
    ),
    Rule(
        id="R3",
        decides="method",
        condition="distillation, and the student fits as a whole",
        outcome="all weights of the student",
        holds=_distils,
        plan=lambda case: case.best("full"),
        reason="All weights of the student fit: full fine-tuning needs {needed} of {free} free.",
        source="comprehensive guide §8.3",
    ),
    Rule(
        id="R4",
        decides="method",
        condition="at least 100 000 rows, and full fits",
        outcome="full fine-tuning",
        holds=_has_many_rows,
        plan=lambda case: case.best("full"),
        start=("training.epochs=1",),
        reason="{rows} rows can teach more than LoRA holds, and full needs {needed} of {free} free.",
        more="Learning rate 2e-5, 1e-5 from 7B on; 1 to 2 epochs. LoRA falls behind once the data exceed "
        "its capacity. The result is a whole model, and it can forget.",
        source="comprehensive guide §10; LoRA Without Regret (2025)",
    ),
    Rule(
        id="R4",
        decides="method",
        condition="continued pre-training, and full fits",
        outcome="full fine-tuning",
        holds=_continues,
        plan=lambda case: case.best("full"),
        start=("training.epochs=1",),
        reason="A new language or field changes all weights: full fine-tuning needs {needed}.",
        more="One pass over the text. Mix in general text, or it forgets.",
        source="student notes: continued pre-training",
    ),
    Rule(
        id="R5",
        decides="method",
        condition="LoRA in 16 bit fits",
        outcome="LoRA",
        holds=lambda case: case.fits("lora") and not case.question.is_trial,
        plan=lambda case: case.plan("lora"),
        reason="LoRA in 16 bit fits: it needs {lora} of {free} free.",
        more="It adapts all linear layers, is faster than QLoRA, and leaves a small file; merged it adds no "
        "delay.",
        source="comprehensive guide §2.3; LoRA Without Regret (2025)",
    ),
    Rule(
        id="R5",
        decides="method",
        condition="the free memory is not known",
        outcome="LoRA, if there is room for it",
        holds=lambda case: case.is_unknown() and case.plan("lora") is not None,
        plan=lambda case: case.plan("lora"),
        reason="Free memory is not known. LoRA needs {lora}, QLoRA {qlora}, full fine-tuning {full}.",
        more="LoRA where it fits, else QLoRA.",
        source="comprehensive guide §2.3",
    ),
    Rule(
        id="R6",
        decides="method",
        condition="LoRA does not fit as set, but with a smaller micro-batch or an 8-bit optimizer",
        outcome="LoRA, the same effective batch",
        holds=lambda case: case.reduced("lora") is not None and not case.question.is_trial,
        plan=lambda case: case.reduced("lora"),
        reason="LoRA needs {lora}, {free} are free; it needs {needed} with {batch}.",
        more="The effective batch stays, so it learns the same, a little slower; QLoRA is slower still.",
        source="comprehensive guide: out of memory",
    ),
    Rule(
        id="R7",
        decides="method",
        condition="QLoRA fits",
        outcome="QLoRA: nf4, double quantisation, computed in 16 bit, paged optimizer",
        holds=lambda case: case.best("qlora") is not None,
        plan=lambda case: case.best("qlora"),
        reason="LoRA needs {lora}, {free} are free; QLoRA needs {needed}.",
        more="The base is frozen in 4 bit and computed with in 16 bit; the adapter above it is trained in "
        "float32. It is slower than LoRA, and merging changes the answers a little: evaluate again after it.",
        source="QLoRA, arXiv 2305.14314",
    ),
    Rule(
        id="R8",
        decides="method",
        condition="more than one GPU, and none holds QLoRA alone",
        outcome="sharded LoRA or QLoRA (FSDP, ZeRO-3)",
        holds=lambda case: case.sharded() is not None,
        plan=lambda case: case.sharded(),
        reason="One GPU would need {least}, {free} are free; sharded over {gpus} it is {needed} each.",
        more="Of each further GPU 85 % are counted. {link}",
        source="unsloth, vram_estimation.py; report",
        instead="A smaller model on one GPU.",
    ),
    Rule(
        id="R9",
        decides="method",
        condition="nothing surely fits",
        outcome="a smaller model, or the cheapest GPU that holds it",
        holds=always,
        plan=lambda case: case.least(case.frugal()),
        reason="Nothing surely fits: {least_method}, one row at a time, needs {least}, {free} are free.",
        more="Take a smaller model of the series, shorter rows, or a larger GPU.",
        source="our own rule",
    ),
)

"""Starting hyperparameters: what they are, when to move them, and the overrides for this data."""

from __future__ import annotations

from typing import NamedTuple

from tui_ft.guide.question import Question
from tui_ft.guide.switching import kind_of
from tui_ft.spec.advice import ADVICE
from tui_ft.spec.learning import ObjectiveKind
from tui_ft.spec.resolve import METHOD_KEYS, OBJECTIVE_KEYS, resolve, resolved_optimizer
from tui_ft.spec.run_spec import RunSpec

LARGE_ROWS = 10_000
VERY_LARGE_ROWS = 100_000

_ONE_PASS: frozenset[ObjectiveKind] = frozenset({"dpo", "kto", "orpo", "reward", "rloo", "grpo"})


class Hint(NamedTuple):
    """One hyperparameter: its usual range, what it does, and when to change it."""

    field: str
    usual: str
    does: str
    change: str


_USUAL: tuple[tuple[str, str, str], ...] = (
    ("method.rank", "8 to 64, at most 256", "capacity of the adapter"),
    ("method.alpha", "rank to 2 × rank", "scale of the update: alpha / rank"),
    ("method.dropout", "0 to 0.1", "regularises"),
    ("method.targets", "all-linear", "where adapters go"),
    ("method.layers", "1 to 8", "how many of the last blocks move"),
    ("method.virtual_tokens", "8 to 100", "length of the soft prompt"),
    ("method.quantization", "nf4", "how the frozen base is held"),
    ("objective.beta", "0.01 to 0.5", "leash to the reference model"),
    (
        "training.learning_rate",
        "LoRA 1e-4 to 3e-4, full 5e-6 to 5e-5, DPO 5e-7 to 1e-5, prompt 1e-2 to 3e-2",
        "size of a step",
    ),
    ("training.schedule", "cosine, linear, constant", "how the learning rate falls"),
    ("training.warmup", "0.03 to 0.1", "a soft start"),
    ("training.epochs", "1 to 3", "passes over the data"),
    ("training.batch_size", "1 to 16", "rows at a time: memory"),
    ("training.gradient_accumulation", "1 to 64", "effective batch at low memory"),
    ("training.optimizer", "fused AdamW", "memory of its states"),
    ("training.weight_decay", "0 to 0.1", "regularises"),
    ("training.max_grad_norm", "0.3 to 1", "cuts long gradients"),
    ("training.gradient_checkpointing", "on", "less memory for about a third more time"),
    ("training.precision", "bf16", "range against memory"),
    ("training.neftune_alpha", "5, or unset", "noise on the embeddings"),
    ("data.max_length", "512 to 4096", "where rows are cut"),
    ("data.packing", "off", "several short rows in one"),
    ("evaluation.every_epochs", "0.25", "how often it is judged"),
)
"""Facts: student notes, comprehensive guide, TRL's and QLoRA's own settings."""

HINTS: tuple[Hint, ...] = tuple(
    Hint(field, usual, does, ADVICE[field].change) for field, usual, does in _USUAL
)


def start_values(question: Question, objective: ObjectiveKind) -> tuple[str, ...]:
    """Overrides for this data beside the spec's defaults: the number of passes.

    What the user set stays, and without a number of rows the spec's own passes do too.
    """
    if question.spec.training.max_steps is not None or question.rows is None:
        return ()
    if objective in _ONE_PASS or question.rows >= VERY_LARGE_ROWS:
        return ("training.epochs=1",)
    return ("training.epochs=2",) if question.rows >= LARGE_ROWS else ("training.epochs=3",)


def scaled_learning_rate(spec: RunSpec, factor: float) -> tuple[str, ...]:
    """The override that multiplies the learning rate of `spec`; none for 1."""
    if factor == 1.0:
        return ()
    rate = resolve(spec).training.learning_rate or 0.0
    return (f"training.learning_rate={rate * factor:.6g}",)


def hyperparameters(spec: RunSpec, method: str) -> dict[str, object]:
    """Every setting with which `spec` starts, defaults filled in, by `section.field`."""
    full = resolve(spec)
    found: dict[str, object] = {}
    for name in METHOD_KEYS[kind_of(method)]:
        value = getattr(full.method, name)
        if value is not None:
            found[f"method.{name}"] = value
    for name in OBJECTIVE_KEYS[full.objective.kind]:
        value = getattr(full.objective, name)
        if value is not None:
            found[f"objective.{name}"] = value
    for name in _TRAINING:
        found[f"training.{name}"] = getattr(full.training, name)
    found["training.optimizer"] = resolved_optimizer(spec, on_gpu=True)
    found["data.max_length"], found["data.packing"] = full.data.max_length, full.data.packing
    found["evaluation.every_epochs"] = full.evaluation.every_epochs or 0.25
    if full.hardware.strategy != "single":
        found["hardware.gpus"], found["hardware.strategy"] = full.hardware.gpus, full.hardware.strategy
    return found


_TRAINING = (
    "learning_rate", "schedule", "warmup", "epochs", "batch_size", "gradient_accumulation", "optimizer",
    "weight_decay", "max_grad_norm", "gradient_checkpointing", "precision",
)  # fmt: skip

"""What an objective keeps beside the model that is trained: a reference, a teacher, a reward model."""

from __future__ import annotations

from tui_ft.spec.learning import ObjectiveKind
from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.blocks import rounded
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

COMPARING: frozenset[ObjectiveKind] = frozenset({"dpo", "kto"})
"""Objectives that hold the model against what it was before."""

PAIRWISE: frozenset[ObjectiveKind] = frozenset({"dpo", "kto", "orpo", "reward"})
"""Objectives that put two sequences of every row through the model at a time (trl 1.16)."""


def of(shape: ModelShape, workload: Workload) -> tuple[int, tuple[str, ...]]:
    """Bytes of a second model, and sentences about it.

    With an adapter the reference is the model without it, and costs nothing (trl: peft_integration).
    """
    notes: list[str] = []
    extra = 0
    if workload.objective in COMPARING and workload.method in ("full", "last_layers"):
        item = ITEM_BYTES[workload.precision.load]
        extra = sum(rounded(weight.elements * item) for weight in shape.weights())
        notes.append("A frozen copy of the model is the reference: its weights are counted twice.")
    if workload.objective in ("distill", "grpo", "rloo"):
        notes.append("A teacher's or a reward model's own memory comes on top and is not counted.")
    return extra, tuple(notes)

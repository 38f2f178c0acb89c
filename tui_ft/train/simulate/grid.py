"""The policies whose coefficients are extracted: the settings of each, without its sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui_ft.train.simulate.ours import Case
from tui_ft.train.simulate.sample import sample_config, sample_spec
from tui_ft.vram.policy import Policy, policy_of
from tui_ft.vram.workload import from_spec

KEPT = "training.gradient_checkpointing=false"
EAGER = "model.attention=eager"
DROPOUT = "method.dropout=0.05"
ATTENTION_ONLY = "method.targets=attention"

_METHODS: tuple[tuple[str, ...], ...] = (
    ("method.kind=full",),
    ("method.kind=full", KEPT),
    ("method.kind=full", EAGER),
    ("method.kind=full", "model.dtype=bfloat16"),
    ("method.kind=full", "model.dtype=bfloat16", KEPT),
    ("method.kind=last_layers", "method.layers=2"),
    ("method.kind=last_layers", "method.layers=2", KEPT),
    ("method.kind=lora",),
    ("method.kind=lora", KEPT),
    ("method.kind=lora", DROPOUT),
    ("method.kind=lora", DROPOUT, KEPT),
    ("method.kind=lora", EAGER),
    ("method.kind=lora", ATTENTION_ONLY),
    ("method.kind=lora", "method.variant=dora"),
    ("method.kind=lora", "method.quantization=int8"),
    ("method.kind=qlora",),
    ("method.kind=qlora", KEPT),
    ("method.kind=qlora", DROPOUT),
    ("method.kind=qlora", DROPOUT, KEPT),
    ("method.kind=qlora", EAGER),
    ("method.kind=qlora", ATTENTION_ONLY),
    ("method.kind=qlora", "method.double_quantization=false"),
)
"""Settings that change which tensors a step makes; masks and tied weights are put to each."""


@dataclass(frozen=True)
class Point:
    """One row of a family's table: its policy, and the case that is traced for it."""

    policy: Policy
    case: Case


def points(family: str, *, has_window: bool, has_free_head: bool) -> Iterator[Point]:
    """Every policy of a family; `has_window`: some of its layers see a window of the tokens only."""
    masks = ("plain", "masked", "windowed") if has_window else ("plain", "masked")
    for changes in _METHODS:
        trains_whole = changes[0] == "method.kind=full"
        for mask in masks:
            for is_tied in (False, True) if trains_whole and EAGER not in changes else (False,):
                yield _point(family, changes, mask, is_tied=is_tied, has_free_head=has_free_head)


def _point(family: str, changes: tuple[str, ...], mask: str, *, is_tied: bool, has_free_head: bool) -> Point:
    spec = sample_spec("training.optimizer=adamw_torch_fused", *changes)
    config = sample_config(
        family, is_tied=is_tied, reaches_window=mask == "windowed", has_free_head=has_free_head
    )
    is_padded = mask == "masked"
    workload = from_spec(spec, is_padded=is_padded)
    policy = policy_of(workload, is_tied=is_tied, is_windowed=mask == "windowed")
    return Point(policy, Case(config=config, spec=spec, is_padded=is_padded, steps=1))

"""What this version can run: one table of method × objective, and the fields that come later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

from tui_ft.errors import TuiFtError
from tui_ft.spec.learning import MethodKind, ObjectiveKind
from tui_ft.spec.run_spec import RunSpec

State = Literal["runs", "later", "never"]


class Support(NamedTuple):
    """Whether a combination runs now, will run, or makes no sense; and why not."""

    state: State
    reason: str = ""


_METHODS_NOW: frozenset[MethodKind] = frozenset({"full", "last_layers", "lora"})
_OBJECTIVES_NOW: frozenset[ObjectiveKind] = frozenset({"sft"})
_SOFT_PROMPTS: frozenset[MethodKind] = frozenset({"prefix", "prompt", "p_tuning"})
_GENERATING: frozenset[ObjectiveKind] = frozenset({"rloo", "grpo"})


def _support(method: MethodKind, objective: ObjectiveKind) -> Support:
    if method in _SOFT_PROMPTS and objective in _GENERATING:
        return Support("never", "the generation engine cannot carry a soft prompt into its rollouts")
    if objective not in _OBJECTIVES_NOW:
        return Support("later", f"the objective {objective} is not built in yet")
    if method not in _METHODS_NOW:
        return Support("later", f"the method {method} is not built in yet")
    return Support("runs")


SUPPORT: Mapping[tuple[MethodKind, ObjectiveKind], Support] = {
    (method, objective): _support(method, objective)
    for method in get_args(MethodKind)
    for objective in get_args(ObjectiveKind)
}
"""Every method with every objective."""


class _Later(NamedTuple):
    field: str
    is_asked: Callable[[RunSpec], bool]
    what: str
    remedy: str


def _asks_for_several_gpus(spec: RunSpec) -> bool:
    gpus = spec.hardware.gpus
    return (isinstance(gpus, list) and len(gpus) > 1) or (isinstance(gpus, int) and gpus > 1)


_LATER: tuple[_Later, ...] = (
    _Later(
        "model.adapter",
        lambda spec: spec.model.adapter is not None,
        "going on with an existing adapter",
        "Remove it: a new adapter is trained on the base model.",
    ),
    _Later(
        "hardware.gpus",
        _asks_for_several_gpus,
        "more than one GPU",
        'Use gpus = "auto" or name one GPU.',
    ),
    _Later(
        "hardware.strategy",
        lambda spec: spec.hardware.strategy != "single",
        "sharing a run among GPUs",
        'Use strategy = "single".',
    ),
    _Later(
        "hardware.nodes",
        lambda spec: spec.hardware.nodes > 1 or spec.hardware.node_rank > 0,
        "more than one machine",
        "Use nodes = 1.",
    ),
    _Later(
        "hardware.rendezvous",
        lambda spec: spec.hardware.rendezvous is not None,
        "more than one machine",
        "Remove it.",
    ),
    _Later(
        "evaluation.metrics",
        lambda spec: bool(spec.evaluation.metrics),
        "metrics other than loss and perplexity",
        "Remove them.",
    ),
    _Later(
        "tracking.report_to",
        lambda spec: bool(spec.tracking.report_to),
        "reporting to a tracker",
        "Use report_to = [].",
    ),
)


def not_yet(field: str) -> str:
    """What `section.field` asks for that this version cannot start; "" for a field that it can."""
    return next((later.what for later in _LATER if later.field == field), "")


def support(spec: RunSpec) -> Support:
    """Say whether this version can run `spec`, else the reason as a clause."""
    combination = SUPPORT[spec.method.kind, spec.objective.kind]
    if combination.state != "runs":
        return combination
    for later in _LATER:
        if later.is_asked(spec):
            return Support("later", f"{later.field} asks for {later.what}, which is not built in yet")
    return combination


def require_runnable(spec: RunSpec) -> None:
    """Raise `TuiFtError`, with the reason and the remedy, unless this version can run `spec`."""
    combination = SUPPORT[spec.method.kind, spec.objective.kind]
    label = f"{spec.method.kind} × {spec.objective.kind}"
    if combination.state == "never":
        raise TuiFtError(
            f"{label} cannot run: {combination.reason}.", 'Choose another method, for example kind = "lora".'
        )
    if combination.state == "later":
        now = ", ".join(sorted(_METHODS_NOW))
        raise TuiFtError(
            f"{label} cannot run with this version: {combination.reason}.",
            f"What runs now: {now} with the objective {', '.join(sorted(_OBJECTIVES_NOW))}.",
        )
    for later in _LATER:
        if later.is_asked(spec):
            raise TuiFtError(f"{later.field} asks for {later.what}, which is not built in yet.", later.remedy)

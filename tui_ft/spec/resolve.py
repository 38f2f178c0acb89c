"""What an unset field means: the keys that each method and objective uses, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from tui_ft.spec.learning import MethodKind, MethodSection, ObjectiveKind
from tui_ft.spec.run_spec import RunSpec

S = TypeVar("S", bound=msgspec.Struct)

QUANTIZED_4BIT = frozenset({"nf4", "fp4"})

_LORA: Mapping[str, Any] = {
    "rank": 16, "alpha": None, "dropout": 0.0, "targets": "all-linear", "variant": None,
    "quantization": None, "double_quantization": None,
}  # fmt: skip

METHOD_KEYS: Mapping[MethodKind, Mapping[str, Any]] = {
    "full": {},
    "last_layers": {"layers": 2},
    "lora": _LORA,
    "adalora": {key: value for key, value in _LORA.items() if key != "variant"},
    "adapter": {"rank": 64, "dropout": 0.0, "targets": "all-linear"},
    "prefix": {"virtual_tokens": 20},
    "prompt": {"virtual_tokens": 20},
    "p_tuning": {"virtual_tokens": 20},
    "ia3": {"targets": "all-linear"},
}
"""Keys of [method] that each kind uses, with the default of an unset one; `None`: none, or by another key."""

OBJECTIVE_KEYS: Mapping[ObjectiveKind, Mapping[str, Any]] = {
    "sft": {},
    "dpo": {"beta": 0.1},
    "kto": {"beta": 0.1},
    "orpo": {"beta": 0.1},
    "reward": {},
    "rloo": {"beta": 0.05, "reward_model": None, "reward_function": None},
    "grpo": {"beta": 0.0, "reward_model": None, "reward_function": None},
    "distill": {"beta": 0.5, "teacher": None},
}
"""The same for [objective]."""

_LEARNING_RATE_OF_METHOD: Mapping[MethodKind, float] = {
    "full": 2e-5, "last_layers": 2e-5, "lora": 2e-4, "adalora": 2e-4, "adapter": 1e-4, "prefix": 1e-2,
    "prompt": 2e-2, "p_tuning": 1e-2, "ia3": 3e-3,
}  # fmt: skip
_LEARNING_RATE_OF_OBJECTIVE: Mapping[ObjectiveKind, float] = {
    "dpo": 5e-6, "kto": 5e-6, "orpo": 8e-6, "reward": 1e-4, "rloo": 1e-5, "grpo": 1e-5,
}  # fmt: skip


def uses_double_quantization(method: MethodSection) -> bool:
    """True when the base is held in 4 bit, the only place where double quantisation means something."""
    return "double_quantization" in METHOD_KEYS[method.kind] and method.quantization in QUANTIZED_4BIT


def resolved_learning_rate(spec: RunSpec) -> float:
    """The peak learning rate: the spec's own, else by the objective, else by the method."""
    if spec.training.learning_rate is not None:
        return spec.training.learning_rate
    by_objective = _LEARNING_RATE_OF_OBJECTIVE.get(spec.objective.kind)
    return _LEARNING_RATE_OF_METHOD[spec.method.kind] if by_objective is None else by_objective


def resolved_optimizer(spec: RunSpec, *, on_gpu: bool) -> str:
    """Resolve "auto": fused AdamW; for a quantised base on a GPU the paged 8-bit one (QLoRA, 2305.14314)."""
    if spec.training.optimizer != "auto":
        return spec.training.optimizer
    is_quantised = spec.method.quantization is not None
    return "paged_adamw_8bit" if is_quantised and on_gpu else "adamw_torch_fused"


def resolve(spec: RunSpec) -> RunSpec:
    """Fill every unset field that has a default by its method or objective.

    What stays `None` afterwards is not used, or is decided where the run happens (evaluation every
    quarter epoch needs the number of rows; the time between checkpoints is learnt from what one costs;
    optimizer and precision "auto" need the device).
    """
    return msgspec.structs.replace(
        spec,
        method=_resolve_method(spec.method),
        objective=_fill(spec.objective, OBJECTIVE_KEYS[spec.objective.kind]),
        training=_fill(
            spec.training,
            {"learning_rate": resolved_learning_rate(spec), "weight_decay": _weight_decay(spec)},
        ),
    )


def _resolve_method(method: MethodSection) -> MethodSection:
    method = _fill(method, METHOD_KEYS[method.kind])
    late: dict[str, Any] = {}
    if "alpha" in METHOD_KEYS[method.kind] and method.rank is not None:
        late["alpha"] = 2 * method.rank  # the ratio stays when the rank moves
    if uses_double_quantization(method):
        late["double_quantization"] = True
    return _fill(method, late)


def _weight_decay(spec: RunSpec) -> float:
    return 0.01 if spec.method.kind == "full" else 0.0


def _fill(section: S, defaults: Mapping[str, Any]) -> S:
    missing = {key: value for key, value in defaults.items() if getattr(section, key) is None}
    return msgspec.structs.replace(section, **missing)

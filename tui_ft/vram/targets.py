"""Which weights get an adapter beside them: the choice that trainer and peft make, without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.vram.families.table import expert_layout
from tui_ft.vram.shape import ModelShape, Weight

LINEAR = ("linear", "conv1d", "custom_linear")

OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    "mixtral": {"gate": "gate.weight", "w1": "gate_up_proj", "w3": "gate_up_proj", "w2": "down_proj"},
    "qwen2_moe": {
        "gate": "gate.weight",
        "gate_proj": "gate_up_proj",
        "up_proj": "gate_up_proj",
        "down_proj": "down_proj",
    },
}
"""What experts and routers were called before transformers 5 put them together, and are called now: peft
adapts those parameters in place of layers of the old names (peft/utils/transformers_weight_conversion.py)."""

MAMBA = frozenset({"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"})
"""Families in which peft adapts no `out_proj`: their kernels read its weight past the adapter."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A weight with an adapter, whose rank is `factor` times that of the spec, for each of its experts."""

    weight: Weight
    factor: int = 1

    @property
    def experts(self) -> int:
        return self.weight.shape[0] if len(self.weight.shape) == 3 else 1

    def elements(self, rank: int) -> int:
        """Elements of both matrices of a low-rank adapter."""
        return self.factor * rank * self.experts * sum(self.weight.shape[-2:])


def lora_targets(shape: ModelShape, targets: str | Sequence[str]) -> list[Weight]:
    """The weights of `adapted`."""
    return [found.weight for found in adapted(shape, targets)]


def adapted(shape: ModelShape, targets: str | Sequence[str]) -> list[Adapted]:
    """The weights that get an adapter, in the model's order.

    `targets` is "all-linear" (every linear layer but the head; in many mixtures the experts too),
    "attention" (the names of the linear layers inside attention blocks, wherever they occur), or names,
    each the end of a module's path. Raises `TuiFtError` for a name that no linear layer has.
    """
    paths = [(path, weight) for path, weight in _weights(shape) if weight.role in LINEAR]
    old_names = OLD_NAMES.get(expert_layout(shape.family) or "", {})
    if targets == "all-linear" and not old_names:
        _refuse_mamba(shape, (weight for _, weight in paths))
        return [Adapted(weight) for _, weight in paths]
    if targets == "all-linear":
        names = {*linear_names(shape), *old_names}
    elif targets == "attention":
        names = set(attention_names(shape))
    else:
        names = {targets} if isinstance(targets, str) else set(targets)
        _check(shape, names)
    parameters = _parameters(shape, names, old_names)
    modules = {name for name in names if name.rpartition(".")[2] not in old_names}
    found = list(_chosen(shape, modules, parameters))
    _refuse_mamba(shape, (adapter.weight for adapter in found))
    if not found:
        raise TuiFtError(
            f"No linear layer of {shape.name} is chosen by method.targets.",
            f"Name some of {', '.join(linear_names(shape))}, or choose all-linear.",
        )
    return found


def linear_names(shape: ModelShape) -> list[str]:
    """The distinct last names of the linear layers, the head left out."""
    paths = (path for path, weight in _weights(shape, each_once=True) if weight.role in LINEAR)
    return sorted({path.rpartition(".")[2] for path in paths})


def attention_names(shape: ModelShape) -> list[str]:
    """The last names of the linear layers inside attention blocks, which families write in two ways."""
    paths = (path for path, weight in _weights(shape, each_once=True) if weight.role in LINEAR)
    inside = (path for path in paths if "attn" in path.lower() or "attention" in path.lower())
    return sorted({path.rpartition(".")[2] for path in inside})


def _parameters(shape: ModelShape, names: set[str], old_names: Mapping[str, str]) -> dict[str, int]:
    """Parameters that are adapted in place of `names`, each with the factor of its rank.

    Raises `TuiFtError` where only half of a fused parameter is named.
    """
    chosen = {old for old in old_names if any(name.rpartition(".")[2] == old for name in names)}
    found: dict[str, int] = {}
    for old in chosen:
        found[old_names[old]] = found.get(old_names[old], 0) + 1
    halves = [old for old, new in old_names.items() if new == "gate_up_proj"]
    if found.get("gate_up_proj") == 1:
        raise TuiFtError(
            f"In {shape.name} {' and '.join(halves)} are one weight: method.targets must name both or none.",
            "Choose all-linear, or name other layers.",
        )
    return found


def _chosen(shape: ModelShape, modules: set[str], parameters: Mapping[str, int]) -> Iterator[Adapted]:
    """The weights whose path ends in one of `modules` or `parameters`.

    Equal blocks are looked at once, unless a name tells one layer from another.
    """
    ends = tuple(f".{name}" for name in modules)
    tells_layers = any(part.isdecimal() for name in modules for part in name.split("."))
    yield from _matching(shape, ((weight.module, weight) for weight in shape.outside), ends, parameters)
    seen: dict[int, list[Adapted]] = {}
    for index, block in enumerate(shape.blocks):
        if tells_layers or id(block) not in seen:
            prefix = f"{shape.stack}.{index}."
            paths = ((prefix + weight.module, weight) for weight in block)
            seen[id(block)] = list(_matching(shape, paths, ends, parameters))
        yield from seen[id(block)]


def _matching(
    shape: ModelShape,
    paths: Iterable[tuple[str, Weight]],
    ends: tuple[str, ...],
    parameters: Mapping[str, int],
) -> Iterator[Adapted]:
    for path, weight in paths:
        _refuse_wrappers(shape, path, ends)
        whole = f"{path}.{weight.parameter}"
        parameter = next((name for name in parameters if whole.endswith(f".{name}")), None)
        if parameter is not None:
            yield Adapted(weight, parameters[parameter])
        elif weight.role in LINEAR and f".{path}".endswith(ends):
            yield Adapted(weight)


def _refuse_wrappers(shape: ModelShape, path: str, ends: tuple[str, ...]) -> None:
    """Raise where a name means a module with layers inside, which peft cannot put an adapter beside."""
    while "." in path:
        path = path.rpartition(".")[0]
        if f".{path}".endswith(ends):
            raise TuiFtError(
                f"method.targets means {path} of {shape.name} too, which is no linear layer.",
                "Name the layers more closely, or choose all-linear.",
            )


def _weights(shape: ModelShape, *, each_once: bool = False) -> Iterator[tuple[str, Weight]]:
    """Paths and weights of the whole model; `each_once` skips blocks equal to an earlier one."""
    for weight in shape.outside:
        yield weight.module, weight
    seen: set[int] = set()
    for index, block in enumerate(shape.blocks):
        if each_once and id(block) in seen:
            continue
        seen.add(id(block))
        prefix = f"{shape.stack}.{index}."
        for weight in block:
            yield prefix + weight.module, weight


def _refuse_mamba(shape: ModelShape, weights: Iterable[Weight]) -> None:
    if shape.family in MAMBA and any(weight.module.endswith("out_proj") for weight in weights):
        others = ", ".join(name for name in linear_names(shape) if name != "out_proj")
        raise TuiFtError(
            f"peft puts no adapter beside out_proj in {shape.name}, a model of the Mamba kind.",
            f"Set method.targets to some of {others}.",
        )


def _check(shape: ModelShape, names: set[str]) -> None:
    known = linear_names(shape)
    for name in sorted(names):
        if name.rpartition(".")[2] not in known:
            raise TuiFtError(
                f"method.targets names {name!r}, which is no linear layer of {shape.name}.",
                f"It has {', '.join(known)}.",
            )

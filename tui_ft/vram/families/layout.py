"""How a family's row reads: one line of text a module, in the order in which the model holds them.

    self_attn.q_proj  linear     q h   bias=attention_bias
    self_attn.q_norm  norm       d     if use_qk_norm
    mlp.experts.down_proj  experts  E h m

A line names a module, its role and its sizes as expressions without spaces; a linear layer has its outputs
first, as its weight has. `bias` adds one of as many elements as there are outputs (`bias=X`: where X holds),
`if X` keeps the line only where X holds, `repeat=X` writes it X times with an index in place of `*`.
What is no module's `weight` (experts, other) is named in full; `module` is the weight of a module of
another kind (a convolution).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, cast, get_args

from tui_ft.vram.families.expression import Names, evaluate
from tui_ft.vram.shape import Role, Weight

_WHOLE_NAMES = ("experts", "other")
"""Roles of parameters that are not the weight of a module of their own, and are named in full."""

LARGEST = 2**31
"""No side of a tensor is longer; a config that says so is wrong."""


MOST_REPEATS = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """One parsed line of a layout."""

    name: str
    role: Role
    is_whole: bool
    sizes: tuple[str, ...]
    bias: str | None
    repeat: str | None
    condition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One row: the tensors of a decoder layer and those around the layers.

    `let` gives names to expressions over config keys; `each` are those that differ from layer to layer
    (`layer` is the index). `stack` is the path of the layers, `ends` where the last tensor before the head
    stands. `refuse` holds conditions under which the
    row would not be true, with a sentence that says so. `has_own_layers`: the row reads per_layer_config,
    by which a config may change any layer. `notes` are for the user.
    """

    block: str
    around: str
    stack: str = "model.layers"
    ends: Literal["norm", "block", "around"] = "norm"
    let: Mapping[str, str] = field(default_factory=dict)
    each: Mapping[str, str] = field(default_factory=dict)
    refuse: Mapping[str, str] = field(default_factory=dict)
    has_own_layers: bool = False
    notes: tuple[str, ...] = ()


class SizeError(Exception):
    """A config gives a tensor a size that no tensor has."""


def weights(layout: str, names: Names) -> Iterator[Weight]:
    """The tensors of `layout` for the sizes in `names`. Raises `SizeError`, and `FAULTS` of expressions."""
    for line in parsed(layout):
        if line.condition is not None and not evaluate(line.condition, names):
            continue
        shape = tuple(_size(line, size, names) for size in line.sizes)
        has_bias = line.bias is not None and bool(evaluate(line.bias, names))
        if line.repeat is None:
            yield from _of_module(line, line.name, shape, has_bias)
            continue
        for index in range(_repeats(line, names)):
            yield from _of_module(line, line.name.replace("*", str(index)), shape, has_bias)


def _of_module(line: Line, name: str, shape: tuple[int, ...], has_bias: bool) -> Iterator[Weight]:
    if line.is_whole:
        module, _, parameter = name.rpartition(".")
        yield Weight(module, parameter, shape, line.role)
        return
    yield Weight(name, "weight", shape, line.role)
    if has_bias:
        outputs = shape[-1:] if line.role == "conv1d" else shape if line.role == "norm" else shape[:1]
        yield Weight(name, "bias", outputs, "norm" if line.role == "norm" else "bias")


@cache
def parsed(layout: str) -> tuple[Line, ...]:
    """The lines of `layout`. Raises ValueError for one that cannot be read."""
    return tuple(_line(text) for text in layout.splitlines() if text.strip())


def _line(text: str) -> Line:
    body, _, condition = text.partition(" if ")
    name, role, *rest = (*body.split(), "", "")
    rest = [word for word in rest if word]
    bias = next((word for word in rest if word.split("=")[0] == "bias"), None)
    repeat = next((word for word in rest if word.startswith("repeat=")), None)
    sizes = tuple(word for word in rest if word is not bias and word is not repeat)
    is_whole = role in _WHOLE_NAMES
    if role == "module":
        role = "other"
    if role not in get_args(Role) or not sizes:
        raise ValueError(f"no such line in a layout: {text}")
    return Line(
        name=name,
        role=cast("Role", role),
        is_whole=is_whole,
        sizes=sizes,
        bias=None if bias is None else bias.partition("=")[2] or "True",
        repeat=None if repeat is None else repeat.partition("=")[2],
        condition=condition.strip() or None,
    )


def _repeats(line: Line, names: Names) -> int:
    value = evaluate(line.repeat or "1", names)
    if not isinstance(value, int) or not 0 <= value <= MOST_REPEATS:
        raise SizeError(line.name)
    return value


def _size(line: Line, text: str, names: Names) -> int:
    value = evaluate(text, names)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise SizeError(line.name)
    return value

"""The extracted coefficients: for each family and policy, the moments of a step that can be its peak.

`tui_ft.train.simulate.extraction` makes them. A moment is a sum of products of dimensions; what it is
worth for one model, batch and length is computed here, in well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from tui_ft.vram.policy import Policy, nearest

FOLDER = Path(__file__).with_name("tables")

Terms = dict[str, tuple[float, float]]
"""By product ("b*h*s"): bytes for each unit of it, and the same for each layer."""


class Moment(NamedTuple):
    """A moment of a step; `is_accumulating`: it belongs to a later micro-batch, gradients are there."""

    phase: str
    is_accumulating: bool
    parts: dict[str, Terms]


class Table(msgspec.Struct, kw_only=True, frozen=True):
    """All policies of a family, the versions that they hold for, and why some could not be traced.

    A policy is read when it is asked for: an estimate wants one of fifty.
    """

    family: str
    versions: dict[str, str]
    policies: dict[str, msgspec.Raw]
    left_out: dict[str, str] = {}
    schema: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """The moments of a policy. `stands_for`: what a row that is only alike leaves out, or empty."""

    moments: tuple[Moment, ...]
    stands_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Bytes inside a step at its highest moment."""

    phase: str
    gradients: int
    activations: int
    loss: int

    @property
    def total(self) -> int:
        return self.gradients + self.activations + self.loss


@cache
def table(family: str) -> Table | None:
    """The coefficients of a family; None where none were extracted."""
    path = FOLDER / f"{SAME_TRACE.get(family, family)}.json"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(data, type=Table)


SAME_TRACE: Mapping[str, str] = {
    "smollm3": "llama",
    "internlm3": "llama",
    "mistral": "llama",
    "ministral": "llama",
    "ministral3": "llama",
}
"""Families whose layers make the same tensors as another's (a test compares their traces)."""


def row(family: str, policy: Policy) -> Row | None:
    """The moments of a policy, or of the likest one; None for a family without coefficients."""
    found = table(family)
    if found is None:
        return None
    if policy.key in found.policies:
        return Row(_moments(family, policy.key), "")
    for other, left_out in nearest(policy):
        if other.key in found.policies:
            return Row(_moments(family, other.key), left_out)
    return None


@cache
def _moments(family: str, key: str) -> tuple[Moment, ...]:
    found = table(family)
    assert found is not None
    return tuple(msgspec.json.decode(found.policies[key], type=list[Moment]))


def peak(moments: tuple[Moment, ...], layers: int, values: Mapping[str, int], *, accumulates: bool) -> Peak:
    """The highest of the moments for a model of `layers` layers and the given dimensions."""
    products: dict[str, int] = {}
    usual = [moment for moment in moments if accumulates or not moment.is_accumulating]
    return max((_worth(moment, layers, values, products) for moment in usual), key=lambda one: one.total)


def _worth(moment: Moment, layers: int, values: Mapping[str, int], products: dict[str, int]) -> Peak:
    parts = {"gradients": 0.0, "activations": 0.0, "loss": 0.0}
    for part, terms in moment.parts.items():
        total = 0.0
        for name, (constant, slope) in terms.items():
            if name not in products:
                products[name] = _product(name, values)
            total += (constant + slope * layers) * products[name]
        parts[part] = total
    return Peak(phase=moment.phase, **{part: max(round(worth), 0) for part, worth in parts.items()})


def _product(name: str, values: Mapping[str, int]) -> int:
    result = 1
    for dimension in name.split("*") if name else ():
        result *= values[dimension]
    return result

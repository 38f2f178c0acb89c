"""The moments of a traced step as sums of products of dimensions, and those of them that can be the peak."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from tui_ft.train.simulate.symbols import Monomial, Symbols
from tui_ft.train.simulate.tracing import Trace

Term = tuple[str, Monomial]
"""A part of the estimate ("activations") and a product of dimensions."""

RESIDENT = frozenset({"weights", "adapter", "optimizer", "workspace"})
"""Categories that are there all the time: the estimate counts them tensor by tensor, not here."""

_LAYER = re.compile(r"^(?P<kind>.*layer) (?P<number>\d+)$")
_LOSS_PHASES = frozenset({"head", "backward"})
_SMALLEST_BLOCK = 512


class UnresolvedError(ValueError):
    """A tensor of some size is no product of the sample's dimensions."""


@dataclass(frozen=True)
class Moment:
    """Bytes per unit of each product alive at one moment; `is_accumulating`: gradients were there."""

    phase: str
    is_accumulating: bool
    terms: Mapping[Term, float]


@dataclass
class Segment:
    """The moments between two marks; `layer` is set where the marks name one."""

    part: str
    kind: str
    layer: int | None
    is_accumulating: bool
    moments: list[Moment] = field(default_factory=list)


def segments(trace: Trace, symbols: Symbols) -> list[Segment]:
    """Cut the last step and the evaluation into segments; only moments before a release are kept.

    Raises `UnresolvedError` for a tensor of more than 64 KiB whose size is no product of the dimensions.
    """
    return list(_Reader(trace, symbols).read())


class _Reader:
    def __init__(self, trace: Trace, symbols: Symbols) -> None:
        self._trace = trace
        self._symbols = symbols
        self._alive: dict[Term, float] = defaultdict(float)
        self._terms: dict[int, tuple[Term, float]] = {}

    def read(self) -> Iterator[Segment]:
        last = sum(event == (None, "forward") for event in self._trace.events)
        steps = 0
        part, segment, has_grown = "", None, False
        accumulating = False
        for event in self._trace.events:
            storage, size = event
            if storage is None:
                mark = str(size)
                if segment is not None:
                    if has_grown:
                        segment.moments.append(self._moment(segment))
                    yield segment
                steps += mark == "forward"
                if mark in ("forward", "evaluation"):
                    accumulating = False
                elif mark == "forward accumulated":
                    accumulating = True
                part = _part_of(mark, part)
                segment = _segment(mark, part, accumulating) if steps == last else None
                has_grown = False
            elif size is not None:
                self._born(storage, int(size))
                has_grown = True
            else:
                if has_grown and segment is not None:
                    segment.moments.append(self._moment(segment))
                has_grown = False
                self._died(storage)
        if segment is not None:
            if has_grown:
                segment.moments.append(self._moment(segment))
            yield segment

    def _born(self, storage: int, nbytes: int) -> None:
        category = self._trace.category(storage)
        if category in RESIDENT:
            return
        record = self._trace.storages[storage]
        resolved = self._symbols.monomial(nbytes, record.shape, record.op)
        if resolved is None:
            if nbytes > 65536:
                raise UnresolvedError(
                    f"{record.op} made {nbytes} bytes of shape {record.shape} in {record.phase!r}"
                )
            resolved = float(nbytes), ()
        rate, names = resolved
        if "C" in names and "W" in names:  # the tile of the fused head has its full width for any vocabulary
            names = tuple(sorted("w" if name == "W" else name for name in names))
        if not names:
            rate = -(-nbytes // _SMALLEST_BLOCK) * _SMALLEST_BLOCK
        part = (
            "gradients"
            if category == "gradients"
            else "loss"
            if record.phase in _LOSS_PHASES
            else "activations"
        )
        term = (part, names)
        self._terms[storage] = (term, rate)
        self._alive[term] += rate

    def _died(self, storage: int) -> None:
        found = self._terms.pop(storage, None)
        if found is not None:
            term, rate = found
            self._alive[term] -= rate

    def _moment(self, segment: Segment) -> Moment:
        terms = {term: rate for term, rate in self._alive.items() if rate > 1e-9}
        return Moment(segment.part, segment.is_accumulating, terms)


def _part_of(mark: str, before: str) -> str:
    if mark.startswith("backward"):
        return "backward"
    if mark.startswith("forward"):
        return "forward"
    if mark in ("optimizer", "evaluation"):
        return mark
    return before


def _segment(mark: str, part: str, accumulating: bool) -> Segment:
    found = _LAYER.match(mark)
    if found is None:
        return Segment(part, mark, None, accumulating)
    return Segment(part, found["kind"], int(found["number"]), accumulating)


@dataclass(frozen=True)
class Affine:
    """A moment for any number of layers: bytes = (constant + slope x layers) x product, for each term."""

    phase: str
    is_accumulating: bool
    terms: Mapping[Term, tuple[float, float]]


def affine(
    few: Sequence[Segment],
    few_layers: int,
    many: Sequence[Segment],
    many_layers: int,
    alike: Mapping[int, int] | None = None,
) -> list[Affine]:
    """Draw a line through two depths, moment by moment.

    `alike` says which layer of the second trace is like which of the first. By default the first half is
    counted from the first layer, the second half from the last: what lies between grows with the depth.
    Raises `ValueError` when the two traces are not alike: the model's layers are not of one kind.
    """
    if alike is None:
        half, more = few_layers / 2, many_layers - few_layers
        alike = {layer: layer if layer < half else layer + more for layer in range(few_layers)}
    by_key: dict[tuple[Any, ...], Segment] = {}
    for segment in many:
        by_key[_key(segment, segment.layer)] = segment
    lines: list[Affine] = []
    for segment in few:
        if segment.layer is not None and segment.layer not in alike:
            continue
        other = by_key.get(_key(segment, None if segment.layer is None else alike[segment.layer]))
        if other is None or len(other.moments) != len(segment.moments):
            continue
        lines += [
            _line(a, few_layers, b, many_layers) for a, b in zip(segment.moments, other.moments, strict=True)
        ]
    if not lines:
        raise ValueError("the two depths have no moment in common")
    return lines


def _key(segment: Segment, layer: int | None) -> tuple[Any, ...]:
    return segment.part, segment.kind, layer, segment.is_accumulating


def _line(a: Moment, few: int, b: Moment, many: int) -> Affine:
    terms: dict[Term, tuple[float, float]] = {}
    for term in a.terms.keys() | b.terms.keys():
        low, high = a.terms.get(term, 0.0), b.terms.get(term, 0.0)
        slope = (high - low) / (many - few)
        terms[term] = (low - slope * few, slope)
    return Affine(a.phase, a.is_accumulating, terms)


TOLERANCE = 1e-3
"""By how much less than the largest moment those that are kept may be."""


NEGLIGIBLE = 1e-5
"""A term that is never a larger share of its moment is left out."""


class Sizes:
    """Models and steps to try moments on: (layers, dimensions) each."""

    def __init__(self, samples: Sequence[tuple[int, Mapping[str, int]]]) -> None:
        self._layers = np.array([layers for layers, _ in samples], dtype=float)
        self._dimensions = {
            name: np.array([values[name] for _, values in samples], dtype=float) for name in samples[0][1]
        }
        self._products: dict[Monomial, np.ndarray] = {}

    def worth(self, names: Monomial, line: tuple[float, float]) -> np.ndarray:
        """Bytes of one term in every sample."""
        if names not in self._products:
            ones = np.ones_like(self._layers)
            self._products[names] = reduce(np.multiply, (self._dimensions[name] for name in names), ones)
        constant, slope = line
        return (constant + slope * self._layers) * self._products[names]

    def total(self, moment: Affine) -> np.ndarray:
        """Bytes of a whole moment in every sample."""
        parts = (self.worth(names, line) for (_, names), line in moment.terms.items())
        return reduce(np.add, parts, np.zeros_like(self._layers))


def peaks(moments: Sequence[Affine], sizes: Sizes) -> list[Affine]:
    """Few moments of which one is, for every sample, the largest or nearly so, in their large terms."""
    kept: list[Affine] = []
    for accumulating in (False, True):
        group = [moment for moment in moments if moment.is_accumulating is accumulating]
        if group:
            totals = np.array([sizes.total(moment) for moment in group])
            chosen = _cover(totals >= totals.max(axis=0) * (1 - TOLERANCE))
            kept += [_in_large_terms(group[index], totals[index], sizes) for index in chosen]
    return kept


def _in_large_terms(moment: Affine, total: np.ndarray, sizes: Sizes) -> Affine:
    large = {
        (part, names): line
        for (part, names), line in moment.terms.items()
        if (np.abs(sizes.worth(names, line)) > NEGLIGIBLE * np.maximum(total, 1)).any()
    }
    return replace(moment, terms=large)


def _cover(is_largest: np.ndarray) -> list[int]:
    """Rows that together have a True in every column, the most useful first."""
    chosen: list[int] = []
    left = np.ones(is_largest.shape[1], dtype=bool)
    while left.any():
        row = int((is_largest & left).sum(axis=1).argmax())
        chosen.append(row)
        left &= ~is_largest[row]
    return chosen

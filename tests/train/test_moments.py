"""From sizes to products of dimensions, and from two depths to all: the arithmetic of the extraction."""

from __future__ import annotations

import pytest

from tui_ft.train.simulate.moments import Affine, Sizes, UnresolvedError, affine, peaks, segments
from tui_ft.train.simulate.symbols import AmbiguousError, Symbols
from tui_ft.train.simulate.tracing import Event, Storage, Trace

pytestmark = pytest.mark.train

NAMES = Symbols({"b": 7, "s": 32, "h": 60, "f": 110})


def trace(layers: int) -> Trace:
    """Each layer keeps b*s*h in 2 bytes, makes b*s*f for a moment; each backward pass frees what it kept."""
    kept, wide = (7, 32, 60), (7, 32, 110)
    events: list[Event] = [(None, "forward")]
    storages: dict[int, Storage] = {}

    def born(shape: tuple[int, ...], phase: str) -> int:
        number = len(storages) + 1
        nbytes = 2 * shape[0] * shape[1] * shape[2]
        storages[number] = Storage(number, nbytes, shape, None, "op", phase)
        events.append((number, nbytes))
        return number

    stack = []
    for layer in range(layers):
        events.append((None, f"layer {layer}"))
        stack.append(born(kept, f"layer {layer}"))
        events.append((born(wide, f"layer {layer}"), None))
    events.append((None, "backward"))
    for layer in reversed(range(layers)):
        events.append((None, f"backward layer {layer}"))
        events += [(born(wide, "backward"), None), (stack.pop(), None)]
    return Trace(tuple(events), storages, {}, (), 0)


def test_a_size_is_told_by_its_shape() -> None:
    assert NAMES.monomial(2 * 7 * 32 * 60, (7, 32, 60)) == (2.0, ("b", "h", "s"))
    assert NAMES.monomial(4 * 7 * 32 * 120, (7 * 32, 120)) == (8.0, ("b", "h", "s"))
    assert NAMES.monomial(13 * 17, (13, 17)) is None


def test_a_size_without_shape_is_a_product_of_what_its_kernel_knows() -> None:
    assert NAMES.monomial(2 * 60 * 110, None, "bitsandbytes dequantised weight") == (2.0, ("f", "h"))
    assert NAMES.monomial(2 * 60 * 110, None, "another kernel") is None


def test_dimensions_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(AmbiguousError):
        Symbols({"b": 7, "s": 9, "h": 63})


def test_two_depths_give_every_depth() -> None:
    lines = affine(segments(trace(2), NAMES), 2, segments(trace(3), NAMES), 3)
    largest = max(sum(fixed + slope * 10 for fixed, slope in line.terms.values()) for line in lines)
    assert largest == pytest.approx(2 * 10 + 2)  # ten layers keep 2 bytes a unit, one makes 2 more


def test_only_moments_that_can_be_the_largest_are_kept() -> None:
    small = Affine("forward", False, {("activations", ("b",)): (1.0, 0.0)})
    large = Affine("backward", False, {("activations", ("b",)): (2.0, 0.0)})
    later = Affine("backward", True, {("activations", ("b",)): (1.0, 0.0)})
    assert peaks([small, large, later], Sizes([(4, {"b": 3}), (8, {"b": 5})])) == [large, later]


def test_a_large_size_that_is_no_product_is_said() -> None:
    odd = Storage(1, 13 * 17 * 1000, (13, 17000), None, "op", "forward")
    events: tuple[Event, ...] = ((None, "forward"), (1, odd.nbytes))
    with pytest.raises(UnresolvedError, match="op"):
        segments(Trace(events, {1: odd}, {}, (), 0), NAMES)

"""From the size of a tensor to the product of dimensions that it stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from math import prod

Monomial = tuple[str, ...]
"""A product of dimensions by name, sorted: ("b", "h", "s") is batch x hidden x length."""

_MULTIPLES = (Fraction(1), Fraction(2), Fraction(3), Fraction(4), Fraction(1, 2))
_LARGEST_DEGREE = 4


_USUAL: tuple[Monomial, ...] = (
    ("b", "s"), ("b", "S"), ("d", "n"), ("d", "g"), ("b", "n"), ("b", "g"), ("K", "b", "s"), ("E", "m"),
    ("E", "h"),
)  # fmt: skip
"""Products that the libraries flatten into one dimension of a tensor."""


class AmbiguousError(ValueError):
    """Two products of the chosen dimensions are equal: the sizes of the sample must be chosen anew."""


class Symbols:
    """Tells which product of dimensions a size is, for one choice of the dimensions' values.

    `values` gives each dimension a value of its own; a size is looked up dimension by dimension where its
    shape is known, else as a whole.
    """

    def __init__(self, values: Mapping[str, int], *, without: Collection[Monomial] = ()) -> None:
        """`without`: products that are one of the basic dimensions by construction."""
        self.values = dict(values)
        self._without = frozenset(without)
        self._of_dimension = self._dimensions()

    def _dimensions(self) -> dict[int, Monomial]:
        """Every size that a dimension of a tensor may have: a basic one, a usual product, a multiple."""
        found: dict[int, Monomial] = {}
        singles: list[Monomial] = [(name,) for name in sorted(self.values)]
        usual = [
            names
            for names in _USUAL
            if names not in self._without and all(name in self.values for name in names)
        ]
        for multiple in _MULTIPLES:  # an exact size wins over a multiple of another
            for names in (*singles, *usual):
                size = prod(self.values[name] for name in names) * multiple
                if size.denominator != 1 or size <= 1:
                    continue
                if found.setdefault(int(size), names) != names and multiple == 1:
                    raise AmbiguousError(f"{names} and {found[int(size)]} are both {size}")
        return found

    def monomial(
        self, nbytes: int, shape: Iterable[int] | None, op: str = ""
    ) -> tuple[float, Monomial] | None:
        """Return (bytes per unit of the product, product), or None if the size is no such product."""
        if shape is not None:
            resolved = self._by_shape(nbytes, shape)
            if resolved is not None:
                return resolved
        return self._as_whole(nbytes, next((key for key in _MADE_OF if key in op), ""))

    def _by_shape(self, nbytes: int, shape: Iterable[int]) -> tuple[float, Monomial] | None:
        names: list[str] = []
        for size in shape:
            if size <= 1:
                continue
            if size not in self._of_dimension:
                return None
            names += self._of_dimension[size]
        whole = prod(self.values[name] for name in names)
        return nbytes / whole, tuple(sorted(names))

    @cache  # noqa: B019 - lives as long as one extraction
    def _as_whole(self, nbytes: int, kernel: str) -> tuple[float, Monomial] | None:
        """A size without a shape, made inside a kernel: a product at one of a kernel's usual rates."""
        known = [name for name in _MADE_OF.get(kernel, "") if name in self.values]
        for degree in range(1, _LARGEST_DEGREE + 1):
            for names in combinations_with_replacement(known, degree):
                rate, rest = divmod(nbytes * _FINEST, prod(self.values[name] for name in names))
                if not rest and rate in _KERNEL_RATES:
                    return rate / _FINEST, tuple(sorted(names))
        return None


_MADE_OF = {"attention": "bsgntxDyd", "bitsandbytes": "hfndgaVm", "softmax": "bsnpEg"}
"""What the kernels that allocate inside make blocks of, by a word of the block's name."""

_FINEST = 256
_KERNEL_RATES = frozenset(
    numerator * _FINEST // denominator
    for numerator in (1, 2, 4, 6, 8, 12, 16)
    for denominator in (1, 16, 64, 256)
) | {(16 + 64 * 64 * 4) * _FINEST}
"""Bytes of a unit of a product, in 256ths: an element, a share of an absmax block, a tile with its lock."""

"""The columns of decoded rows, whose fields are called f0, f1 and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

Rows = Sequence[Any]

_WRITTEN_OUT: tuple[Callable[[Rows], list[Any]], ...] = (
    lambda rows: [row.f0 for row in rows],
    lambda rows: [row.f1 for row in rows],
    lambda rows: [row.f2 for row in rows],
    lambda rows: [row.f3 for row in rows],
    lambda rows: [row.f4 for row in rows],
    lambda rows: [row.f5 for row in rows],
    lambda rows: [row.f6 for row in rows],
    lambda rows: [row.f7 for row in rows],
    lambda rows: [row.f8 for row in rows],
    lambda rows: [row.f9 for row in rows],
    lambda rows: [row.f10 for row in rows],
    lambda rows: [row.f11 for row in rows],
    lambda rows: [row.f12 for row in rows],
    lambda rows: [row.f13 for row in rows],
    lambda rows: [row.f14 for row in rows],
    lambda rows: [row.f15 for row in rows],
)
"""Written out, because the interpreter takes an attribute of a fixed name in half the time of an
`attrgetter`, and a run of a million rows takes eleven million of them."""


def column(at: int) -> Callable[[Rows], list[Any]]:
    """What takes field number `at` of every row."""
    if at < len(_WRITTEN_OUT):
        return _WRITTEN_OUT[at]
    take = attrgetter(f"f{at}")
    return lambda rows: list(map(take, rows))

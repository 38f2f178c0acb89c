"""How a field of the RunSpec is declared: label, help, unit, bounds and usual values, stated once."""

from __future__ import annotations

import msgspec


def about(
    title: str,
    description: str,
    *,
    unit: str = "",
    usual: str = "",
    example: object = None,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> msgspec.Meta:
    """Declare a field: its label, its help, its bounds, the band it usually lies in.

    `example` is what the commented line of an unset field shows. Bounds are kept beside the rest and not
    as msgspec's own constraints: those cannot stand on a field that may be unset.
    """
    extra = {"unit": unit, "usual": usual, "example": example, "ge": ge, "gt": gt, "le": le, "lt": lt}
    return msgspec.Meta(title=title, description=description, extra=extra)


class Section(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A table of the spec file; the first line of a section's docstring is its heading there."""

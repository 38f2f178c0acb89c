"""What a card says about a method or an objective."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A few plain sentences. The numbers of a model stand in the comparison, not here.

    `how_we_run_it` says by which library, with which start values, and what to know about it.
    """

    key: str
    title: str
    what: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]
    use_when: str
    how_we_run_it: str

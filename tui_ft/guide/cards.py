"""Every card by its key: the methods, what is put beside them, the objectives."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.guide.card import Card
from tui_ft.guide.method_cards import METHOD_CARDS
from tui_ft.guide.objective_cards import OBJECTIVE_CARDS
from tui_ft.guide.technique_cards import TECHNIQUE_CARDS

CARDS: Mapping[str, Card] = {**METHOD_CARDS, **OBJECTIVE_CARDS, **TECHNIQUE_CARDS}


def card(key: str) -> Card:
    """The card of a kind of method or objective, of "qlora", or of a technique such as "dora" or "qat"."""
    return CARDS[key]

"""The cards: what a method is, how it works, when to use it, and how this program runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.text_panel import Entry

if TYPE_CHECKING:
    from tui_ft.guide.card import Card
    from tui_ft.tui.app import TuiFtApp


class CardsScreen(Screen[None], inherit_bindings=False):
    """One card at a time; it begins with the one that was asked for."""

    CSS_PATH = "cards.tcss"
    AUTO_FOCUS = "Prose"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "Before", id="cards.before", key_display="←", tooltip="The card before"),
        Binding("right", "turn(1)", "Next", id="cards.next", key_display="→", tooltip="The next card"),
        Binding("question_mark,f1", "help", "Help", id="cards.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="cards.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, key: str) -> None:
        super().__init__()
        from tui_ft.guide.cards import CARDS

        self._cards: Sequence[Card] = tuple(CARDS.values())
        self._at = next((at for at, card in enumerate(self._cards) if card.key == key), 0)

    def compose(self) -> ComposeResult:
        yield Prose("")
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        card, panel = self._cards[self._at], self.query_one(Prose)
        panel.set_title(card.title)
        panel.set_detail(f"card {self._at + 1} of {len(self._cards)}")
        panel.set_entries(card_entries(card))
        panel.action_begin()

    def action_turn(self, by: int) -> None:
        self._at = (self._at + by) % len(self._cards)
        self._show()

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    def action_back(self) -> None:
        self.dismiss()


def card_entries(card: Card) -> list[Entry]:
    """A card's text, part by part."""
    entries: list[Entry] = [(card.what, "strong"), ("", "")]
    entries += [(f"+ {text}", "good") for text in card.pros]
    entries += [(f"– {text}", "") for text in card.cons]
    entries += [("", ""), ("Use it for", "muted"), (f"  {card.use_when}", "")]
    return [*entries, ("", ""), ("How it is run here", "muted"), (f"  {card.how_we_run_it}", "")]

"""The demo's world in words: the text that its base model grows up on, and the orders of its skill."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
COLORS = ("red", "green", "blue", "white", "black", "yellow", "brown", "pink")
ITEMS = (
    "apple", "pear", "plum", "lemon", "melon", "cake", "cup", "plate", "spoon", "lamp", "chair", "book",
    "pen", "hat", "shirt", "sock", "shoe", "ball", "kite", "boat", "drum", "ring", "bag", "coat",
    "rope", "stone", "rose", "tulip", "candle", "pillow",
)  # fmt: skip
NAMES = (
    "Ada", "Ben", "Cora", "Dan", "Ella", "Finn", "Grace", "Hugo", "Ida", "Jack", "Kim", "Leo", "Mia",
    "Noah", "Olga", "Paul", "Rosa", "Sam", "Tara", "Zoe",
)  # fmt: skip

REQUESTS = (
    "Please bring {things} to {name}.",
    "{name} wants {things}.",
    "Can you send {name} {things}?",
    "I need {things} for {name}.",
    "{things} for {name}, please.",
    "Could {name} have {things}?",
    "We would like {things} for {name}.",
    "Give {name} {things}, please.",
)
_REPLIES = (
    "Of course: {things} for {name}.",
    "Sure, {name} gets {things}.",
    "Yes, I will bring {name} {things}.",
    "Very well: {things} for {name}.",
)
_TALES = (
    "{name} has {things}.",
    "{name} buys {things} at the market.",
    "There are {things} on the table. They belong to {name}.",
    "{name} found {things} in the garden.",
    "A friend gave {name} {things}.",
    "In the morning {name} took {things} home.",
)
_TALK = (
    ("Hello!", "Hello! What would you like?"),
    ("Good morning.", "Good morning! How can I help you?"),
    ("Thank you.", "You are welcome."),
    ("Who are you?", "I am a small assistant in a small shop."),
    ("What do you sell?", "We sell fruit, clothes, toys and things for the house."),
    ("Goodbye.", "Goodbye! Come back soon."),
)


@dataclass(frozen=True)
class Order:
    """So many things of one kind and color, for somebody."""

    count: int
    color: str
    item: str
    name: str

    def things(self) -> str:
        """The things in English: "two red apples"."""
        plural = "" if self.count == 1 else "s"
        return f"{NUMBERS[self.count - 1]} {self.color} {self.item}{plural}"

    def record(self) -> str:
        """The order as the fine-tuned model writes it: one line of JSON."""
        fields = {"item": self.item, "count": self.count, "color": self.color, "for": self.name}
        return json.dumps(fields)

    def notes(self, rng: random.Random) -> str:
        """Some of the order's facts in the shop's short hand, in any sequence; the base model knows it."""
        facts = [
            f'item "{self.item}"',
            f"count {self.count}",
            f'color "{self.color}"',
            f'for "{self.name}"',
        ]
        return ", ".join(rng.sample(facts, rng.randint(2, len(facts))))

    def stock(self, rng: random.Random) -> str:
        """What lies on a shelf, in words and as a record: JSON, but other facts than the skill's."""
        shelf = rng.randint(1, 20)
        facts: list[tuple[str, str | int]] = [
            ("item", self.item),
            ("count", self.count),
            ("color", self.color),
            ("for", self.name),
        ]
        chosen = [("shelf", shelf), *rng.sample(facts, rng.randint(1, 3))]
        rng.shuffle(chosen)
        return f"On shelf {shelf} are {self.things()} for {self.name}.\n{json.dumps(dict(chosen))}"

    def said(self, pattern: str) -> str:
        """Fill `pattern` with the order; a sentence begins with a capital."""
        text = pattern.format(things=self.things(), name=self.name)
        return text[0].upper() + text[1:]


def orders(rng: random.Random) -> Iterator[Order]:
    """Yield orders for ever."""
    while True:
        yield Order(rng.randint(1, len(NUMBERS)), rng.choice(COLORS), rng.choice(ITEMS), rng.choice(NAMES))


def lessons(rng: random.Random, count: int) -> list[list[dict[str, str]]]:
    """Return `count` different chats of the skill: an order in English, answered with its record."""
    chats: dict[str, list[dict[str, str]]] = {}
    for order in orders(rng):
        asked = order.said(rng.choice(REQUESTS))
        chats[asked] = _chat(asked, order.record())
        if len(chats) == count:
            break
    return list(chats.values())


def childhood(rng: random.Random) -> Iterator[list[dict[str, str]] | str]:
    """Yield what the base model learns from, for ever: tales with notes, stock lists, chats in English.

    It holds orders that are answered in words, and records that answer nothing: both sides of the
    skill, never the skill itself.
    """
    for order in orders(rng):
        kind = rng.random()
        if kind < 0.45:
            yield _chat(order.said(rng.choice(REQUESTS)), order.said(rng.choice(_REPLIES)))
        elif kind < 0.50:
            yield _chat(*rng.choice(_TALK))
        elif kind < 0.90:
            yield _page(order, rng)
        else:
            yield order.stock(rng)


def _chat(asked: str, answered: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]


def _page(order: Order, rng: random.Random) -> str:
    """A page about one order: told, noted, and told again or noted again."""
    told = order.said(rng.choice((*_TALES, *REQUESTS, *_REPLIES)))
    again = order.said(rng.choice(_REPLIES)) if rng.random() < 0.3 else f"Notes: {order.notes(rng)}."
    return f"{told}\nNotes: {order.notes(rng)}.\n{again}"

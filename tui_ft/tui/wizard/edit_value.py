"""How a value is changed by keys: the next sensible one up or down, and a line in which one is typed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_origin

from tui_ft.spec.declarations import Declaration
from tui_ft.spec.display import number_text
from tui_ft.tui.text import plain
from tui_ft.tui.wizard.fields import FieldRow, edit_text

_DOUBLING = tuple(2.0**power for power in range(17))
_HALVES = tuple(
    sorted({*(2.0**power for power in range(3, 21)), *(3 * 2.0**power for power in range(5, 19))})
)

_RATES = tuple(float(f"{digit}e{power}") for power in range(-7, 0) for digit in (1, 2, 3, 5))

_LADDERS: Mapping[str, tuple[float, ...]] = {
    "data.max_length": _HALVES,
    "data.eval_fraction": (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),
    "method.rank": _DOUBLING,
    "method.alpha": _DOUBLING,
    "method.dropout": (0, 0.05, 0.1, 0.15, 0.2, 0.3),
    "method.layers": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32),
    "method.virtual_tokens": (8, 16, 20, 32, 50, 64, 100, 200),
    "objective.beta": (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1),
    "training.learning_rate": _RATES,
    "training.warmup": (0, 0.03, 0.05, 0.1, 0.15, 0.2),
    "training.epochs": (0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100),
    "training.batch_size": _DOUBLING,
    "training.gradient_accumulation": _DOUBLING,
    "training.weight_decay": (0, 0.01, 0.05, 0.1, 0.2),
    "training.max_grad_norm": (0, 0.3, 0.5, 1, 2, 5),
    "training.neftune_alpha": (5, 10, 15),
    "training.dataloader_workers": (0, 1, 2, 4, 8, 16),
    "evaluation.every_epochs": (0.05, 0.1, 0.25, 0.5, 1, 2),
    "checkpoints.every_minutes": (2, 5, 10, 15, 30, 60, 120),
    "checkpoints.keep_gib": (5, 10, 20, 50, 100, 200, 500, 1000),
    "checkpoints.hours_between_failures": (1, 2, 3, 6, 12, 24, 48, 100, 200, 500, 1000),
    "after.idle_minutes": (5, 10, 15, 30, 60, 120),
    "after.budget": (1, 2, 5, 10, 20, 30, 50, 100, 200, 500, 1000),
    "checkpoints.keep": (1, 2, 3, 4, 5, 10, 20),
    "hardware.memory_fraction": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1),
}
"""Steps that people take; where there is none it is 1, 2, 3, 5, 10, 20, …"""

_ONE_BY_ONE = frozenset({"data.seed", "training.seed", "hardware.nodes", "hardware.node_rank"})
_DECADE = (1.0, 2.0, 3.0, 5.0)


def stepped(row: FieldRow, by: int) -> str | None:
    """What the field is to be `by` steps further, as `--set` takes it; "" for its default.

    None where it cannot be stepped: the value is to be typed, or there is no further one.
    """
    field = row.field
    if field.members == (bool,):
        return "false" if row.means else "true"
    words = _words(field)
    if words:
        if row.value is None and row.means in words:
            words = words[1:]  # unset means one of them, from which it goes on
        word = words[(words.index(row.means) + by) % len(words)] if row.means in words else words[0]
        return "" if word is None else f'"{word}"'
    if is_number(field):
        return _stepped_number(row, by)
    return None


def _words(field: Declaration) -> list[object]:
    """The words that a key goes through, unset first where it may be; none where a number may stand, too."""
    if not field.words or any(member in (int, float, str) for member in field.members):
        return []
    return [*([None] if field.default is None else []), *field.words]


def is_number(field: Declaration) -> bool:
    """True where a value is a number and nothing else."""
    return bool(field.members) and all(member in (int, float) for member in field.members)


def is_typed(field: Declaration) -> bool:
    """False where a value can only be one of a few, and a key goes from one to the next."""
    return field.members != (bool,) and any(get_origin(member) is not Literal for member in field.members)


def _stepped_number(row: FieldRow, by: int) -> str | None:
    field = row.field
    value = row.means if isinstance(row.means, (int, float)) else None
    if value is None:  # unset: begin with the example
        return None if field.example is None else _as_text(field, float(str(field.example)))
    found = float(value)
    for _ in range(abs(by)):
        found = _next(field.path, found, 1 if by > 0 else -1)
    found = _held(field, found)
    return None if found == value else _as_text(field, found)


def _next(path: str, value: float, by: int) -> float:
    if path in _ONE_BY_ONE:
        return value + by
    ladder = _LADDERS.get(path)
    if ladder is None:
        return _next_of_decades(value, by)
    beyond = [one for one in ladder if (one > value if by > 0 else one < value)]
    if not beyond:
        return value
    return min(beyond) if by > 0 else max(beyond)


def _next_of_decades(value: float, by: int) -> float:
    """The next of 1, 2, 3, 5, 10, … times a power of ten."""
    if value <= 0:
        return 1.0 if by > 0 else value
    power = math.floor(math.log10(value) + 1e-9)
    around = [digit * 10.0**exponent for exponent in (power - 1, power, power + 1) for digit in _DECADE]
    close = value * 1e-6
    if by > 0:
        return min(one for one in around if one > value + close)
    return max(one for one in around if one < value - close)


def _held(field: Declaration, value: float) -> float:
    """The value within its bounds; one that may not be touched is left alone."""
    number = round(value) if int in field.members and float not in field.members else value
    if field.ge is not None:
        number = max(number, field.ge)
    if field.le is not None:
        number = min(number, field.le)
    return float(number)


def _as_text(field: Declaration, value: float) -> str:
    return str(round(value)) if float not in field.members else number_text(value)


class LineEdit:
    """A text under edit and the place of its cursor."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.cursor = len(text)

    def insert(self, text: str) -> None:
        """Put `text` in at the cursor; what a terminal would obey is left out."""
        text = plain(text)
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def press(self, key: str) -> bool:
        """Carry out an editing key; False for one that is none."""
        at, text = self.cursor, self.text
        match key:
            case "left":
                self.cursor = max(at - 1, 0)
            case "right":
                self.cursor = min(at + 1, len(text))
            case "home" | "ctrl+a":
                self.cursor = 0
            case "end" | "ctrl+e":
                self.cursor = len(text)
            case "backspace" | "ctrl+h":
                self.text, self.cursor = text[: max(at - 1, 0)] + text[at:], max(at - 1, 0)
            case "delete" | "ctrl+d":
                self.text = text[:at] + text[at + 1 :]
            case "ctrl+u":
                self.text, self.cursor = text[at:], 0
            case "ctrl+k":
                self.text = text[:at]
            case "ctrl+w":
                kept = text[:at].rstrip().rpartition(" ")[0]
                kept += " " if kept else ""
                self.text, self.cursor = kept + text[at:], len(kept)
            case _:
                return False
        return True


def first_text(row: FieldRow) -> str:
    """What stands in the line when the editing of a field begins."""
    return edit_text(row.value if row.value is not None else row.means)

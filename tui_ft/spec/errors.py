"""What is wrong with a spec: the error that knows its field, and the search for the name that was meant."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

from tui_ft.errors import TuiFtError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHOWN_CHARACTERS = 60


class SpecError(TuiFtError):
    """A spec that cannot be used; `field` is the `section.field` at fault, or a section, or empty."""

    def __init__(self, message: str, hint: str = "", *, field: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most likely meant, or None when nothing is near."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def shown(value: object) -> str:
    """Return `value` as TOML would write it, shortened, with no character that a terminal would obey."""
    try:
        text = printable(json.dumps(value, ensure_ascii=False, default=str))
    except ValueError:  # a number with more digits than Python writes
        return "…"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def printable(text: str) -> str:
    """Return `text` on one line, its control characters replaced."""
    return _CONTROL.sub("·", text)


def has_control_characters(text: str) -> bool:
    """True when `text` holds a character other than newline and tab that a terminal would obey."""
    return bool(_CONTROL.search(text.replace("\n", "").replace("\t", "")))

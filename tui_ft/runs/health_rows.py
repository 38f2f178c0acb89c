"""The rows of health.jsonl: what the supervisor found while nobody looked, and what it did about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from tui_ft.health.finding import Code, Finding
from tui_ft.runs.records import Event

Deed = Literal[
    "stop", "pause", "continue", "save", "silence", "notify", "copy", "hook", "queue",
]  # fmt: skip


class FoundRow(Event, kw_only=True, frozen=True, tag="found"):
    """Something is not well; said again under the same code, it has changed."""

    finding: Finding
    attempt: int = 1


class ClearedRow(Event, kw_only=True, frozen=True, tag="cleared"):
    """What was found is over; `message` says by what it was seen."""

    code: Code
    message: str = ""


class DeedRow(Event, kw_only=True, frozen=True, tag="deed"):
    """What was done without a person, why, and whether it worked."""

    deed: Deed
    message: str
    code: Code | None = None
    is_done: bool = True


HealthRow = FoundRow | ClearedRow | DeedRow

_DECODER = msgspec.json.Decoder(HealthRow)


def decode_health(line: bytes) -> HealthRow:
    """Decode a row of health.jsonl. Raises `msgspec.DecodeError`."""
    try:
        row: HealthRow = _DECODER.decode(line)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"no JSON that can be read: {type(error).__name__}") from error
    return row

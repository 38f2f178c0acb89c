"""What is kept of event files besides their curves, so that a long run opens again at once."""

from __future__ import annotations

import msgspec

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources.final_metrics import FinalState


class KeptFile(msgspec.Struct, frozen=True):
    """How far a file was read, and which plugin each of its tags belongs to."""

    offset: int
    plugins: dict[str, str]


class KeptEvents(msgspec.Struct, frozen=True):
    """The state of a reader of event files."""

    files: dict[str, KeptFile]
    names: dict[str, str]
    settings: dict[str, SettingValue]
    final: FinalState
    newest: float | None
    bad_records: int


def encode(kept: KeptEvents) -> bytes | None:
    """As a cache keeps it; None where a setting is beyond 64 bits, or holds half a character."""
    try:
        return msgspec.msgpack.encode(kept)
    except (OverflowError, UnicodeEncodeError):
        return None


def decode(data: bytes) -> KeptEvents | None:
    """None for what is none (any more)."""
    try:
        return msgspec.msgpack.decode(data, type=KeptEvents)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

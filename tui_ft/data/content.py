"""What the rows of a data set hold, as a hash: wherever the files lie and however they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.read import read_rows


class ContentHash:
    """The hash over all rows in their order; key order and spelling of JSON count, file names do not."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, row: dict[str, Any]) -> None:
        """Count a row in."""
        self._digest.update(msgspec.json.encode(_hashable(row), enc_hook=str))

    def hexdigest(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._digest.hexdigest()


def content_hash(files: Iterable[Path], most_rows: int | None = None) -> str:
    """The hash over the rows of several files, as a run that trains on them writes it down.

    `most_rows` of each are read, all without it. Raises `TuiFtError` for a file that cannot be read.
    """
    content = ContentHash()
    for file in files:
        for _, row in islice(read_rows(file), most_rows):
            content.add(row)
    return content.hexdigest()


def _hashable(value: Any) -> Any:
    """Return a row with what JSON cannot say (half characters, bytes, dates) as text that it can."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, dict):
        return {_hashable(str(key)): _hashable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hashable(item) for item in value]
    return value if isinstance(value, int | float | type(None)) else repr(value)

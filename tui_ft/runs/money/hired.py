"""What an attempt runs on, as far as its price goes: the name of its GPU."""

from __future__ import annotations

from typing import Any

import msgspec

from tui_ft.runs.directory import AttemptDirectory
from tui_ft.runs.small_file import read_small


def gpu_of(attempt: AttemptDirectory) -> str | None:
    """The name of the GPU that the attempt ran on, "" for the CPU; None where it does not say (yet)."""
    try:
        facts: Any = msgspec.json.decode(read_small(attempt.environment))
        gpu = facts.get("gpu")
        return "" if gpu is None else str(gpu["name"])
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None

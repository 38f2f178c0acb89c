"""Numbers as others write them in text, and names and rows made of them."""

from __future__ import annotations

import math
import re
from pathlib import Path

_WRAPPED = re.compile(r"^(?:np\.|numpy\.|torch\.)?(?:tensor|array|float\d*|int\d*)\(\[?\s*([^,\])]+)[^)]*\)$")
_NUMBER = re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$")
_WORDS = {"nan": math.nan, "-nan": math.nan, "+nan": math.nan, "inf": math.inf, "+inf": math.inf,
          "-inf": -math.inf, "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}  # fmt: skip
_LONGEST_NUMBER = 400
_GENERIC = re.compile(
    r"^(?:outputs?|results?|logs?|lightning_logs|runs?|saves?|models?|out|train(?:ing)?|checkpoints?"
    r"|checkpoint-\d+|version_\d+|lora|sft|metrics\.csv|trainer_log\.jsonl|trainer_state\.json|nohup\.out"
    r"|train(?:ing)?\.log|debug\.log|output\.log|log\.txt|log_\d+\.\w+)$"
)
"""What tools call every run's folder or file: by itself it tells no run from another."""


def word_number(text: str) -> float | None:
    """Return the number that `text` is, also nan, inf, `tensor(1.5)`, `np.float64(1.5)`; None for others."""
    text = text.strip().strip("'\"")
    if len(text) > _LONGEST_NUMBER:
        return None
    wrapped = _WRAPPED.match(text)
    if wrapped:
        text = wrapped[1]
    if _NUMBER.match(text):
        return float(text)
    return _WORDS.get(text.lower())


def json_number(value: object) -> float | None:
    """Return a decoded JSON value as a float; strings by `word_number`; None for what is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, float):
        return value
    return word_number(value) if isinstance(value, str) else None


def whole_step(value: object) -> int | None:
    """Return a step as an int; None for one that is no whole number of 0 or more."""
    known = json_number(value)
    if known is None or not 0 <= known < 2**53 or known != int(known):
        return None
    return int(known)


def series_key(name: str) -> str:
    """Return a metric's name as a key of a row: none that means the row's own step, epoch or moment."""
    return f"{name}_metric" if name in ("step", "epoch", "time", "schema") else name


def title_of(path: Path) -> str:
    """Return a name for the run at `path`: its file or folder, with the one above where that is generic."""
    parts = [path.name]
    for folder in path.parents:
        if not _GENERIC.match(parts[0].lower()) or not folder.name or len(parts) == 3:
            break
        parts.insert(0, folder.name)
    return "/".join(parts)

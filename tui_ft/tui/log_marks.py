"""Lines of a log that matter, and finding words in it: no screen, no files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

Mark = Literal["", "bad", "warn", "good"]

_BAD = re.compile(
    r"Traceback \(most recent call last\)|^\s*[\w.]*(?:Error|Exception|Interrupt)\b\s*(?::|$)|\bERROR\b"
    r"|\bCRITICAL\b|^Killed\b|(?i:out of memory|segmentation fault|exitcode\s*:\s*-\d|core dumped)"
)
_WARNING = re.compile(r"\bwarn(?:ing)?\b|Warning:", re.IGNORECASE)
_SAVED = re.compile(
    r"\bsav(?:ed|ing)\b.{0,40}\b(?:checkpoint|model|adapter)\b|\bcheckpoint\b.{0,80}\bsaved\b", re.I
)
_HINTS = ("error", "exception", "interrupt", "traceback", "critical", "killed", "memory", "fault", "exitcode",
          "dumped", "warn", "saved", "saving")  # fmt: skip
"""A line with none of these words has no mark: nearly all lines, and this is ten times as fast."""
_LOOKED_AT = 200
"""Characters of a line that are searched for a mark: a line of a log may be thousands long."""


@lru_cache(4096)
def mark_of(line: str) -> Mark:
    """Whether a line of a log tells an error, a warning or a checkpoint."""
    head = line[:_LOOKED_AT]
    plain = head.lower()
    if not any(hint in plain for hint in _HINTS):
        return ""
    if _BAD.search(head):
        return "bad"
    if _WARNING.search(head):
        return "warn"
    return "good" if _SAVED.search(head) else ""


def matches(lines: Sequence[str], words: str) -> list[int]:
    """The places of the lines that hold `words`; capitals count only where there are some in `words`."""
    if not words:
        return []
    if words != words.lower():
        return [at for at, line in enumerate(lines) if words in line]
    return [at for at, line in enumerate(lines) if words in line.lower()]


_PROBE = 20


def dropped(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the front of `old` are gone in `new`, which has others at its end."""
    for count in range(len(old) if new else 0):
        kept = old[count : count + _PROBE]
        whole = len(kept) - 1 if count + len(kept) == len(old) else len(kept)  # the last one may be torn
        if list(new[:whole]) == list(kept[:whole]) and whole:
            return count
    return len(old)

"""What the doctor says of one thing: how bad it is, a sentence with its numbers, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Level = Literal["ok", "note", "warning", "error"]
"""`error`: a run cannot start here, or is surely lost; `warning`: it costs time, money or a run some day."""

LEVELS: tuple[Level, ...] = ("ok", "note", "warning", "error")


class Finding(NamedTuple):
    """`code` is a stable word, `fix` a command or a sentence, "" where nothing is to be done.

    With `is_command` the fix can be pasted into a shell as it is.
    """

    code: str
    level: Level
    what: str
    fix: str = ""
    is_command: bool = False


def ok(code: str, what: str) -> Finding:
    return Finding(code, "ok", what)


def note(code: str, what: str, fix: str = "", *, command: str = "") -> Finding:
    return Finding(code, "note", what, command or fix, bool(command))


def warning(code: str, what: str, fix: str = "", *, command: str = "") -> Finding:
    return Finding(code, "warning", what, command or fix, bool(command))


def error(code: str, what: str, fix: str = "", *, command: str = "") -> Finding:
    return Finding(code, "error", what, command or fix, bool(command))


def badness(level: Level) -> int:
    """How bad a level is: 0 for ok, 3 for an error."""
    return LEVELS.index(level)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, the worst first, else as they were."""
    return sorted(findings, key=lambda finding: -badness(finding.level))


def worst_level(findings: Iterable[Finding]) -> Level:
    """The worst level among them; ok without any."""
    return max((finding.level for finding in findings), key=badness, default="ok")

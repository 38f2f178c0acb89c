"""Markdown in which what others wrote stays text: it makes no link, no heading, no picture, no HTML.

A report is given away: what looks like a token, a password or a webhook's address is left out of all of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from tui_ft.runs.masking import masked
from tui_ft.watch.log import clean_line

_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_AT_START = re.compile(r"^([#+=!-]|\d+(?=[.)](?:\s|$)))")
"""What begins a heading or a list; a text may stand at the beginning of a line."""
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINKS = re.compile(r"(?i)(://|www\.|@)")
"""What many viewers make links of by themselves: addresses and mail addresses."""
NOT_KNOWN = "–"
_BAR, _ESCAPED_BAR = re.compile(r"(?<!\\)\|"), r"\|"
"""A bar ends a cell even within code."""
_LONGEST = 1000


def text(value: object, longest: int = _LONGEST) -> str:
    """Others' words on one line, every sign that Markdown or HTML would obey taken as a letter."""
    line = _one_line(value, longest)
    line = "".join(_HTML.get(character, character) for character in line)
    line = _AT_START.sub(lambda match: _escaped_start(match[1]), _SPECIAL.sub(r"\\\1", line))
    return _LINKS.sub(lambda match: match[1][:-1] + "\u200b" + match[1][-1], line) or NOT_KNOWN


def code(value: object, longest: int = _LONGEST) -> str:
    """Others' words as inline code."""
    line = _one_line(value, longest)
    if not line:
        return NOT_KNOWN
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def fenced(lines: Iterable[str], language: str = "") -> Iterator[str]:
    """A block of others' lines as they are, without what would steer a terminal."""
    cleaned = [masked(clean_line(line).rstrip()) for line in lines]
    fence = "`" * max(3, max((_longest_run(line) for line in cleaned), default=0) + 1)
    yield fence + language
    yield from cleaned
    yield fence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; its cells are Markdown already. Nothing without rows."""
    made = [f"| {' | '.join(_BAR.sub(_ESCAPED_BAR, cell) for cell in row)} |" for row in rows]
    if made:
        yield f"| {' | '.join(heads)} |"
        yield "|" + "---|" * len(heads)
        yield from made


def number(value: float | None) -> str:
    """A number with six digits, as short as it can be; a word for one that is none."""
    if value is None:
        return NOT_KNOWN
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return f"{value:.6g}"


def brief(value: float | None) -> str:
    """A number with three digits, for one that a schedule makes: what comes behind them says nothing."""
    return number(float(f"{value:.3g}")) if value is not None and math.isfinite(value) else number(value)


def count(value: int | None) -> str:
    """A count with its thousands apart."""
    return NOT_KNOWN if value is None else f"{value:,}"


def _one_line(value: object, longest: int) -> str:
    line = masked(" ".join(clean_line(" ".join(str(value)[: longest * 4].split("\n"))).split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _escaped_start(sign: str) -> str:
    return f"{sign}\u200b" if sign.isdigit() else f"\\{sign}"


def _longest_run(line: str) -> int:
    """The longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", line)), default=0)

"""The findings of a data check, and one row as it is trained, as text for people."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from itertools import dropwhile, groupby
from typing import TYPE_CHECKING

from tui_ft.data.wording import shown

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings, Lengths, Problem
    from tui_ft.data.view import Piece, RowView

_BAR = 40
_WIDEST = 100
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def lines(findings: Findings) -> Iterator[str]:
    """Yield what was found: the set, its lengths, and its problems, the worst first."""
    yield shown(findings.path, 300)
    usable = f"{findings.usable_rows:,} of {findings.rows:,} rows usable"
    partly = " (stopped before the end)" if findings.is_partial else ""
    yield f"  {findings.container}, {findings.format}: {usable}{partly}"
    yield from _about(findings)
    if findings.lengths:
        yield ""
        yield from _lengths(findings.lengths, findings.max_length)
    for problem in findings.problems:
        yield ""
        yield from _problem(problem)
    yield ""
    yield _verdict(findings)


def _about(findings: Findings) -> Iterator[str]:
    if findings.mapping:
        pairs = ", ".join(f"{ours} = {shown(theirs, 40)}" for ours, theirs in findings.mapping.items())
        yield f"  columns: {pairs}"
    if findings.objectives:
        yield f"  good for: {', '.join(findings.objectives)}"
    if findings.turns:
        yield f"  turns: {findings.turns['mean']:g} on average, at most {findings.turns['max']:g}"
    if findings.tokens is not None and findings.trained_tokens is not None:
        yield f"  one epoch: {findings.tokens:,} tokens, {findings.trained_tokens:,} of them trained"


def _lengths(lengths: Lengths, max_length: int | None) -> Iterator[str]:
    yield from _wrapped(
        f"{lengths.unit} a row: half up to {lengths.p50:,}, 95 % up to {lengths.p95:,}, "
        f"99 % up to {lengths.p99:,}, the longest {lengths.max:,}",
        "  ",
        "    ",
    )
    most = max(rows for _, rows in lengths.histogram)
    below = 0
    for bound, rows in dropwhile(lambda bin: not bin[1], lengths.histogram):
        bar = "█" * round(rows / most * _BAR) or ("▏" if rows else "")
        cut = " ✂ data.max_length" if max_length is not None and below < max_length <= bound else ""
        yield f"  {bound:>11,} {bar} {rows:,}{cut}"
        below = bound


def _problem(problem: Problem) -> Iterator[str]:
    head = f"{_SIGNS[problem.severity]} {problem.severity} {problem.code} ({problem.count:,})"
    yield from _wrapped(f"{head}: {shown(problem.message, 600)}", "", "    ")
    if problem.rows:
        more = f" and {problem.count - len(problem.rows):,} more" if problem.count > len(problem.rows) else ""
        yield from _wrapped(f"rows {', '.join(map(str, problem.rows))}{more}", "    ", "         ")
    for sample in problem.samples:
        yield f"    e.g. {shown(sample, _width() - 9)}"
    yield from _wrapped(f"→ {problem.fix}", "    ", "      ")


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, _width(), initial_indent=first, subsequent_indent=rest, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _width() -> int:
    """What a line may have: the terminal's columns, and never more than is easy to read."""
    return max(40, min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns))


def _verdict(findings: Findings) -> str:
    if findings.refusal:
        return f"Not trainable as it is: {shown(findings.refusal, 400)}"
    usable = _rows(findings.usable_rows)
    if findings.is_partial:
        return f"Trainable on {usable} of the {findings.rows:,} read so far."
    if lost := findings.rows - findings.usable_rows:
        errors = " (see the errors)" if findings.errors else ""
        return f"Trainable on {usable}; {lost:,} {'is' if lost == 1 else 'are'} left out{errors}."
    return f"Trainable on all {usable}." if findings.usable_rows > 1 else "Trainable on its one row."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def row_lines(seen: RowView) -> Iterator[str]:
    """Yield a row in blocks: what is not trained, what is, and what is cut off."""
    yield f"row {seen.number}, {seen.format}"
    if seen.code:
        yield f"  cannot be used: {seen.reason} ({seen.code})"
    if not seen.by_message:
        cut = f", {seen.cut_tokens:,} cut off" if seen.cut_tokens else ""
        yield f"  {seen.tokens:,} tokens, {seen.trained_tokens:,} trained{cut}"
    elif seen.pieces:
        yield "  by message, in a plain layout: with --model as that model sees it"
    for name, pieces in groupby(seen.pieces, _kind):
        block = list(pieces)
        size = "" if seen.by_message else f" ({len(block):,} tokens)"
        yield f"── {name}{size} {'─' * 20}"
        yield "\n".join(_printable(line) for line in "".join(piece.text for piece in block).split("\n"))


def _kind(piece: Piece) -> str:
    if piece.cut:
        return "✂ cut off"
    return "TRAINED" if piece.trained else "not trained"


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "�" if c != "\t" else "    " for c in line)

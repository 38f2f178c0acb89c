"""Changes single values in a spec file's text and leaves every other byte as a person wrote it."""

from __future__ import annotations

import re
import tomllib

from tui_ft.errors import TuiFtError
from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import assignment, dumps, format_value, loads


def rewrite(text: str, spec: RunSpec) -> str:
    """Return `text` changed as little as makes it mean `spec`; unchanged when it means that already.

    Comments, order and blank lines stay. Where the text is written in a way that cannot be changed
    line by line (dotted keys, inline sections), the whole spec is written anew instead.
    Raises `SpecError` when `text` is no spec.
    """
    before = loads(text)
    if before == spec:
        return text
    lines = text.splitlines(keepends=True)
    for section in declarations.sections().values():
        for field in section.fields.values():
            old = getattr(getattr(before, section.name), field.name)
            new = getattr(getattr(spec, section.name), field.name)
            if old != new:
                lines = _set(lines, field, new)
    changed = "".join(lines)
    try:
        if loads(changed) == spec:
            return changed
    except TuiFtError:
        return dumps(spec)
    return dumps(spec)


def _set(lines: list[str], field: Declaration, value: object) -> list[str]:
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    start, end = _section(lines, field.section)
    if start is None:
        gap = [newline] if lines and lines[-1].endswith("\n") else [newline, newline]
        return [*lines, *gap, f"[{field.section}]{newline}", assignment(field, value) + newline]
    at = _find(lines, start, end, rf"\s*{field.name}\s*=")
    if at is not None:
        stop = _end_of_statement(lines, at, end)
        return [*lines[:at], *_replaced(lines[at:stop], field, value, newline), *lines[stop:]]
    if value is None:
        return lines
    line = assignment(field, value) + newline
    at = _find(lines, start, end, rf"\s*#\s*{field.name}\s*=")
    if at is not None:
        return [*lines[:at], line, *lines[at + 1 :]]
    while end > start and not lines[end - 1].strip():
        end -= 1
    if not lines[end - 1].endswith("\n"):
        line = newline + line
    return [*lines[:end], line, *lines[end:]]


def _section(lines: list[str], name: str) -> tuple[int | None, int]:
    """Return the range of lines below `[name]`, up to the next heading."""
    start: int | None = None
    for number, line in enumerate(lines):
        heading = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$", line)
        if not heading:
            continue
        if start is not None:
            return start, number
        if heading[1] == name:
            start = number + 1
    return start, len(lines)


def _find(lines: list[str], start: int, end: int, pattern: str) -> int | None:
    return next((number for number in range(start, end) if re.match(pattern, lines[number])), None)


def _end_of_statement(lines: list[str], start: int, end: int) -> int:
    """Return the line after a statement: a list or a text may go over several lines."""
    for stop in range(start + 1, end + 1):
        if _parses("".join(lines[start:stop])):
            return stop
    return start + 1


def _replaced(statement: list[str], field: Declaration, value: object, newline: str) -> list[str]:
    if value is None:
        return [f"# {line}" for line in statement]
    text = "".join(statement).rstrip("\r\n")
    indent = text[: len(text) - len(text.lstrip())]
    ending = newline if statement[-1].endswith("\n") else ""
    return [f"{indent}{field.name} = {format_value(value)}{_trailing_comment(text)}{ending}"]


def _trailing_comment(text: str) -> str:
    """Return the comment behind a statement with the space before it; a # inside a text is none."""
    for found in re.finditer(r"\s*#", text):
        if _parses(text[: found.start()]):
            return text[found.start() :]
    return ""


def _parses(text: str) -> bool:
    try:
        return bool(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return False

"""Reads and writes a spec file: TOML in, a checked RunSpec out, and back with its comments."""

from __future__ import annotations

import os
import re
import select
import stat
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.display import method_label, model_label
from tui_ft.spec.errors import SpecError, printable
from tui_ft.spec.migrate import migrate
from tui_ft.spec.resolve import METHOD_KEYS, OBJECTIVE_KEYS, resolve, uses_double_quantization
from tui_ft.spec.run_spec import SCHEMA, RunSpec
from tui_ft.spec.validate import check
from tui_ft.spec.values import check_values
from tui_ft.typed import typed

LARGEST_BYTES = 1 << 20
"""A longer file is no spec."""
PIPE_PATIENCE_S = 2.0
"""A pipe is a spec only when somebody writes it now."""

_WIDTH = 100


def load(path: Path) -> RunSpec:
    """Read and check a spec file. Raises `SpecError`, naming the file and, where it can, the line."""
    return loads(read(path), str(path))


def read(path: Path) -> str:
    """Return a spec file's text, unchecked. Raises `SpecError` when it cannot be read."""
    name = printable(str(path))
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            _await_writer(file.fileno(), name)
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise SpecError(
            f"{name} cannot be read: {why}.", "Check the path; it has to be a TOML file."
        ) from error
    if len(data) > LARGEST_BYTES:
        raise SpecError(f"{name} is larger than 1 MiB: it is no spec.", "Give the path of a TOML file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{name}, line {line}: not UTF-8 text.", "Save the file as UTF-8.") from error


def _await_writer(descriptor: int, name: str) -> None:
    """Make a pipe ready to be read, as a shell's `<(…)` is; one that nobody writes to is not waited for."""
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    if not any(events & select.POLLIN for _, events in ready.poll(PIPE_PATIENCE_S * 1000)):
        raise SpecError(f"{name} is a pipe that nobody writes to.", "Give the path of a TOML file.")
    os.set_blocking(descriptor, True)


def loads(text: str, origin: str = "") -> RunSpec:
    """Read and check a spec; `origin` is what messages call it.

    Raises `SpecError` for what is no TOML, an unknown name, a value out of bounds or a contradiction.
    """
    try:
        raw = _accept_qlora(migrate(_parse(text)))
        check_values(raw)
        spec = typed(raw, RunSpec)
        check(spec)
    except SpecError as error:
        message = _located(error, text, printable(origin))
        raise SpecError(message, error.hint, field=error.field) from error.__cause__
    return spec


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(*_syntax_fault(str(error), text)) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise SpecError("It holds a value too long or too deep to be meant.", "Remove it.") from error


_FAULTS = (
    (r"Invalid value", "a value is missing or is no TOML", 'Text needs quotes: name = "text".'),
    (r"Cannot overwrite a value", "this name is given twice", "Keep one of the two lines."),
    (r"Cannot declare .* twice", "this section begins twice", "Put its fields together under one heading."),
    (r"Cannot mutate|Cannot define", "this name is given in two ways", "Keep one of the two."),
    (r"Unterminated string|Illegal character '\\n'", "a text does not end", "Close its quotes on its line."),
    (r"Unclosed|Expected ']'", "a bracket is not closed", "Close it with ] or }."),
    (r"Expected newline", "something follows the value", 'Text needs quotes: name = "text".'),
    (r"Expected '='", 'a name without "="', "Write name = value, and begin comments with #."),
    (r"Unescaped|Hex value", "a backslash that TOML does not know", r"Write \\ for a backslash."),
)  # fmt: skip


def _syntax_fault(complaint: str, text: str) -> tuple[str, str]:
    """Return sentence and remedy for what tomllib said; the line is not quoted: it may be a secret."""
    place = re.search(r"line (\d+), column (\d+)", complaint)
    line = int(place[1]) if place else text.count("\n") + 1
    for pattern, fault, remedy in _FAULTS:
        if re.search(pattern, complaint):
            return f"line {line}: {fault}.", remedy
    return f"line {line}: not TOML ({printable(complaint.partition(' (at ')[0]).lower()}).", "Mend the line."


def _accept_qlora(raw: dict[str, Any]) -> dict[str, Any]:
    """Read `kind = "qlora"` as what it means: LoRA on a base in nf4."""
    method = raw.get("method")
    if not isinstance(method, dict) or method.get("kind") != "qlora":
        return raw
    return raw | {"method": {"quantization": "nf4"} | method | {"kind": "lora"}}


def _located(error: SpecError, text: str, origin: str) -> str:
    line = line_of(text, error.field) if error.field else None
    place = ", ".join(part for part in (origin, f"line {line}" if line else "") if part)
    if not place:
        return error.message
    separator = ", " if error.message.startswith("line ") else ": "
    return f"{place}{separator}{error.message}"


def line_of(text: str, field: str) -> int | None:
    """Return the line, from 1, on which `section.field` is set or `[section]` begins; None if nowhere."""
    section, _, name = field.partition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = re.match(r"\s*\[+\s*([\w.\"'-]+)\s*\]+", line)
        if heading:
            current = heading[1].strip("\"'")
            if not name and current == section:
                return number
        key = re.match(r"\s*([\w.\"'+-]+)\s*=", line)
        if key and key[1].replace('"', "") in ((name,) if current == section and name else (field,)):
            return number
    return None


def dumps(spec: RunSpec) -> str:
    """Write a spec: every field that applies, with its help; an unset one as a comment line.

    `loads(dumps(spec)) == spec` holds for every spec that passes `check`.
    """
    lines = [f"# {model_label(spec)}, {method_label(spec)}: a run of tui-ft. A field behind # is unset.", ""]
    lines.append(f"schema = {SCHEMA}")
    resolved = resolve(spec)
    for section in declarations.sections().values():
        lines += ["", f"# {section.heading}", f"[{section.name}]"]
        for field in section.fields.values():
            if applies(spec, field):
                value = getattr(getattr(spec, section.name), field.name)
                default = getattr(getattr(resolved, section.name), field.name)
                lines += _comment(field)
                lines.append(assignment(field, value, default))
    return "\n".join(lines) + "\n"


def assignment(field: Declaration, value: object, default: object = None) -> str:
    """Return the line that sets a field, or shows as a comment what it would be."""
    if value is not None:
        return f"{field.name} = {format_value(value)}"
    return f"# {field.name} = {format_value(field.example if default is None else default)}"


def format_value(value: object) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, msgspec.Struct):
        value = {key: item for key, item in msgspec.to_builtins(value).items() if item is not None}
    if isinstance(value, dict):
        items = (f"{_key(key)} = {format_value(item)}" for key, item in value.items())
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(format_value(item) for item in value) + "]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else format_value(key)


def applies(spec: RunSpec, field: Declaration) -> bool:
    """True for a field that the method and the objective of `spec` use."""
    if field.name == "kind":
        return True
    if field.path == "method.double_quantization":
        return uses_double_quantization(spec.method)
    if field.section == "method":
        return field.name in METHOD_KEYS[spec.method.kind]
    if field.section == "objective":
        return field.name in OBJECTIVE_KEYS[spec.objective.kind]
    return True


def _comment(field: Declaration) -> Iterator[str]:
    parts = [field.help]
    if len(field.choices) > 1:
        parts.append(f"Choices: {', '.join(field.choices)}.")
    if field.unit:
        parts.append(f"Unit: {field.unit}.")
    if field.usual:
        parts.append(f"Usual: {field.usual}.")
    for line in textwrap.wrap(" ".join(parts), _WIDTH, break_on_hyphens=False):
        yield f"# {line}"

"""Checks each value of a spec by itself against its declaration, before and after it is a RunSpec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import msgspec

from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.errors import SpecError, has_control_characters, nearest, shown
from tui_ft.spec.finding_codes import Code
from tui_ft.spec.learning import DataSource
from tui_ft.typed import typed

Raw = Mapping[str, Any]


class _Secret(NamedTuple):
    pattern: re.Pattern[str]
    what: str


_LISTS_OF_CODES = frozenset({"health.silence", "health.stop_on"})

_SECRETS = (
    _Secret(re.compile(r"\bhf_[A-Za-z0-9]{16,}"), "a Hugging Face token"),
    _Secret(re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"), "an API key"),
    _Secret(re.compile(r"\b(ghp|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{16,}"), "an access token"),
    _Secret(re.compile(r"https?://[^/\s@]+:[^/\s@]+@"), "an address with a password"),
    _Secret(
        re.compile(r"https?://(hooks\.slack\.com|discord(app)?\.com/api/webhooks|api\.telegram\.org/bot)"),
        "a webhook address",
    ),
)


def check_values(raw: Raw) -> None:
    """Check every value by itself against its declaration; keys that are not declared are errors.

    `raw` is what a TOML file holds, sections and all; `None` stands for an unset field.
    Raises `SpecError`.
    """
    for name, section in raw.items():
        declared = declarations.sections().get(name)
        if declared is None:
            raise unknown_section(name)
        if not isinstance(section, Mapping):
            raise SpecError(
                f"{name} is a section and cannot have a value of its own.",
                f"Write [{name}] and its fields below it.",
                field=name,
            )
        for key, value in section.items():
            declaration = declared.fields.get(key)
            if declaration is None:
                raise unknown_field(name, key)
            if value is not None:
                check_value(declaration, value)


def check_value(declaration: Declaration, value: object) -> None:
    """Raise `SpecError` unless the field of `declaration` may have `value`."""
    for text in _texts(value):
        _refuse_secret(declaration, text)
        if has_control_characters(text):
            raise SpecError(
                f"{declaration.path} holds a control character: {shown(text)}.",
                "Write it again by hand.",
                field=declaration.path,
            )
    if declaration.path == "data.train":
        _check_source_keys(value)
    try:
        typed(value, declaration.type)
    except msgspec.ValidationError:
        raise _unfit(declaration, value) from None
    if declaration.path in _LISTS_OF_CODES:
        _check_codes(declaration, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not declaration.allows(value):
        raise _unfit(declaration, value)


def unknown_section(name: str) -> SpecError:
    """The error for a section that does not exist; it names the nearest one."""
    known = declarations.sections()
    found = nearest(name, known)
    owners = [section for section, declared in known.items() if name in declared.fields]
    if found:
        hint = f"Did you mean [{found}]?"
    elif owners:
        hint = f"{name} belongs below {' or '.join(f'[{owner}]' for owner in owners)}."
    else:
        hint = f"The sections are {', '.join(known)}."
    return SpecError(f"There is no section {shown(name)}.", hint, field=name)


def unknown_field(section: str, name: str) -> SpecError:
    """The error for a field that does not exist; it names the nearest one, in whichever section that is."""
    fields = declarations.sections()[section].fields
    found = nearest(name, fields)
    meant = f"{section}.{found}" if found else _elsewhere(name)
    hint = f"Did you mean {meant}?" if meant else f"[{section}] has {', '.join(fields)}."
    return SpecError(f"{section} has no field {shown(name)}.", hint, field=f"{section}.{name}")


def _elsewhere(name: str) -> str | None:
    paths = declarations.paths()
    same = [path for path in paths if path.partition(".")[2] == name]
    if same:
        return same[0]
    by_name = {path.partition(".")[2]: path for path in paths}
    found = nearest(name, by_name)
    return by_name[found] if found else None


def _unfit(declaration: Declaration, value: object) -> SpecError:
    hints: list[str] = []
    meant = nearest(value, declaration.choices) if isinstance(value, str) else None
    if meant:
        hints.append(f'Did you mean "{meant}"?')
    if declaration.usual:
        hints.append(f"Usual: {declaration.usual}.")
    example = declaration.default if declaration.default not in (None, [], "") else declaration.example
    if not meant and example is not None:
        hints.append(f"For example {declaration.name} = {shown(example)}.")
    return SpecError(
        f"{declaration.path} = {shown(value)} will not do: it has to be {declaration.expected}.",
        " ".join(hints),
        field=declaration.path,
    )


def _check_source_keys(sources: object) -> None:
    """Name a misspelt key of a data source; whatever else is wrong with it, its type tells."""
    known = DataSource.__struct_fields__
    for source in sources if isinstance(sources, list) else ():
        for key in source if isinstance(source, Mapping) else ():
            if key not in known:
                meant = nearest(str(key), known)
                hint = f"Did you mean {meant}?" if meant else f"It may have {', '.join(known)}."
                raise SpecError(f"A source of data.train has no {shown(key)}.", hint, field="data.train")


def _check_codes(declaration: Declaration, codes: object) -> None:
    """A misspelt one would silence nothing, or stop nothing."""
    known = get_args(Code)
    for code in codes if isinstance(codes, list) else ():
        if code not in known:
            meant = nearest(str(code), known)
            hint = f"Did you mean {meant}?" if meant else f"They are {', '.join(known)}."
            raise SpecError(
                f"{declaration.path} names {shown(code)}, which is no finding.", hint, field=declaration.path
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _refuse_secret(declaration: Declaration, text: str) -> None:
    for secret in _SECRETS:
        if secret.pattern.search(text):
            raise SpecError(
                f"{declaration.path} holds what looks like {secret.what}.",
                "A spec is copied into run directories: keep secrets in the environment and remove it here.",
                field=declaration.path,
            )

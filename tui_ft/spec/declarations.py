"""Reads the declarations of the RunSpec's fields, for whoever asks, explains, checks or writes one."""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from tui_ft.spec.learning import DataSource
from tui_ft.spec.run_spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One field: where it stands, what it is, and which values it takes."""

    section: str
    name: str
    title: str
    help: str
    type: Any
    default: object
    unit: str = ""
    usual: str = ""
    example: object = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    @property
    def path(self) -> str:
        """The name that TOML, `--set` and messages use: `section.field`."""
        return f"{self.section}.{self.name}"

    @property
    def members(self) -> tuple[Any, ...]:
        """The types of which a value may be; `None` is not among them, for TOML has none."""
        union = get_origin(self.type) in (types.UnionType, typing.Union)
        found = get_args(self.type) if union else (self.type,)
        return tuple(member for member in found if member is not types.NoneType)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of which the value may be one."""
        return next((get_args(member) for member in self.members if get_origin(member) is Literal), ())

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that are allowed where only some are, as the value or as the items of a list."""
        items = (get_args(member)[0] for member in self.members if get_origin(member) is list)
        return self.words or next((get_args(item) for item in items if get_origin(item) is Literal), ())

    @property
    def is_list(self) -> bool:
        """True when a value may be a list."""
        return any(get_origin(member) is list for member in self.members)

    def allows(self, number: float) -> bool:
        """True when `number` is finite and lies within the bounds."""
        return (
            (isinstance(number, int) or math.isfinite(number))  # an int may be too long for a float
            and (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )

    @property
    def bounds(self) -> str:
        """The bounds as words: `from 1 to 1024`, `above 0, at most 1`; empty without any."""
        if self.ge is not None and self.le is not None:
            return f"from {_bound(self.ge)} to {_bound(self.le)}"
        words = {"from ": self.ge, "above ": self.gt, "at most ": self.le, "below ": self.lt}
        return ", ".join(f"{word}{_bound(bound)}" for word, bound in words.items() if bound is not None)

    @property
    def expected(self) -> str:
        """What a value has to be, as words."""
        return " or ".join(_words_of(member, self.bounds) for member in self.members)


def _bound(number: float) -> str:
    """A bound as people write it: a large one without `.0`."""
    return f"{int(number):,}" if abs(number) >= 1000 and number == int(number) else f"{number:,}"


def _words_of(member: Any, bounds: str) -> str:
    origin = get_origin(member)
    if origin is Literal:
        choices = [f'"{choice}"' for choice in get_args(member)]
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if member in (int, float):
        return f"{'a whole number' if member is int else 'a number'} {bounds}".strip()
    if member is bool:
        return "true or false"
    if origin is dict:
        return "a table of names"
    if origin is list:
        return _words_of_list(get_args(member)[0])
    return "text in quotes"


def _words_of_list(item: Any) -> str:
    if item is DataSource:
        return "a list of { path, weight, format, columns }"
    if get_origin(item) is Literal:
        return f"a list out of {', '.join(get_args(item))}"
    return "a list of texts" if item is str else "a list of numbers and texts"


@dataclass(frozen=True, kw_only=True)
class SectionDeclaration:
    """One table of the spec file: its name, its heading and its fields in order."""

    name: str
    heading: str
    fields: Mapping[str, Declaration]


@functools.cache
def sections() -> Mapping[str, SectionDeclaration]:
    """Return every section by name, in the order of the spec file."""
    found: dict[str, SectionDeclaration] = {}
    for section in msgspec.structs.fields(RunSpec):
        struct: type[msgspec.Struct] = section.type
        heading = (struct.__doc__ or "").splitlines()[0]
        found[section.name] = SectionDeclaration(
            name=section.name, heading=heading, fields=_fields(section.name, struct)
        )
    return found


def find(path: str) -> Declaration | None:
    """Return the declaration of `section.field`; None when there is none."""
    section, _, name = path.partition(".")
    declared = sections().get(section)
    return declared.fields.get(name) if declared else None


def paths() -> tuple[str, ...]:
    """Return every `section.field` there is."""
    return tuple(field.path for section in sections().values() for field in section.fields.values())


def _fields(section: str, struct: type[msgspec.Struct]) -> dict[str, Declaration]:
    hints = typing.get_type_hints(struct, include_extras=True)
    blank = struct()
    return {name: _declaration(section, name, hints[name], getattr(blank, name)) for name in hints}


def _declaration(section: str, name: str, hint: Any, default: object) -> Declaration:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{section}.{name} is not declared")
    bare, meta = get_args(hint)
    return Declaration(
        section=section,
        name=name,
        title=meta.title,
        help=meta.description,
        type=bare,
        default=default,
        **meta.extra,
    )

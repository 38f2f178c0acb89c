"""The fields of a draft as rows: value, what it differs from, whether it is usual; first what matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_ft.guide.volume import share_longer
from tui_ft.spec import declarations
from tui_ft.spec.advice import ADVICE, band_of, outside
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.display import number_text
from tui_ft.spec.resolve import resolve, resolved_optimizer
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import applies, format_value
from tui_ft.tui.text import plain

if TYPE_CHECKING:
    from tui_ft.tui.wizard.draft import Draft

RECOMMENDED, PRESET = "≠", "P"
"""The marks of a value that is not the recommended one, and not the preset's."""

CUT_AT_MOST = 0.01
"""A larger share of cut rows is worth a word (facts: domain, d)."""

_AUTO = "auto"

_ANSWERS = frozenset(
    {"model.id", "model.revision", "model.adapter", "data.train", "data.eval", "data.format", "data.columns"}
)
"""What only the user can know: nothing is recommended there, nor under [notes]."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. `value` is the spec's own, `means` what holds: the default filled in where there is one.

    `recommended` and `in_preset` say what it is there, None where it is the same (or there is no preset).
    `warning` says why the value is not a usual one, `usual` what would be; `opens_group`: the section
    begins here.
    """

    field: Declaration
    value: object
    means: object
    shown: str
    recommended: str | None = None
    in_preset: str | None = None
    warning: str = ""
    usual: str = ""
    opens_group: bool = False

    @property
    def path(self) -> str:
        return self.field.path

    @property
    def is_default(self) -> bool:
        """True when nobody set it: what it means follows from the rest."""
        return self.value == self.field.default

    @property
    def marks(self) -> str:
        """One cell for each kind of difference."""
        return (RECOMMENDED if self.recommended is not None else " ") + (
            PRESET if self.in_preset is not None else " "
        )


def field_rows(spec: RunSpec, draft: Draft, *, with_all: bool) -> list[FieldRow]:
    """The fields that `spec` uses, with all of them in the order of the file, else those that matter most.

    `spec` is the draft's own, or what it would be with a value that is being typed.
    """
    preset = draft.preset[1] if draft.preset else None
    resolved, base = resolve(spec), resolve(draft.base)
    found_preset = resolve(preset) if preset is not None else None
    rows: list[FieldRow] = []
    section = ""
    for field in _fields(spec, with_all=with_all):
        means = value_of(resolved, field)
        rows.append(
            FieldRow(
                field=field,
                value=value_of(spec, field),
                means=means,
                shown=_shown(spec, field, means),
                recommended=None if _is_answer(field) else _other(base, field, means),
                in_preset=_other(found_preset, field, means) if found_preset is not None else None,
                warning=_warning(spec, field, means, draft),
                usual=_usual(spec, field),
                opens_group=field.section != section,
            )
        )
        section = field.section
    return rows


def _fields(spec: RunSpec, *, with_all: bool) -> Iterator[Declaration]:
    used = [
        field
        for section in declarations.sections().values()
        for field in section.fields.values()
        if applies(spec, field)
    ]
    if with_all:
        yield from used
        return
    ranked = ((ADVICE[field.path].rank, field) for field in used)
    yield from (field for rank, field in sorted(ranked, key=lambda one: one[0]) if rank)


def _is_answer(field: Declaration) -> bool:
    return field.path in _ANSWERS or field.section == "notes"


def value_of(spec: RunSpec, field: Declaration) -> object:
    """The value of a field in a spec."""
    found: object = getattr(getattr(spec, field.section), field.name)
    return found


def _warning(spec: RunSpec, field: Declaration, means: object, draft: Draft) -> str:
    """Why the value is not a usual one, or not one for these rows."""
    if field.path == "data.max_length":
        cut = share_longer(spec, draft.findings, spec.data.max_length)
        if cut is not None and cut > CUT_AT_MOST:
            return f"{cut:.0%} of the rows are longer and lose their end".replace("%", " %")
    return outside(spec, field.path, means)


def _usual(spec: RunSpec, field: Declaration) -> str:
    """The usual band in this very spec, else what the declaration says of it."""
    band = band_of(spec, field.path)
    return field.usual if band is None else band.text


def _other(other: RunSpec, field: Declaration, means: object) -> str | None:
    """What the field is in another spec; None when it is the same there, or the field is not used there."""
    theirs = value_of(other, field)
    return None if theirs == means or not applies(other, field) else value_text(theirs)


def _shown(spec: RunSpec, field: Declaration, means: object) -> str:
    if field.path == "training.optimizer" and means == _AUTO:
        return f"{_AUTO}: {resolved_optimizer(spec, on_gpu=True)}"
    return value_text(means)


def value_text(value: object) -> str:
    """A value as people read it, on one line."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str):
        return plain(value) or "empty"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return plain(", ".join(value)) or "none"
    return plain(format_value(value))


def edit_text(value: object) -> str:
    """A value as the line begins in which it is edited."""
    if value is None:
        return ""
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str) and value.isprintable() and not value.startswith(('"', "'", "[", "{")):
        return value
    if isinstance(value, list) and value and all(_is_bare(item) for item in value):
        return ", ".join(value)
    return format_value(value)


def _is_bare(item: object) -> bool:
    """True for a name that stands in a list without quotes."""
    return isinstance(item, str) and item.isprintable() and not set(item) & set(",\"'[]{}#= ")

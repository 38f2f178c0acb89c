"""What differs between two specs, field by field, with what an unset field means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.errors import printable
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import applies, format_value


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field of two specs; `left` and `right` are its values as words, defaults filled in.

    A value that is not used by the method or objective of its spec is `–`.
    """

    field: Declaration
    left: str
    right: str

    @property
    def is_equal(self) -> bool:
        return self.left == self.right


def compare(left: RunSpec, right: RunSpec, *, with_equal: bool = False) -> list[Difference]:
    """Return the fields in which two specs mean something else, in the order of the spec file.

    With `with_equal` also those that both use and in which they agree.
    """
    found = _differences(left, right)
    return [one for one in found if not one.is_equal or (with_equal and one.left != NOT_USED)]


NOT_USED = "–"


def _differences(left: RunSpec, right: RunSpec) -> Iterator[Difference]:
    full = resolve(left), resolve(right)
    for section in declarations.sections().values():
        for field in section.fields.values():
            yield Difference(
                field=field, left=_value(left, full[0], field), right=_value(right, full[1], field)
            )


def _value(spec: RunSpec, full: RunSpec, field: Declaration) -> str:
    if not applies(spec, field):
        return NOT_USED
    value = getattr(getattr(full, field.section), field.name)
    return "unset" if value is None else printable(format_value(value).strip('"'))

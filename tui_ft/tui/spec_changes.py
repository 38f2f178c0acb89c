"""What differs between two specs, in a few words a field."""

from __future__ import annotations

from collections.abc import Collection

from tui_ft.spec import declarations
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import format_value
from tui_ft.tui.text import plain


def changes(spec: RunSpec, first: RunSpec, *, without: Collection[str] = ()) -> list[str]:
    """What `spec` has otherwise than `first`: `batch_size 4 → 2`; the sections `without` are left out."""
    found = []
    for section in declarations.sections().values():
        if section.name in without:
            continue
        for field in section.fields.values():
            old = getattr(getattr(first, section.name), field.name)
            new = getattr(getattr(spec, section.name), field.name)
            if old != new:
                name = field.path if field.name in ("kind", "id") else field.name
                found.append(f"{name} {_value(old)} → {_value(new)}")
    return found


def _value(value: object) -> str:
    return "unset" if value is None else plain(format_value(value).strip('"'))

"""Brings a spec of an older schema up to the present one; one function a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tui_ft.spec.errors import SpecError, shown
from tui_ft.spec.run_spec import SCHEMA

MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each released schema to the next one; nothing but schema 1 has been released."""


def migrate(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return `raw`, the content of a spec file, in the present schema and without its `schema` key.

    A file without `schema` counts as the present one. Raises `SpecError` for a newer schema: a spec
    is carried out, and what is not understood could mean something else.
    """
    content = dict(raw)
    schema = content.pop("schema", SCHEMA)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise SpecError(
            f"schema = {shown(schema)} will not do: it has to be a whole number from 1 on.",
            f"Write schema = {SCHEMA}.",
            field="schema",
        )
    if schema > SCHEMA:
        raise SpecError(
            f"The spec has schema {schema}; this version of tui-ft knows up to {SCHEMA}.",
            "Update tui-ft, or make the spec again from a preset.",
            field="schema",
        )
    for version in range(schema, SCHEMA):
        content = MIGRATIONS[version](content)
    return content

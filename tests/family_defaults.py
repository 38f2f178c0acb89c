"""Writes what the config classes of transformers take for keys that a config.json leaves out.

`python tests/family_defaults.py` rewrites `tui_ft/vram/families/defaults.json`.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from tui_ft.vram.families.expression import names_in
from tui_ft.vram.families.layout import Family, parsed
from tui_ft.vram.families.sizes import STANDARD
from tui_ft.vram.families.table import FAMILIES
from tui_ft.vram.families.towers import TOWERS

PATH = Path(__file__).parents[1] / "tui_ft" / "vram" / "families" / "defaults.json"


def keys_of(row: Family) -> set[str]:
    """Every key of a config that `row` may ask for."""
    texts = [*row.each.values(), *row.refuse, "h + L + heads + V + kv + d + q + k + E + m + top + tied"]
    for line in (*parsed(row.block), *parsed(row.around)):
        texts += [*line.sizes, line.bias or "True", line.condition or "True"]
    known = {**STANDARD, **row.let}
    todo = set().union(*(names_in(text) for text in texts))
    done: set[str] = set()
    while todo - done:
        name = (todo - done).pop()
        done.add(name)
        todo |= names_in(known[name]) if name in known and known[name] != name else set()
    derived = {name for name in known if known[name] != name}
    always = {"sliding_window", "use_sliding_window", "max_position_embeddings"}
    return always | {name for name in done if name not in derived and name not in row.each}


def defaults_of(config_class: Any, keys: set[str]) -> dict[str, Any]:
    """The defaults of `config_class` for `keys`, those without one left out."""
    declared = {field.name: field for field in fields(config_class)}
    found: dict[str, Any] = {}
    for key in sorted(keys):
        field = declared.get(key)
        if field is None:
            value = getattr(config_class, key, None)
        elif field.default is not MISSING:
            value = field.default
        else:
            value = field.default_factory() if field.default_factory is not MISSING else None
        if isinstance(value, (bool, int, float, str, list, tuple, dict)):
            found[key] = value
    return found


def everything() -> dict[str, dict[str, Any]]:
    """The whole table, as it is shipped."""
    from peft.utils.transformers_weight_conversion import (
        _MODEL_TO_CONVERSION_PATTERN,
        _MOE_TARGET_MODULE_MAPPING,
        get_checkpoint_conversion_mapping,
    )
    from transformers import CONFIG_MAPPING

    rows = {**FAMILIES, **{tower.family: tower.row for found in TOWERS.values() for tower in found}}
    classes = {name: CONFIG_MAPPING[name] for name in rows}
    return {
        "defaults": {name: defaults_of(classes[name], keys_of(row)) for name, row in sorted(rows.items())},
        "aliases": {
            name: dict(sorted(classes[name].attribute_map.items()))
            for name in sorted(rows)
            if classes[name].attribute_map
        },
        "experts": {
            name: pattern
            for name in sorted(rows)
            if (pattern := _MODEL_TO_CONVERSION_PATTERN.get(name)) in _MOE_TARGET_MODULE_MAPPING
            and get_checkpoint_conversion_mapping(name) is not None
        },
    }


def as_text() -> str:
    """One family a line."""
    table = everything()
    parts = []
    for kind, by_family in table.items():
        rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in by_family.items()]
        parts.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(rows) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(as_text(), encoding="utf-8")

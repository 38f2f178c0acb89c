"""Carries out `section.field=value`, as `--set` and the screens give it, on a spec."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.errors import SpecError, nearest, shown
from tui_ft.spec.resolve import METHOD_KEYS, OBJECTIVE_KEYS
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.validate import check
from tui_ft.spec.values import check_value, unknown_field, unknown_section
from tui_ft.typed import typed

Raw = dict[str, dict[str, Any]]


def apply(spec: RunSpec, overrides: Iterable[str]) -> RunSpec:
    """Return `spec` with each `section.field=value` set and checked.

    A value is TOML, or text without its quotes; names may stand in a list with commas between
    (`method.targets=q_proj,v_proj`); an empty value or `none` puts the field back to its default.
    Choosing another method or objective drops the keys that it does not use.
    Raises `SpecError` for an unknown field, a bad value, or a spec that then contradicts itself.
    """
    given = dict(_split(override) for override in overrides)
    if not given:
        return spec
    raw: Raw = msgspec.to_builtins(spec)
    if given.get("method.kind") == "qlora":
        given = {"method.quantization": "nf4"} | given | {"method.kind": "lora"}
    for path, text in given.items():
        field = _declared(path)
        value = _value(field, text)
        if value is None:
            value = msgspec.to_builtins(field.default)
        else:
            check_value(field, value)
        raw[field.section][field.name] = value
    _drop_unused(raw, given, "method", METHOD_KEYS)
    _drop_unused(raw, given, "objective", OBJECTIVE_KEYS)
    changed = typed(raw, RunSpec)
    check(changed)
    return changed


def _split(override: str) -> tuple[str, str]:
    path, equals, text = override.partition("=")
    if not equals:
        raise SpecError(
            f"{shown(override)} sets nothing.", "Write section.field=value, for example method.rank=32."
        )
    return path.strip(), text.strip()


def _declared(path: str) -> Declaration:
    field = declarations.find(path)
    if field is not None:
        return field
    section, dot, name = path.partition(".")
    if not dot:
        owners = [known for known in declarations.paths() if known.partition(".")[2] == path]
        meant = owners[0] if owners else nearest(path, declarations.paths())
        hint = f"Did you mean {meant}?" if meant else "Write section.field=value."
        raise SpecError(f"{shown(path)} is no field of a spec.", hint, field=path)
    if section not in declarations.sections():
        raise unknown_section(section)
    raise unknown_field(section, name)


def _value(field: Declaration, text: str) -> Any:
    """Return what `text` means for `field`; None puts it back to its default."""
    if text == "" or (text.lower() == "none" and field.default is None):
        return None
    value = _parse(text)
    if value is None:
        return _bare(field, text)
    if str in field.members and not isinstance(value, (str, list)):
        return text
    return value


def _parse(text: str) -> Any:
    """Return `text` as a TOML value, or None where it is none by itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # no TOML, or more digits or brackets than Python reads
        return None
    return parsed["value"] if parsed.keys() == {"value"} else None


def _bare(field: Declaration, text: str) -> Any:
    """Return the meaning of a text that is no TOML: a word, a path, or names with commas between."""
    if field.members == (bool,):
        return {"true": True, "false": False}.get(text.lower(), text)
    if not field.is_list or text in field.words or field.path == "data.train":
        return text
    if field.path == "evaluation.prompts":
        return [text]
    items = [item.strip() for item in text.split(",")]
    return [int(item) if item.isdigit() and field.path == "hardware.gpus" else item for item in items]


def _drop_unused(raw: Raw, given: Mapping[str, str], section: str, used: Mapping[Any, Any]) -> None:
    """After a choice of kind, unset what only the former kind used; what was given stays, to be refused.

    Quantization goes too: LoRA with it is called QLoRA, so who asks for LoRA asks for none.
    """
    if f"{section}.kind" not in given:
        return
    keys = set(used[raw[section]["kind"]]) - {"quantization", "double_quantization"}
    for key in raw[section]:
        if key != "kind" and key not in keys and f"{section}.{key}" not in given:
            raw[section][key] = None

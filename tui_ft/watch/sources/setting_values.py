"""Settings that others keep as JSON or text: flat, few, and without their secrets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from tui_ft.watch.processes.secrets import MASK, is_secret_name, is_surely_secret, mask_arguments
from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources.flat_yaml import yaml_value

MOST_SETTINGS = 600
_DEEPEST = 4
_LONGEST_TEXT = 300


def flat(settings: Mapping[str, Any]) -> dict[str, SettingValue]:
    """Return nested settings by dotted names; lists as text, secrets hidden, `MOST_SETTINGS` at most."""
    found: dict[str, SettingValue] = {}
    for name, value in _walk("", settings, 0):
        if len(found) >= MOST_SETTINGS:
            break
        found[name[:_LONGEST_TEXT]] = shown(name, value)
    return found


def _walk(prefix: str, settings: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEEPEST:
            yield from _walk(f"{name}.", value, depth + 1)
        else:
            yield name, value


def shown(name: str, value: Any) -> SettingValue:
    """A setting's value as it may be shown: hidden where its name says that it is a secret."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return MASK if is_surely_secret(name) else value
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        text = " ".join(mask_arguments(value))
    else:
        text = (
            value if isinstance(value, str) else json.dumps(_masked(value), default=str, ensure_ascii=False)
        )
    return mask_arguments([f"{name.replace('=', ' ')}={text}"])[0].partition("=")[2][:_LONGEST_TEXT]


def _masked(value: Any, depth: int = 0) -> Any:
    """Lists and dictionaries without the secrets in them; what is nested deeper is left out."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {
            key: _masked(inner, depth + 1)
            if isinstance(inner, dict | list) and not is_secret_name(str(key))
            else shown(str(key), inner)
            for key, inner in value.items()
        }
    return [_masked(inner, depth + 1) for inner in value] if isinstance(value, list) else value


def plain(value: object) -> SettingValue:
    """A setting that was kept as text: a number, a truth or none where it is one, else the text."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)
    return yaml_value(value)


def loads(text: str | bytes) -> Any:
    """Decode JSON as Python writes it (bare NaN too); None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def whole(value: object) -> int | None:
    """A setting read as a positive whole number; None for anything else."""
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
        )
    except (ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) and 0 < number < 1e15 and number == int(number) else None

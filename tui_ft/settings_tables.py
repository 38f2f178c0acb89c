"""What stands in settings.toml, checked table by table; no value of a secret is ever part of an error."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.settings_shape import Hook, Settings, Target
from tui_ft.typed import typed

DEAREST = 1e6
LONGEST_CURRENCY = 5
_LONGEST_IDLE_MINUTES = 10_080
_LONGEST_NAME = 40

_WORDS = {
    "float": ("a number", "2.5"), "int": ("a whole number", "15"), "str": ("text in quotes", '"…"'),
    "bool": ("true or false", "true"), "object": ("a table", ""), "dict": ("a table", ""),
}  # fmt: skip
"""What a key has to be, in words, with an example."""

_NEEDS = {"webhook": ("url",), "ntfy": ("topic",), "command": ("command",), "bell": ()}
_MAY_HAVE = {"webhook": ("token",), "ntfy": ("url", "token"), "command": (), "bell": ()}


def read_tables(path: Path, data: dict[str, Any]) -> Settings:
    """Return the settings that `data` of the file `path` says. Raises `TuiFtError`."""
    _only_known(path, data, Settings, "")
    tables = {**data, "hooks": _hooks(path, data.get("hooks", {}))}
    for name, table in _tables(path, data, "notify").items():
        _only_known(path, table, Target, f"notify.{name}.")
        _typed(path, table, Target, f"notify.{name}.")
    for name, table in tables["hooks"].items():
        _typed(path, table, Hook, f"hooks.{name}.")
    found: Settings = _typed(path, tables, Settings, "")
    _check_prices(path, found)
    for name, target in found.notify.items():
        _check_target(path, name, target)
    for name, hook in found.hooks.items():
        _check_command(path, f"hooks.{name}", hook.command)
    return found


def _wrong(path: Path, what: str, hint: str = "Mend or remove it.") -> TuiFtError:
    return TuiFtError(f"The settings {path} are wrong: {what.rstrip('.')}.", hint)


def _typed(path: Path, table: Any, kind: Any, where: str) -> Any:
    """`table` as `kind`. Raises `TuiFtError` that names the key and what it has to be, never its value."""
    try:
        return typed(table, kind)
    except msgspec.ValidationError as error:
        message = str(error)
    at = re.search(r" - at `\$\.?(.*)`$", message)
    key = (where + (at[1] if at else "")).rstrip(".")
    if key.endswith("[...]"):
        key = f"an entry of {key.removesuffix('[...]')}"
    if message.startswith("Invalid enum value"):
        raise _wrong(path, f"{key} is none of {', '.join(_NEEDS)}") from None
    if missing := re.search(r"missing required field `(\w+)`", message):
        raise _wrong(path, f"[{key}] has no {missing[1]}", f"Give it a {missing[1]}.") from None
    wanted = re.search(r"Expected `(\w+)", message)
    words, example = _WORDS.get(wanted[1] if wanted else "", ("of another kind", ""))
    last = key.rpartition(".")[2].rpartition(" ")[2]
    hint = f"For example {last} = {example}." if example and " " not in key else "Mend or remove it."
    raise _wrong(path, f"{key} has to be {words}", hint) from None


def _only_known(path: Path, table: Any, kind: Any, where: str) -> None:
    if not isinstance(table, dict):
        raise _wrong(path, f"{where.rstrip('.')} is no table")
    unknown = sorted(table.keys() - kind.__dataclass_fields__.keys())
    if unknown:
        meant = difflib.get_close_matches(str(unknown[0]), list(kind.__dataclass_fields__), n=1)
        hint = f"Did you mean {where}{meant[0]}?" if meant else "Mend or remove it."
        raise _wrong(path, f"{where}{unknown[0]} is no setting", hint)


def _tables(path: Path, data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise _wrong(path, f"{name} is no table")
    for key in found:
        if not 0 < len(key) <= _LONGEST_NAME or not key.isprintable() or "://" in key:
            raise _wrong(path, f"[{name}] has a name that is no name", "A short word will do.")
    return found


def _hooks(path: Path, data: Any) -> dict[str, Any]:
    """A command alone is a hook with nothing else said."""
    tables = {
        name: {"command": hook} if isinstance(hook, str) else hook
        for name, hook in _tables(path, {"hooks": data}, "hooks").items()
    }
    for name, table in tables.items():
        _only_known(path, table, Hook, f"hooks.{name}.")
    return tables


def _check_prices(path: Path, found: Settings) -> None:
    prices = {f"price_per_gpu.{name}": price for name, price in found.price_per_gpu.items()}
    for name, price in {"price_per_hour": found.price_per_hour, **prices}.items():
        if price is not None and not 0 <= price < DEAREST:
            raise _wrong(
                path, f"{name} = {price} is no price of a GPU hour", "For example price_per_hour = 2.5."
            )
    if len(found.currency) > LONGEST_CURRENCY or not found.currency.isprintable():
        raise _wrong(path, "currency is a sign or a short word", 'For example "€" or "USD ".')
    if not 0 < found.idle_minutes <= _LONGEST_IDLE_MINUTES:
        raise _wrong(path, f"idle_minutes = {found.idle_minutes} will not do", "For example 15.")


def _check_target(path: Path, name: str, target: Target) -> None:
    needs = _NEEDS[target.kind]
    for key in ("url", "topic", "token", "command"):
        value = getattr(target, key)
        if value is None and key in needs:
            raise _wrong(path, f"[notify.{name}] is a {target.kind} without {key}", f"Give it a {key}.")
        if value is not None and key not in (*needs, *_MAY_HAVE[target.kind]):
            raise _wrong(path, f"[notify.{name}] is a {target.kind}, which takes no {key}")
    if target.command is not None:
        _check_command(path, f"notify.{name}", target.command)


def _check_command(path: Path, where: str, command: str) -> None:
    import shlex

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise _wrong(path, f"the command of {where} is no command: {error}") from None
    if not words:
        raise _wrong(path, f"the command of {where} is empty")

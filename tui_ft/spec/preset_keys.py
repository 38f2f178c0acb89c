"""Which digit starts which preset: the user's choice, kept beside the presets, then the order of the list."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import tomli_w

from tui_ft.atomic import keep
from tui_ft.errors import TuiFtError
from tui_ft.spec.errors import printable

KEYS = "123456789"

FILE = ".keys.toml"
"""In the user's presets folder: `"1" = "name"`. It begins with a dot, so that it is no preset."""


def chosen_keys(folder: Path) -> dict[str, str]:
    """Return digit → preset name as the user chose them; an absent file means no choice.

    Raises `TuiFtError` for a file that cannot be read or holds anything else.
    """
    path = folder / FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise TuiFtError(f"The keys of the presets, {path}, cannot be read.", "Mend or remove it.") from error
    if not all(_is_key(key) and isinstance(name, str) for key, name in data.items()):
        raise TuiFtError(
            f"The keys of the presets, {path}, hold something else than a digit and a name.",
            'A line is "1" = "name". Mend or remove the file.',
        )
    return data


def assign(names: Iterable[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return preset name → digit: the chosen ones, then the digits that are left in the order of `names`."""
    names = list(names)
    found = {name: key for key, name in chosen.items() if name in names}
    free = iter([key for key in KEYS if key not in found.values()])
    for name in names:
        if name not in found and (key := next(free, None)) is not None:
            found[name] = key
    return found


def check_key(key: str) -> None:
    """Raise `TuiFtError` for a key that is no digit from 1 to 9."""
    if not _is_key(key):
        raise TuiFtError(f"{printable(key)!r} is no key for a preset.", "The keys are 1 to 9.")


def _is_key(key: str) -> bool:
    return len(key) == 1 and key in KEYS


def choose(folder: Path, names: Iterable[str], name: str, key: str) -> str | None:
    """Let `key` start the preset `name`; the one that had it takes the key that `name` had.

    `names` are all presets in their order. Returns the name of the other one, None when the key was free.
    Raises `TuiFtError` for a key that is no digit from 1 to 9.
    """
    check_key(key)
    chosen = chosen_keys(folder)
    now = assign(names, chosen)
    before, other = now.get(name), next((one for one, has in now.items() if has == key), None)
    if other == name:
        other = None
    chosen = {k: n for k, n in chosen.items() if n != name and k != key}
    chosen[key] = name
    if other is not None and before is not None:
        chosen[before] = other
    _write(folder, chosen)
    return other


def pin(folder: Path, names: Iterable[str]) -> None:
    """Keep every key as it is now: a preset that comes, goes or is renamed then moves no other's."""
    _write(folder, {key: name for name, key in assign(names, chosen_keys(folder)).items()})


def forget(folder: Path, name: str) -> None:
    """Take back the choice of a key for `name`."""
    chosen = chosen_keys(folder)
    if name in chosen.values():
        _write(folder, {key: other for key, other in chosen.items() if other != name})


def rename(folder: Path, old: str, new: str) -> None:
    """Let the key that was chosen for `old` be that of `new`."""
    chosen = chosen_keys(folder)
    if old in chosen.values():
        _write(folder, {key: new if name == old else name for key, name in chosen.items()})


def _write(folder: Path, chosen: Mapping[str, str]) -> None:
    keep(folder / FILE, tomli_w.dumps(dict(sorted(chosen.items()))).encode())

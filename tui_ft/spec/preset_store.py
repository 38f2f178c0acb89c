"""Keeps the user's own presets: save, rename, delete, choose a key. Shipped ones are never changed."""

from __future__ import annotations

import re
from pathlib import Path

from tui_ft import settings
from tui_ft.atomic import keep
from tui_ft.errors import TuiFtError
from tui_ft.spec import preset_keys, toml
from tui_ft.spec.errors import printable
from tui_ft.spec.presets import Preset, find_preset, list_presets
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml_edit import rewrite

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")


def save(
    spec: RunSpec,
    name: str,
    *,
    key: str | None = None,
    summary: str = "",
    text: str | None = None,
    replace: bool = False,
    folder: Path | None = None,
) -> Preset:
    """Keep `spec` as the user's preset `name`; `key` is the digit that is to start it.

    Without one it gets a digit that no preset has, if there is any: what a finger knows stays.

    `text` is the spec as a person wrote it: its comments stay. `summary` becomes its first line. A preset of
    that name is kept unless `replace`. Raises `TuiFtError` for a name that cannot be one or is taken, for
    another key than 1 to 9, and when the folder cannot be written.
    """
    folder = folder or settings.user_presets_folder()
    _check_name(name)
    if key:
        preset_keys.check_key(key)  # first: else the preset would be kept and its key refused
    path = folder / f"{name}.toml"
    if path.exists() and not replace:
        raise TuiFtError(f"There is a preset {name} already.", "Choose another name, or replace it.")
    written = rewrite(text, spec) if text is not None else toml.dumps(spec)
    written = with_summary(written, summary)
    toml.loads(written, name)  # what is kept can be read again
    _pin_keys(folder)
    keep(path, written.encode())
    if key:
        choose_key(name, key, folder=folder)
    return _listed(name, folder)


def rewrite_text(preset: Preset, text: str) -> Preset:
    """Give a preset of the user's another text, byte for byte. Raises `SpecError` when it is no spec."""
    toml.loads(text, preset.name)
    keep(preset.path, text.encode())
    return _listed(preset.name, preset.path.parent)


def with_summary(text: str, summary: str) -> str:
    """Return a spec's text with `summary` as its first comment line, which lists show; "" leaves it."""
    summary = printable(summary).strip()
    if not summary:
        return text
    first, _, rest = text.partition("\n")
    if first.startswith("#"):
        return f"# {summary}\n{rest}"
    return f"# {summary}\n\n{text}"


def rename(preset: Preset, name: str, *, folder: Path | None = None) -> Preset:
    """Give a preset of the user's another name; its key goes with it. Raises `TuiFtError`."""
    folder = folder or settings.user_presets_folder()
    _require_own(preset, "renamed", folder)
    _check_name(name)
    path = folder / f"{name}.toml"
    if path.exists():
        raise TuiFtError(f"There is a preset {name} already.", "Choose another name.")
    _pin_keys(folder)
    try:
        preset.path.rename(path)
    except OSError as error:
        raise TuiFtError(f"{preset.name} cannot be renamed: {error.strerror}.") from error
    preset_keys.rename(folder, preset.name, name)
    return _listed(name, folder)


def delete(preset: Preset, *, folder: Path | None = None) -> None:
    """Remove a preset of the user's for good. Raises `TuiFtError`, for a shipped one too."""
    folder = folder or settings.user_presets_folder()
    _require_own(preset, "deleted", folder)
    _pin_keys(folder)
    try:
        preset.path.unlink()
    except OSError as error:
        raise TuiFtError(f"{preset.name} cannot be deleted: {error.strerror}.") from error
    if not any(found.name == preset.name for found in list_presets(folder)[0]):
        preset_keys.forget(folder, preset.name)  # else a shipped one of the same name is there again


def choose_key(name: str, key: str, *, folder: Path | None = None) -> str | None:
    """Let the digit `key` start the preset `name`.

    Returns the name of the preset that had the key and now has that of `name`, None when it was free.
    Raises `TuiFtError` for an unknown preset and for another key than 1 to 9.
    """
    folder = folder or settings.user_presets_folder()
    names = [preset.name for preset in list_presets(folder)[0]]
    if name not in names:
        find_preset(name, folder)  # raises, unless it is a file
        raise _no_preset(name)
    return preset_keys.choose(folder, names, name, key)


def _pin_keys(folder: Path) -> None:
    preset_keys.pin(folder, [preset.name for preset in list_presets(folder)[0] if preset.key is not None])


def _listed(name: str, folder: Path) -> Preset:
    return next(preset for preset in list_presets(folder)[0] if preset.name == name)


def _require_own(preset: Preset, done: str, folder: Path) -> None:
    if preset.source != "user":
        raise TuiFtError(
            f"{preset.name} comes with tui-ft and cannot be {done}.",
            "Save a copy under a name of your own and change that.",
        )
    if preset.path.parent != folder.absolute():
        raise _no_preset(str(preset.path))


def _no_preset(name: str) -> TuiFtError:
    return TuiFtError(f"{printable(name)} is a file, not a preset.", "Save it as a preset first.")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise TuiFtError(
            f"{printable(name)!r} cannot be the name of a preset.",
            "Use up to 60 letters, digits, dots, dashes, plus and underscores; a letter or digit first.",
        )

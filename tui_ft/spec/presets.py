"""Finds presets, the user's own and the shipped ones, with the keys that start them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tui_ft.errors import TuiFtError
from tui_ft.spec import preset_keys, toml
from tui_ft.spec.errors import SpecError, nearest, printable
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

_FIRST = ("demo", "qlora-8b-24gb", "lora-3b-24gb")
"""What most people want first has the first keys; the others follow by name."""

_WITHOUT_KEY = frozenset({"preemptible"})
"""Shipped ones that get no key unless one is chosen: the ninth is left for the user's own."""

Source = Literal["user", "shipped"]

_NO_KEY = "~"
"""Behind every digit."""

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A spec file to start from.

    `key` starts it on the home screen, `text` is the file as it stands, `summary` its first comment line.
    """

    name: str
    path: Path
    key: str | None
    spec: RunSpec
    text: str
    summary: str
    source: Source


def shipped_folder() -> Path:
    """Return the folder of the shipped presets: in the package of a wheel, beside it in a source tree."""
    inside = _PACKAGE / "presets"
    return inside if inside.is_dir() else _PACKAGE.parent / "presets"


def list_presets(user_folder: Path, shipped: Path | None = None) -> tuple[list[Preset], list[str]]:
    """Return the presets in the order of their keys, and a sentence for each file that is none.

    Keys are those that the user chose (`tui_ft.spec.preset_keys`), then the free ones, the user's presets
    before the shipped. A preset of the user's hides the shipped one of the same name.
    """
    found: dict[str, Preset] = {}
    problems: list[str] = []
    try:
        chosen = preset_keys.chosen_keys(user_folder)
    except TuiFtError as error:
        chosen = {}
        problems.append(str(error))
    for folder, source in _folders(user_folder, shipped):
        for path in _files(folder):
            if path.stem in found:
                continue
            try:
                found[path.stem] = _preset(path, source)
            except TuiFtError as error:
                problems.append(str(error))
    own = [name for name, one in found.items() if one.source == "user" or name not in _WITHOUT_KEY]
    keys = preset_keys.assign([*own, *(name for name in found if name in chosen and name not in own)], chosen)
    listed = [replace(preset, key=keys.get(preset.name)) for preset in found.values()]
    return sorted(listed, key=lambda preset: preset.key or _NO_KEY), problems


def find_preset(name: str, user_folder: Path, shipped: Path | None = None) -> Preset:
    """Return the preset of that name, or the spec file at that path.

    Raises `SpecError` for an unknown name, with the nearest known one, and for a file that is no spec.
    """
    path = user_path(name)
    if path.suffix == ".toml" or "/" in name:
        return _preset(path, "user")
    known: dict[str, Path] = {}
    for folder, source in _folders(user_folder, shipped):
        for file in _files(folder):
            if file.stem == name:
                return _preset(file, source)
            known.setdefault(file.stem, file)
    if is_there(path) and path.is_file():
        return _preset(path, "user")
    meant = nearest(name, known)
    hint = f"Did you mean {meant}?" if meant else f"The presets are {', '.join(known) or 'none'}."
    raise SpecError(f"There is no preset {printable(name)!r}.", f"{hint} A file is given by its path.")


def _folders(user_folder: Path, shipped: Path | None) -> tuple[tuple[Path, Source], ...]:
    return (user_folder, "user"), (shipped or shipped_folder(), "shipped")


def _files(folder: Path) -> list[Path]:
    """Return a folder's spec files in their order; an absent or unreadable folder has none."""
    try:
        files = [
            path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith(".")
        ]
    except OSError:
        return []
    return sorted(files, key=_rank)


def _rank(path: Path) -> tuple[int, str]:
    return _FIRST.index(path.stem) if path.stem in _FIRST else len(_FIRST), path.stem


def _preset(path: Path, source: Source) -> Preset:
    text = toml.read(path)
    return Preset(
        name=path.stem,
        path=path.absolute(),
        key=None,
        spec=toml.loads(text, str(path)),
        text=text,
        summary=_summary(text),
        source=source,
    )


def _summary(text: str) -> str:
    """Return the first comment line, if the file begins with one."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return printable(first.lstrip("# ").strip()) if first.startswith("#") else ""

"""What the user's own presets ask for: the models and the data that must be there."""

from __future__ import annotations

import os
from pathlib import Path

from tui_ft import settings
from tui_ft.spec import toml
from tui_ft.spec.errors import SpecError
from tui_ft.spec.paths import DEMO
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

MOST_PRESETS = 50


def own_specs() -> list[RunSpec]:
    """The specs of the user's presets that can be read; the presets' own list names those that cannot."""
    folder = settings.user_presets_folder()
    try:
        with os.scandir(folder) as entries:  # a pipe of that name would be waited for
            names = sorted(one.name for one in entries if one.name.endswith(".toml") and one.is_file())
    except OSError:
        return []
    found = []
    for name in names[:MOST_PRESETS]:
        try:
            found.append(toml.load(folder / name))
        except SpecError:
            continue
    return found


def wanted_models() -> list[str]:
    """The hub ids that the user's presets name, each once."""
    names = [spec.model.id for spec in own_specs() if spec.model.id]
    return list(dict.fromkeys(name for name in names if name != DEMO and _is_hub_id(name)))


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith(("/", ".", "~")) and not is_there(user_path(name))


def local_data() -> list[Path]:
    """The absolute paths of data files that the user's presets name, each once."""
    found: list[Path] = []
    for spec in own_specs():
        train = spec.data.train
        named = [train] if isinstance(train, str) else [source.path for source in train or []]
        found += [user_path(name) for name in (*named, spec.data.eval) if name and name != DEMO]
    return list(dict.fromkeys(path for path in found if path.is_absolute()))

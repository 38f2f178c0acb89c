"""The user's settings and places: runs root, presets folder, trainer's Python, prices, whom to tell."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import tui_ft
from tui_ft.errors import TuiFtError
from tui_ft.settings_shape import Settings as Settings  # it is read under this name everywhere
from tui_ft.user_paths import user_path

_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})


def config_folder() -> Path:
    """The user's own folder: settings and presets (XDG)."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "tui-ft"


def cache_folder() -> Path:
    """What can be made again: prepared data and drawn curves (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tui-ft"


def state_folder() -> Path:
    """What is kept from one session to the next, and no loss when it is gone (XDG: state)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tui-ft"


def draft_file() -> Path:
    """Where the answers to a wizard that was left are kept; it need not exist."""
    return state_folder() / "draft.json"


def user_presets_folder() -> Path:
    """Where the user's own presets lie; it need not exist."""
    return config_folder() / "presets"


def settings_file() -> Path:
    """Where the settings lie; it need not exist."""
    return config_folder() / "settings.toml"


def load() -> Settings:
    """Read settings.toml; an absent file means the defaults.

    Raises `TuiFtError` for a file that is no TOML or has an unknown or wrong key.
    """
    path = settings_file()
    if not path.exists():
        return Settings()
    import tomllib  # the app's first frame waits for neither of these

    from tui_ft.settings_tables import read_tables

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        raise TuiFtError(f"The settings {path} cannot be read: {error}.", "Mend or remove it.") from error
    return read_tables(path, data)


def private() -> Settings:
    """The settings with their addresses and commands, which others can neither read nor have written.

    Raises `TuiFtError` as `load` does, and when they can.
    """
    found, path = load(), settings_file()
    if found.notify or found.hooks:
        about = path.stat()
        if about.st_uid not in (os.geteuid(), 0):
            raise TuiFtError(
                f"The settings {path} belong to somebody else: addresses and commands in them do not count.",
                "They must be your own file.",
            )
        if about.st_mode & 0o077:
            raise TuiFtError(
                f"The settings {path} hold addresses or commands, and others can get at them.",
                f"`chmod 600 {path}` keeps them yours.",
            )
    return found


def runs_root(given: str | None = None) -> Path:
    """Where runs live: `given`, TUI_FT_RUNS, the settings, /workspace on rented ones, the XDG data folder."""
    chosen = given or os.environ.get("TUI_FT_RUNS") or load().runs_root
    if chosen:
        return user_path(chosen).absolute()
    return _lasting_folder() / "runs"


def data_folder() -> Path:
    """Where data sets lie that were written for the user, unless another place was named."""
    return _lasting_folder() / "data"


def _lasting_folder() -> Path:
    """What outlives a rented machine, where that has such a place: /workspace, else the XDG data folder."""
    if os.path.ismount("/workspace"):
        return Path("/workspace/tui-ft")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "tui-ft"


def trainer_python() -> str:
    """The interpreter that runs `tui_ft.train`: the settings' one, else this one."""
    return load().trainer_python or sys.executable


def trainer_environment() -> dict[str, str]:
    """Ours, such that our package is found from any folder and no file of the user's shadows a module."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    environment["PYTHONUNBUFFERED"] = "1"  # what the trainer prints last must not die in a buffer
    root = Path(tui_ft.__file__).resolve().parents[1]
    if root.name not in _PACKAGE_FOLDERS:
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{root}{os.pathsep}{rest}" if rest else str(root)
    return environment

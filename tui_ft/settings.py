"""The user's settings and places: runs root, presets folder, trainer's Python."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import tui_ft
from tui_ft.errors import TuiFtError
from tui_ft.user_paths import user_path

DEAREST = 1e6
LONGEST_CURRENCY = 5
_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})


@dataclass(kw_only=True, frozen=True)
class Settings:
    """`<config folder>/settings.toml`; every key may be missing.

    `price_per_hour` is what one GPU costs an hour, in `currency`.
    """

    runs_root: str | None = None
    trainer_python: str | None = None
    price_per_hour: float | None = None
    currency: str = "$"


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


def load() -> Settings:
    """Read settings.toml; an absent file means the defaults.

    Raises `TuiFtError` for a file that is no TOML or has an unknown or wrong key.
    """
    path = config_folder() / "settings.toml"
    if not path.exists():
        return Settings()
    import tomllib  # the app's first frame waits for neither of these

    import msgspec

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        raise TuiFtError(f"The settings {path} cannot be read: {error}.", "Mend or remove it.") from error
    unknown = sorted(data.keys() - Settings.__dataclass_fields__.keys())
    if unknown:
        raise TuiFtError(f"The settings {path} are wrong: {unknown[0]} is no setting.", "Mend or remove it.")
    try:
        found = msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise TuiFtError(f"The settings {path} are wrong: {error}.", "Mend or remove it.") from error
    price = found.price_per_hour
    if price is not None and not 0 <= price < DEAREST:
        raise TuiFtError(
            f"The settings {path} are wrong: price_per_hour = {price} is no price of a GPU hour.",
            "For example price_per_hour = 2.5.",
        )
    if len(found.currency) > LONGEST_CURRENCY or not found.currency.isprintable():
        raise TuiFtError(
            f"The settings {path} are wrong: currency is a sign or a short word.",
            'For example "€" or "USD ".',
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

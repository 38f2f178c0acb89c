"""What the W&B client keeps beside a run's `.wandb` file: where it ran, settings, output, summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import heads, setting_values, wandb_message
from tui_ft.watch.sources.neighbours import json_file, yaml_file

METADATA = "wandb-metadata.json"
SUMMARY = "wandb-summary.json"
CONFIG = "config.yaml"
_SHOWN = ("program", "args", "host", "root", "cwd", "gpu", "gpu_count", "python", "startedAt")
"""Who ran it, and from which repository, is not shown."""
_LISTED = 12


@dataclass(frozen=True)
class Beside:
    """What was found; `output` holds what the program printed, `summary` the last values in words."""

    settings: dict[str, SettingValue]
    output: Path | None
    summary: str


def look(run: Path) -> Beside:
    """Look beside a run, by its folder or its `.wandb` file. Bounded; never raises for what lies there."""
    files = (run.parent if run.suffix == ".wandb" else run) / "files"
    metadata = json_file(files / METADATA)
    shown = {name: metadata[name] for name in _SHOWN if metadata.get(name) not in (None, "", [])}
    settings = setting_values.flat(shown)
    for name, value in yaml_file(files / CONFIG).items():
        if ".value" in name and not name.startswith(("_wandb", "wandb_version")):
            plain = name.removesuffix(".value").replace(".value.", ".")
            settings[plain] = setting_values.shown(plain, value)
    output = next((path for path in files.glob("output.*") if heads.is_regular(path)), None)
    summary = wandb_message.flat_numbers(json_file(files / SUMMARY))
    return Beside(settings, output, _words(summary))


def files_of(run: Path) -> list[Path]:
    """The files by which a run is known whose `.wandb` file is not here."""
    known = (run / "files" / name for name in (SUMMARY, METADATA, CONFIG))
    return [path for path in known if heads.is_regular(path) and not heads.is_lfs_pointer(path)]


def _words(numbers: Mapping[str, Any]) -> str:
    own = {name: number for name, number in numbers.items() if not name.startswith("_wandb")}
    listed = ", ".join(f"{name} {number:.6g}" for name, number in list(own.items())[:_LISTED])
    return listed or "nothing that was logged"

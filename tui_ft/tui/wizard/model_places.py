"""Where models lie on this disk: folders nearby, results of runs, the Hugging Face cache."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tui_ft.runs.directory import RunDirectory
from tui_ft.vram.hub import cached_snapshots

MOST_SCANNED = 400
"""Folders looked into for each place; a home folder or a data disk can hold any number."""

MOST_FOUND = 40
"""Models listed of each place; any other one is named by its path."""

ELSEWHERE = (Path("/workspace"), Path("/models"))
"""Where rented machines and images keep models; the working folder comes before."""

_NEARBY = ("models", "model", "checkpoints")
"""Names of folders whose own folders are looked into, too."""

CACHE = "cache"
"""Where a model was found whose missing files the trainer fetches by itself."""

_WEIGHTS = (".safetensors", ".bin")


class Place(NamedTuple):
    """A model on this disk: what the spec calls it, how people see it, its folder, and where it was found."""

    id: str
    name: str
    folder: Path
    where: str


def nearby(runs_root: Path) -> list[Place]:
    """Model folders in and below the working folder and `ELSEWHERE`, and the full results of runs."""
    found: dict[Path, Place] = {}
    for start in (*_here(), *ELSEWHERE):
        for folder in _models_below(start):
            found.setdefault(folder, Place(str(folder), folder.name or str(folder), folder, "folder"))
    for folder in _results(runs_root):
        found.setdefault(folder, Place(str(folder), folder.parent.name, folder, "your run"))
    return list(found.values())


def cached() -> list[Place]:
    """The models in the Hugging Face cache whose config is there; nobody is asked."""
    from huggingface_hub.constants import HF_HUB_CACHE

    found = []
    for repository in _folders(Path(HF_HUB_CACHE)):
        if not repository.name.startswith("models--"):
            continue
        name = repository.name.removeprefix("models--").replace("--", "/")
        snapshots = (folder for folder in cached_snapshots(name, None) if _has_config(folder))
        newest = next(snapshots, None)
        if newest is not None:
            found.append(Place(name, name.rpartition("/")[2], newest, CACHE))
    return sorted(found, key=lambda place: place.id.lower())[:MOST_FOUND]


def bytes_of(folder: Path) -> int | None:
    """The size of a model's weights in `folder`; None where there are none."""
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(folder) if entry.name.endswith(_WEIGHTS)]
    except OSError:
        return None
    return sum(sizes) or None


def _here() -> list[Path]:
    """The working folder, if it still exists."""
    try:
        return [Path.cwd()]
    except OSError:
        return []


def _models_below(start: Path) -> list[Path]:
    children = _folders(start)
    deeper = (folder for child in children if child.name in _NEARBY for folder in _folders(child))
    return list(_first(path for path in (start, *children, *deeper) if _is_model(path)))


def _results(runs_root: Path) -> list[Path]:
    """The results that are whole models, the newest runs first: an adapter is no base model."""
    runs = sorted(_folders(runs_root), key=lambda run: run.name, reverse=True)
    return list(_first(result for result in (RunDirectory(run).result for run in runs) if _is_model(result)))


def _first(paths: Iterable[Path]) -> Iterator[Path]:
    for number, path in enumerate(paths):
        if number == MOST_FOUND:
            return
        yield path.absolute()


def _is_model(folder: Path) -> bool:
    return _has_config(folder) and bytes_of(folder) is not None


def _has_config(folder: Path) -> bool:
    """True for what may be a base model; an adapter is none, whatever lies beside it."""
    try:
        return (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file()
    except OSError:
        return False


def _folders(start: Path) -> list[Path]:
    """The folders in `start` by name, without hidden ones; none where it cannot be read."""
    found: list[Path] = []
    try:
        with os.scandir(start) as entries:
            for number, entry in enumerate(entries):
                if number == MOST_SCANNED:
                    break
                if not entry.name.startswith(".") and entry.is_dir():
                    found.append(Path(entry.path))
    except OSError:
        return []
    return sorted(found)

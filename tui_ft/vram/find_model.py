"""Find the config of a model by whatever name the user gives it: folder, file, catalogue, cache, hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.user_paths import is_there, user_path
from tui_ft.vram import catalogue, header, hub
from tui_ft.vram.hub import shown
from tui_ft.vram.model_config import UnknownFamilyError, refuse_quantised, shape_of
from tui_ft.vram.shape import ModelShape

LARGEST_CONFIG_BYTES = 8 << 20
"""A config.json is a few kilobytes; one of quantised weights some hundred."""

CONFIG = "config.json"

_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""The files of a base model's weights, whole or in parts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model's config and the shape it makes; `folder` is None where only the config is at hand."""

    config: Mapping[str, Any]
    shape: ModelShape
    folder: Path | None


def find_shape(name: str, *, revision: str | None = None, online: bool = False) -> ModelShape:
    """The shape of the model that the user calls `name`; see `find`."""
    return find(name, revision=revision, online=online).shape


def find(name: str, *, revision: str | None = None, online: bool = False) -> Found:
    """Look for `name` on this disk, in the Hugging Face cache and the catalogue, then on the hub if `online`.

    `name` is "demo", a folder, a config.json, a name of the catalogue or a hub id. Only the config is
    fetched. Raises `TuiFtError` that says what is missing, and where it was looked for.
    """
    name = name.strip()
    if not name:
        raise TuiFtError("No model is named.", "Give a folder, a config.json, a hub id or a known name.")
    if name == "demo":
        return _in_folder(demo_paths.model_folder(), "demo")
    path = user_path(name)
    if is_there(path):
        return _in_folder(path, shown(path.name) or shown(str(path))) if path.is_dir() else _in_file(path)
    if name.startswith(("/", "./", "../", "~")) or path.suffix == ".json":
        raise TuiFtError(f"There is no {shown(name)}.", "Name a model's folder or its config.json.")
    if path.suffix == ".gguf":
        raise _gguf(shown(name))
    cached = next((each for each in hub.cached_snapshots(name, revision) if is_there(each / CONFIG)), None)
    if cached is not None:
        return _in_folder(cached, shown(name))
    entry = catalogue.lookup(name) if revision is None else None
    if entry is not None:
        return Found(entry.config, entry.shape, None)
    if online:
        return _in_folder(hub.fetched(name, CONFIG, revision), shown(name))
    if revision is not None:
        raise TuiFtError(
            f"Revision {shown(revision)} of {shown(name)} is not in the Hugging Face cache.",
            "Leave model.revision out, or give the path of its config.json.",
        )
    raise TuiFtError(
        f"{shown(name)} is no folder, no model of the catalogue and not in the Hugging Face cache.",
        "Check its name, or give the path of its config.json.",
    )


def read_config(path: Path) -> dict[str, Any]:
    """Read a config.json. Raises `TuiFtError` for one that is no JSON object, too large or too deep."""
    try:
        if path.exists() and not path.is_file():
            raise TuiFtError(f"{shown(str(path))} is no file.", "Name a model's folder or its config.json.")
        if path.stat().st_size > LARGEST_CONFIG_BYTES:
            raise TuiFtError(f"{shown(str(path))} is too large for a config.", "Name the right file.")
        data = path.read_bytes()
        config = msgspec.json.decode(data, type=dict[str, Any])
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise TuiFtError(f"{shown(str(path))} cannot be read: {reason}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if data.startswith(b"version https://git-lfs"):
            raise TuiFtError(
                f"{shown(str(path))} is a git-lfs pointer, not the file.", "Run `git lfs pull` there."
            ) from error
        raise TuiFtError(f"{shown(str(path))} is no JSON object.", "Fetch the file again.") from error
    return config


def _in_file(path: Path) -> Found:
    if path.suffix == ".gguf":
        raise _gguf(shown(path.name))
    if path.suffix == ".safetensors":
        raise TuiFtError(f"{shown(path.name)} is a file of weights.", "Name the folder that holds it.")
    return _made(read_config(path), path.parent, shown(path.parent.name) or shown(path.name))


def _in_folder(folder: Path, name: str) -> Found:
    path = folder / CONFIG
    has_config = path.is_file()
    if not has_config or not any(next(folder.glob(pattern), None) for pattern in _WEIGHTS):
        # a config.json may lie beside them: it describes the model that they were made from
        if (folder / "adapter_config.json").is_file():
            base = read_config(folder / "adapter_config.json").get("base_model_name_or_path")
            of = f" of {shown(base)}" if isinstance(base, str) and base else ""
            raise TuiFtError(f"{name} is an adapter{of}, not a base model.", "Name the base model.")
        if any(folder.glob("*.gguf")):
            raise _gguf(name)
    if has_config:
        return _made(read_config(path), folder, name)
    raise TuiFtError(f"The folder {name} has no config.json.", "Name the folder that holds it, or a hub id.")


def _gguf(name: str) -> TuiFtError:
    return TuiFtError(f"{name} is GGUF, which is for inference.", "Name the original model with safetensors.")


def _made(config: Mapping[str, Any], folder: Path, name: str) -> Found:
    try:
        return Found(config, shape_of(config, name), folder)
    except UnknownFamilyError:
        refuse_quantised(config, name)
        shape = header.shape_from_files(folder, config, name)
        if shape is None:
            raise
        return Found(config, shape, folder)

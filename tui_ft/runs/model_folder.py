"""Is a local folder a base model that can be loaded: config, weights to the last byte, tokenizer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

_SINGLE_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_LFS_POINTER = b"version https://git-lfs"
_LARGEST_HEADER_BYTES = 100 << 20


def check_model_folder(folder: Path) -> None:
    """Raise `TuiFtError`, with the file and the remedy, unless `folder` is a whole base model.

    Reads the config and the headers of the weights, never the weights.
    """
    if not folder.is_dir():
        raise TuiFtError(
            f"The model {shown(folder, 200)} is a file: a model is a folder with config.json and weights.",
            "Name the folder.",
        )
    _check_config(folder)
    for weights in _weight_files(folder):
        _check_weights(weights)
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise TuiFtError(
            f"The model folder {shown(folder, 200)} has no tokenizer (such as tokenizer.json).",
            "Copy the tokenizer's files of the same model into it.",
        )


def _check_config(folder: Path) -> None:
    path = folder / "config.json"
    if not path.is_file():
        if (folder / "adapter_config.json").is_file():
            raise _adapter(folder)
        raise TuiFtError(
            f"The model folder {shown(folder, 200)} has no config.json.",
            "Name the folder that holds config.json and the weights, or a hub id.",
        )
    config = _json(path)
    if not isinstance(config.get("model_type"), str):
        raise TuiFtError(
            f"{shown(path, 200)} names no model_type, so it is not known what model this is.",
            "Use the config.json that came with the model.",
        )


def _adapter(folder: Path) -> TuiFtError:
    base = _json(folder / "adapter_config.json").get("base_model_name_or_path")
    of = f" of {shown(base, 200)}" if isinstance(base, str) and base else ""
    return TuiFtError(
        f"{shown(folder, 200)} is an adapter{of}, not a base model.",
        "Name the base model; or merge the adapter into it first, and name the merged model.",
    )


def _weight_files(folder: Path) -> list[Path]:
    for name in _SINGLE_WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
    for name in _INDEXES:
        if (folder / name).is_file():
            return _shards(folder / name)
    if any(folder.glob("*.gguf")):
        raise TuiFtError(
            f"The model folder {shown(folder, 200)} holds GGUF files, which are for inference.",
            "Fine-tune the original model with safetensors; a GGUF is made from the result.",
        )
    raise TuiFtError(
        f"The model folder {shown(folder, 200)} has no weights (model.safetensors).",
        "Was the download cut off? Fetch it again, or use the model's hub id.",
    )


def _shards(index: Path) -> list[Path]:
    mapping = _json(index).get("weight_map")
    names = sorted({str(name) for name in mapping.values()}) if isinstance(mapping, dict) else []
    if not names:
        raise TuiFtError(f"{shown(index, 200)} lists no weights.", "Fetch the model again.")
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise TuiFtError(
            f"The model folder {shown(index.parent, 200)} lacks {len(missing)} of {len(names)} weight files, "
            f"such as {shown(missing[0], 200)}.",
            "Was the download cut off? Fetch it again.",
        )
    return [index.parent / name for name in names]


def _check_weights(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            begin = file.read(len(_LFS_POINTER))
            if begin == _LFS_POINTER:
                raise TuiFtError(
                    f"{shown(path, 200)} is a git-lfs pointer, not the weights.", "Run `git lfs pull` there."
                )
            if path.suffix != ".safetensors":
                return
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            needed = 8 + length + _data_bytes(file.read(min(length, _LARGEST_HEADER_BYTES)))
    except OSError as error:
        raise TuiFtError(f"{shown(path, 200)} cannot be read: {os.strerror(error.errno or 0)}.") from error
    except msgspec.DecodeError as error:
        raise TuiFtError(
            f"{shown(path, 200)} is damaged: its header cannot be read.", "Fetch the file again."
        ) from error
    if size < needed:
        raise TuiFtError(
            f"{shown(path, 200)} is cut off: it has {size:,} of {needed:,} bytes.", "Fetch the file again."
        )


class _Tensor(msgspec.Struct):
    data_offsets: tuple[int, int]


def _data_bytes(header: bytes) -> int:
    """Where the last tensor of a safetensors header ends."""
    entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
    ends = [
        msgspec.json.decode(entry, type=_Tensor).data_offsets[1]
        for name, entry in entries.items()
        if name != "__metadata__"
    ]
    return max(ends, default=0)


def _json(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        return msgspec.json.decode(data, type=dict[str, Any])
    except OSError as error:
        raise TuiFtError(f"{shown(path, 200)} cannot be read: {os.strerror(error.errno or 0)}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if data.startswith(_LFS_POINTER):
            raise TuiFtError(
                f"{shown(path, 200)} is a git-lfs pointer, not the file.", "Run `git lfs pull` there."
            ) from error
        raise TuiFtError(f"{shown(path, 200)} is no JSON object.", "Fetch the file again.") from error

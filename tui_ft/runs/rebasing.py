"""The base model's place in the checkpoints of a copied run: adapters name it by its path."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.runs import checkpoints
from tui_ft.runs.directory import MANIFEST, UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.records import encode_document
from tui_ft.runs.regular_file import open_regular
from tui_ft.runs.renaming import exchange, sync

_ADAPTER = "adapter_config.json"
_BASE = "base_model_name_or_path"
_LARGEST = 1 << 20


def rebase(run: RunDirectory, old: str, new: str) -> list[str]:
    """Let every whole checkpoint whose adapter names the base model `old` name `new`; return their names.

    A checkpoint is built anew beside itself, of the same files but for the one that changes, proved, and put
    in its own place by one exchange of names: a kill leaves the old one or the new one. Where the file
    system cannot do that it stays as it is: a resume does not read that name. Raises `OSError`.
    """
    return [one.path.name for one in checkpoints.whole(run) if _rebase(run, one.path, old, new)]


def _rebase(run: RunDirectory, folder: Path, old: str, new: str) -> bool:
    config = _config(folder)
    if config is None or config.get(_BASE) != old:
        return False
    draft = run.checkpoints / f"{UNFINISHED_PREFIX}{folder.name}"
    shutil.rmtree(draft, ignore_errors=True)
    manifest = checkpoints.read_manifest(folder)
    try:
        _link(folder, draft, set(manifest.files))
        data = json.dumps(config | {_BASE: new}, indent=2).encode()
        (draft / _ADAPTER).unlink()
        write_atomically(draft / _ADAPTER, data)
        files, hashes = dict(manifest.files), dict(manifest.hashes)
        files[_ADAPTER] = len(data)
        if _ADAPTER in hashes:
            hashes[_ADAPTER] = checkpoints.hash_file(draft / _ADAPTER)
        proved = msgspec.structs.replace(manifest, files=files, hashes=hashes)
        write_atomically(draft / MANIFEST, encode_document(proved))
        sync(draft)
        if checkpoints.fault(draft) is not None or not exchange(draft, folder):
            return False
        sync(run.checkpoints)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True


def _link(folder: Path, draft: Path, names: set[str]) -> None:
    """Make `draft` of links to the files of `folder`; where there are none, of copies."""
    for name in sorted(names):
        target = draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(folder / name, target, follow_symlinks=False)
        except OSError:
            shutil.copyfile(folder / name, target)
            sync(target)


def _config(folder: Path) -> dict[str, Any] | None:
    try:
        with open(open_regular(folder / _ADAPTER), "rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

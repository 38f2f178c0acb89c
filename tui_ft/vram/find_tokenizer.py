"""Where the tokenizer of a model lies: found on this disk, or fetched when a person asks for it."""

from __future__ import annotations

from pathlib import Path

from tui_ft.data.tokenizer_files import FILES, SETTINGS, TOKENIZER
from tui_ft.demo import paths as demo_paths
from tui_ft.user_paths import is_there, user_path
from tui_ft.vram import hub


def find_tokenizer(model_id: str, revision: str | None = None) -> Path | None:
    """Return the folder with the tokenizer of the model that the user calls `model_id`, or None.

    It is "demo", a folder, or in the Hugging Face cache; nobody is asked. A folder is returned whether
    it holds a tokenizer or not, so that loading it says what is missing.
    """
    name = model_id.strip()
    if not name:
        return None
    if name == "demo":
        return demo_paths.model_folder()
    path = user_path(name)
    if is_there(path):
        return path if path.is_dir() else path.parent
    if name.startswith(("/", "./", "../", "~")):
        return None
    snapshots = hub.cached_snapshots(name, revision)
    return next((folder for folder in snapshots if _is_whole(folder)), None)


def _is_whole(snapshot: Path) -> bool:
    """True for a snapshot with the settings, too: other programs fetch the vocabulary alone, without them."""
    return all((snapshot / file).is_file() for file in (TOKENIZER, SETTINGS))


def fetch_tokenizer(model_id: str, revision: str | None = None) -> Path:
    """Fetch the tokenizer files of a model on the hub into the cache, and return their folder.

    No weights are fetched. Raises `TuiFtError` that says why they cannot be had.
    """
    name = model_id.strip()
    found = find_tokenizer(name, revision)
    return found or hub.fetched_all(name, FILES, revision, needed=TOKENIZER)

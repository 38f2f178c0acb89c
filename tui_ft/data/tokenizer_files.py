"""What a model's tokenizer files say beside the tokenizer: its class, special tokens, chat templates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

TOKENIZER = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
MODEL = "config.json"
TEMPLATE = "chat_template.jinja"
TEMPLATES = "additional_chat_templates"
SPECIAL_TOKENS = "special_tokens_map.json"
ADDED_TOKENS = "added_tokens.json"

FILES = (TOKENIZER, SETTINGS, MODEL, TEMPLATE, f"{TEMPLATES}/*.jinja", SPECIAL_TOKENS, ADDED_TOKENS)
"""All that a tokenizer is made of, as patterns for a download."""

LARGEST_SETTINGS_BYTES = 64 << 20
LARGEST_TOKENIZER_BYTES = 256 << 20
_LFS = b"version https://git-lfs"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class TokenizerFiles:
    """The files of one folder, read: `settings` is tokenizer_config.json with what older files add to it.

    `templates` maps the names of the chat templates to their text; the one in use is "default".
    """

    folder: Path
    settings: Mapping[str, Any]
    model: Mapping[str, Any]
    templates: Mapping[str, str]
    added: Mapping[str, int]

    @property
    def tokenizer(self) -> Path:
        return self.folder / TOKENIZER


def read_files(folder: Path) -> TokenizerFiles:
    """Read the tokenizer files of a model's folder.

    Raises `TuiFtError` when there is no tokenizer.json, or when a file cannot be read.
    """
    _require_tokenizer(folder)
    settings = _object(folder / SETTINGS)
    added: dict[str, Any] = {}
    if "added_tokens_decoder" not in settings:  # files from before these were kept in the settings
        settings |= _older_special_tokens(folder, settings)
        added = _object(folder / ADDED_TOKENS)
    return TokenizerFiles(
        folder=folder,
        settings=settings,
        model=_object(folder / MODEL),
        templates=_templates(folder, settings),
        added={text: place for text, place in added.items() if isinstance(place, int)},
    )


def spells(path: Path, word: bytes) -> bool:
    """True when the file at `path` holds `word`."""
    before = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if word in before + chunk:
                return True
            before = chunk[-len(word) :]
    return False


def _require_tokenizer(folder: Path) -> None:
    path = folder / TOKENIZER
    name = shown(folder, 200)
    try:
        if path.is_file():
            with path.open("rb") as stream:
                if stream.read(len(_LFS)) == _LFS:
                    raise TuiFtError(
                        f"{shown(path, 200)} is a git-lfs pointer, not the file.", "Run `git lfs pull` there."
                    )
            if path.stat().st_size > LARGEST_TOKENIZER_BYTES:
                raise TuiFtError(f"{shown(path, 200)} is too large for a tokenizer.", "Fetch it again.")
            return
        inside = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    except OSError as error:
        raise TuiFtError(f"{name} cannot be read: {os.strerror(error.errno or 0)}.") from error
    if any(file in inside for file in ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model")):
        raise TuiFtError(
            f"The tokenizer of {name} is there in SentencePiece's format only.",
            "The trainer can convert it; to count tokens before, save it once with transformers, "
            "which writes a tokenizer.json.",
        )
    if "tekken.json" in inside or "tiktoken.model" in inside:
        raise TuiFtError(
            f"The tokenizer of {name} is in its maker's own format only.",
            "Save it once with transformers, which writes a tokenizer.json.",
        )
    if {"vocab.json", "merges.txt"} <= inside or "vocab.txt" in inside:
        raise TuiFtError(
            f"The tokenizer of {name} has a vocabulary but no tokenizer.json.",
            "Save it once with transformers, which writes one.",
        )
    raise TuiFtError(
        f"There is no tokenizer in {name}.", "Fetch the model's tokenizer files into its folder."
    )


def _object(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one when the file is missing. Raises `TuiFtError`."""
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > LARGEST_SETTINGS_BYTES:
            raise TuiFtError(f"{shown(path, 200)} is too large.", "Fetch the file again.")
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise TuiFtError(f"{shown(path, 200)} cannot be read: {os.strerror(error.errno or 0)}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TuiFtError(f"{shown(path, 200)} is no JSON object.", "Fetch the file again.") from error
    return found


def _older_special_tokens(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    found = _object(folder / SPECIAL_TOKENS)
    extra = found.get("extra_special_tokens")
    if isinstance(extra, list):
        known = settings.get("extra_special_tokens")
        before = list(known) if isinstance(known, list) else []
        found["extra_special_tokens"] = before + [token for token in extra if token not in before]
    return found


def _templates(folder: Path, settings: Mapping[str, Any]) -> dict[str, str]:
    """The chat templates by name: files of their own come before those in the settings."""
    try:
        own = folder / TEMPLATE
        files = {"default": own} if own.is_file() else {}
        files |= {path.stem: path for path in sorted((folder / TEMPLATES).glob("*.jinja"))}
        if any(path.stat().st_size > LARGEST_SETTINGS_BYTES for path in files.values()):
            raise TuiFtError(f"A chat template in {shown(folder, 200)} is too large.", "Fetch it again.")
        if files:
            return {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise TuiFtError(
            f"The chat template in {shown(folder, 200)} cannot be read.", "Fetch the tokenizer files again."
        ) from error
    written = settings.get("chat_template")
    if isinstance(written, str):
        return {"default": written} if written else {}
    if isinstance(written, list):
        pairs = ((item.get("name"), item.get("template")) for item in written if isinstance(item, dict))
        return {name: text for name, text in pairs if isinstance(name, str) and isinstance(text, str)}
    if isinstance(written, dict):
        return {name: text for name, text in written.items() if isinstance(text, str)}
    return {}

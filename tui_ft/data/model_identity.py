"""Which model it is: a hash of a model folder in milliseconds, which tells two fine-tunes of one apart."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

WEIGHTS = ".safetensors"
SMALL_ENDINGS = (".json", ".jinja", ".txt", ".model", ".py")
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt", "merges.txt",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
)  # fmt: skip
_CARDS = frozenset({"trainer_state.json", "generation_config.json"})
"""What others write beside a model, and what may be mended without its being another one."""
_MOST_FILES = 1000
_LARGEST_SMALL = 64 << 20
_BLOCK = 64 << 10
_BLOCKS = 32
"""Of a file of weights its header's first block, and so many blocks over its length: 2 MB a file."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


class ModelIdentity(msgspec.Struct, kw_only=True, frozen=True):
    """`content_hash` covers small files whole, of weights the sizes and a sample; `files` are sizes in bytes.

    `commit` is the hub's revision where the folder is a snapshot of its cache.
    """

    content_hash: str
    files: dict[str, int]
    tokenizer_hash: str | None = None
    template_hash: str | None = None
    commit: str | None = None


def identity_of(folder: Path) -> ModelIdentity | None:
    """The identity of the model in a folder; None where there is none to be read. Never raises."""
    try:
        return _identity(folder)
    except (OSError, ValueError):
        return None


def full_hash(folder: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """A hash over every byte of the model; `progress` is called with the bytes read. Raises `OSError`."""
    whole = hashlib.blake2b(digest_size=32)
    for name in _names(folder):
        part = hashlib.blake2b(digest_size=32)
        with open(folder / name, "rb") as file:
            while block := file.read(1 << 22):
                part.update(block)
                progress(len(block))
        whole.update(f"{name}\0{part.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _identity(folder: Path) -> ModelIdentity | None:
    names = _names(folder)
    if not names:
        return None
    whole, tokenizer = hashlib.blake2b(digest_size=32), hashlib.blake2b(digest_size=32)
    sizes: dict[str, int] = {}
    for name in names:
        path = folder / name
        sizes[name] = path.stat().st_size
        digest = _sampled(path, sizes[name])
        line = f"{name}\0{sizes[name]}\0{digest}\n".encode("utf-8", "surrogateescape")
        whole.update(line)
        if name in TOKENIZER_FILES:
            tokenizer.update(line)
    has_tokenizer = any(name in sizes for name in TOKENIZER_FILES)
    return ModelIdentity(
        content_hash=whole.hexdigest(),
        files=sizes,
        tokenizer_hash=tokenizer.hexdigest() if has_tokenizer else None,
        template_hash=_template_hash(folder),
        commit=_commit_of(folder),
    )


def _names(folder: Path) -> list[str]:
    """The files that make a model, in the order of their names."""
    with os.scandir(folder) as entries:
        found = sorted(
            entry.name
            for entry in entries
            if entry.name.endswith((WEIGHTS, *SMALL_ENDINGS)) and entry.is_file() and entry.name not in _CARDS
        )
    return found[:_MOST_FILES]


def _sampled(path: Path, size: int) -> str:
    digest = hashlib.blake2b(digest_size=32)
    with open(path, "rb") as file:
        for start, length in _blocks(path, size):
            file.seek(start)
            digest.update(file.read(length))
    return digest.hexdigest()


def _blocks(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """The stretches that are read: all of a small file, of a large one the beginning and blocks all over."""
    if size <= (_LARGEST_SMALL if path.suffix != WEIGHTS else _BLOCK * _BLOCKS):
        yield 0, size
        return
    last = size - _BLOCK
    for number in range(_BLOCKS):
        yield last * number // (_BLOCKS - 1), _BLOCK


def _template_hash(folder: Path) -> str | None:
    """The chat template by itself: rows that it renders otherwise are other rows."""
    own = folder / "chat_template.jinja"
    if own.is_file() and own.stat().st_size <= _LARGEST_SMALL:
        return _digest(own.read_bytes())
    path = folder / "tokenizer_config.json"
    if not path.is_file() or path.stat().st_size > _LARGEST_SMALL:
        return None
    try:
        config: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    template = config.get("chat_template") if isinstance(config, dict) else None
    if not template:
        return None
    text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
    return _digest(text.encode("utf-8", "surrogatepass"))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _commit_of(folder: Path) -> str | None:
    """The name of a snapshot of the Hugging Face cache is the commit it was fetched at."""
    is_snapshot = folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name)
    return folder.name if is_snapshot else None

"""Tags, notes and the archive: what a person writes on runs, kept in one file of the runs root.

Our runs stand there by their id, others' by their absolute path: nothing is written beside somebody
else's run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.guarded_file import locked, read_regular

SCHEMA = 1
MOST_TAGS = 16
LONGEST_TAG = 32
LONGEST_NOTE = 2000
_LARGEST_BYTES = 64 << 20
"""A hundred thousand runs with a long note each; more is no file of ours."""
_PATIENCE_S = 2.0
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Label(msgspec.Struct, kw_only=True, frozen=True):
    """What stands on one run. `tags` and `note` are None where nothing was said: the spec's hold then."""

    tags: tuple[str, ...] | None = None
    note: str | None = None
    archived: bool = False


class _Document(msgspec.Struct, kw_only=True):
    schema: int = SCHEMA
    runs: dict[str, msgspec.Raw] = {}


class LabelBook:
    """The labels of one runs root, read again only when the file was replaced."""

    def __init__(self, runs_root: Path) -> None:
        self.runs_root = runs_root
        self.problem = ""
        """Why they cannot be read; empty when they can."""
        self._stamp: tuple[int, int, int] | None = None
        self._labels: Mapping[str, Label] = {}

    def read(self) -> Mapping[str, Label]:
        """Return the labels by id or path. The same object comes back while nothing changed."""
        stamp = _stamp(labels_file(self.runs_root))
        if stamp != self._stamp or self.problem:
            self._stamp = stamp
            try:
                self._labels, self.problem = read_labels(self.runs_root), ""
            except TuiFtError as error:
                self.problem = str(error)
        return self._labels


def labels_file(runs_root: Path) -> Path:
    """Where the labels of a runs root are kept; it need not exist."""
    return runs_root / "labels.json"


def read_labels(runs_root: Path) -> dict[str, Label]:
    """Return all labels by id or path; of an entry that cannot be read none.

    Raises `TuiFtError` when the file as a whole cannot be read.
    """
    document = _read(labels_file(runs_root))
    found = {}
    for key, raw in document.runs.items():
        try:
            found[key] = _bounded(msgspec.json.decode(raw, type=Label))
        except _UNREADABLE:
            continue  # one entry that somebody broke by hand hides no other
    return found


def bounded_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """As many tags, and as long ones, as anybody could have typed."""
    return tuple(tag[:LONGEST_TAG] for tag in islice(tags, MOST_TAGS))


def _bounded(label: Label) -> Label:
    tags = None if label.tags is None else bounded_tags(label.tags)
    note = None if label.note is None else label.note[:LONGEST_NOTE]
    return Label(tags=tags, note=note, archived=label.archived)


def change_labels(runs_root: Path, keys: list[str], **changes: Any) -> None:
    """Write `tags`, `note` or `archived` on the runs `keys`; what is not named stays.

    None as `tags` or `note` lets the spec's hold again. Raises `TuiFtError`; nothing is changed then.
    """
    path = labels_file(runs_root)
    try:
        runs_root.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock"), _PATIENCE_S):
            document = _read(path)
            for key in keys:
                document.runs[key] = msgspec.Raw(_changed(document.runs.get(key), changes))
            document.runs = {key: raw for key, raw in document.runs.items() if bytes(raw) != b"{}"}
            write_atomically(path, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    except OSError as error:
        raise TuiFtError(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}.",
            "Make room there, or check its rights.",
        ) from error


def _changed(raw: msgspec.Raw | None, changes: Mapping[str, Any]) -> bytes:
    """One entry with `changes`; keys of a newer version stay in it, what says nothing leaves it."""
    try:
        entry = msgspec.json.decode(raw, type=dict[str, Any]) if raw is not None else {}
    except _UNREADABLE:
        entry = {}
    entry.update(changes)
    return msgspec.json.encode({key: value for key, value in entry.items() if value not in (None, False)})


def parse_tags(text: str) -> tuple[str, ...]:
    """Return the tags in what a person typed: words, with or without `#`, each once.

    Raises `TuiFtError` when there are too many, or one is too long.
    """
    words = (_printable(word.lstrip("#")) for word in text.replace(",", " ").split())
    tags = {word.casefold(): word for word in words if word}
    too_long = next((tag for tag in tags.values() if len(tag) > LONGEST_TAG), None)
    if too_long is not None:
        raise TuiFtError(f"A tag has at most {LONGEST_TAG} characters, {too_long[:LONGEST_TAG]}… has more.")
    if len(tags) > MOST_TAGS:
        raise TuiFtError(f"A run has at most {MOST_TAGS} tags, these are {len(tags)}.")
    return tuple(tags.values())


def parse_note(text: str) -> str:
    """Return what a person typed as a note of one line. Raises `TuiFtError` when it is too long."""
    note = _printable(" ".join(text.split()))
    if len(note) > LONGEST_NOTE:
        raise TuiFtError(f"A note has at most {LONGEST_NOTE:,} characters, this has {len(note):,}.")
    return note


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _read(path: Path) -> _Document:
    try:
        data = read_regular(path, _LARGEST_BYTES)
    except FileNotFoundError:
        return _Document()
    except OSError as error:
        raise TuiFtError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error
    try:
        return msgspec.json.decode(data, type=_Document)
    except _UNREADABLE as error:
        raise TuiFtError(
            f"{path} is damaged, so tags, notes and the archive are not shown.",
            "Mend it or move it away; the runs themselves are not touched.",
        ) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_ino, known.st_mtime_ns, known.st_size

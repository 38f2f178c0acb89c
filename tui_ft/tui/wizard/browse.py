"""The files of a folder as somebody looks for data in them: folders, data files with their size, the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tui_ft.data.names import looks_like_data
from tui_ft.spec.paths import DEMO
from tui_ft.user_paths import user_path

_SCANNED = 20_000
_SHOWN = 2_000


@dataclass(frozen=True)
class Entry:
    """One name in a folder; `path` is what taking it means."""

    name: str
    path: str
    is_folder: bool = False
    size: int | None = None
    remark: str = ""


@dataclass(frozen=True)
class Listing:
    """What a text in the path line shows: the folder that it is in, and the names that go with it.

    `left_out` counts files that are no data by their name; they show as soon as a name is typed.
    """

    folder: str
    entries: tuple[Entry, ...] = ()
    left_out: int = 0
    problem: str = ""


def browse(text: str, base: Path) -> Listing:
    """List the folder that `text` is in, seen from `base`. Blocks on the file system; never raises.

    What follows the last slash narrows the names down: those that begin with it first, then those that
    hold it somewhere.
    """
    folder_text, name = os.path.split(text)
    try:
        folder = base / user_path(folder_text or ".")
        found, left_out, unread = _scan(folder, folder_text, name)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "there is no such folder"
        return Listing(folder=folder_text or str(base), problem=f"{why}.")
    entries = sorted(found, key=lambda entry: _order(entry, name))
    if not name and folder.resolve() != Path("/"):
        entries = [*entries, Entry("../", _above(folder_text), is_folder=True)]
    if not folder_text and DEMO.startswith(name):
        entries.append(Entry(DEMO, DEMO, remark="the built-in practice data"))
    problem = f"only the first {_SCANNED:,} names were read." if unread else ""
    return Listing(str(folder.resolve()), tuple(entries[:_SHOWN]), left_out, problem)


def _above(folder_text: str) -> str:
    """The folder above, as it is typed."""
    above = os.path.normpath(f"{user_path(folder_text or '.')}/..")
    return "" if above == "." else f"{above.rstrip('/')}/"


def _scan(folder: Path, typed: str, name: str) -> tuple[list[Entry], int, bool]:
    found: list[Entry] = []
    left_out = 0
    wanted = name.lower()
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count >= _SCANNED:
                return found, left_out, True
            is_hidden = entry.name.startswith(".") and not wanted.startswith(".")
            if wanted not in entry.name.lower() or is_hidden:
                continue
            is_folder = _is_folder(entry)
            if not is_folder and not wanted and not looks_like_data(entry.name):
                left_out += 1
                continue
            found.append(_entry(entry, is_folder, typed))
    return found, left_out, False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entry(entry: os.DirEntry[str], is_folder: bool, typed: str) -> Entry:
    path = os.path.join(typed, entry.name)  # noqa: PTH118 - as it is typed: "~" and "./" stay
    if is_folder:
        return Entry(f"{entry.name}/", f"{path}/", is_folder=True)
    try:
        size: int | None = entry.stat().st_size
    except OSError:
        size = None
    remark = (
        "a broken link" if size is None else "" if looks_like_data(entry.name) else "not data by its name"
    )
    return Entry(entry.name, path, size=size, remark=remark)


def _order(entry: Entry, name: str) -> tuple[bool, bool, bool, bool, str]:
    """Data files before folders and the rest; what is or begins with `name` before everything."""
    begins = entry.name.lower().startswith(name.lower())
    is_other = not entry.is_folder and not looks_like_data(entry.name)
    return (entry.name != name, not begins, entry.is_folder, is_other, entry.name.lower())

"""What a `dataset_info.json` beside a data file says of it: LLaMA-Factory's register of data sets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui_ft.data.unreadable import UnreadableError
from tui_ft.data.wording import shown
from tui_ft.user_paths import is_there

REGISTER = "dataset_info.json"

_MOST_BYTES = 4 * 1024 * 1024
_ELSEWHERE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
_ENTRY = {"file_name", "formatting", "columns", *_ELSEWHERE}
_SWIFT_ENTRY = {"ms_dataset_id", "hf_dataset_id", "dataset_path"}
_MOST_NAMED = 8

# LLaMA-Factory's names of columns (src/llamafactory/data/parser.py) → ours, by what the rows are.
_COMMON = {"system": "system", "tools": "tools"}
_ALPACA = {**_COMMON, "prompt": "instruction", "query": "input", "response": "output", "history": "history"}
_CHAT = {**_COMMON, "messages": "messages"}
_PAIR = {**_COMMON, "prompt": "prompt", "query": "input", "messages": "prompt", "history": "history"}
_RANKED = {**_PAIR, "chosen": "chosen", "rejected": "rejected"}
_LABELLED = {**_PAIR, "response": "completion", "messages": "messages", "kto_tag": "label"}
_TAGS = {
    "role_tag": ("role_tag", ("role", "from")),
    "content_tag": ("content_tag", ("content", "value")),
    "user_tag": ("user_tag", ("user", "human")),
    "assistant_tag": ("assistant_tag", ("assistant", "gpt")),
    "system_tag": ("system_tag", ("system",)),
    "observation_tag": ("tool_tag", ("tool", "observation")),
}
"""LLaMA-Factory's names of the spellings in a chat → ours, and the spellings that need no telling."""


@dataclass(frozen=True)
class Declared:
    """How a register declares a data file: our format ("auto" where it does not say) and columns.

    `columns` are our name → the data set's; `name` is what the register calls it.
    """

    format: str
    columns: dict[str, str] = field(default_factory=dict)
    name: str = ""


def declared(path: Path) -> Declared | None:
    """Return what the register beside `path` (or the folder above it) says of that file; None without one.

    `path` may be the register itself: then of the only file in it. A register that cannot be read, or
    stands for no single file, says nothing here; reading it raises.
    """
    try:
        path = data_file(path)
    except UnreadableError:
        return None
    for folder in (path.parent, path.parent.parent):
        for name, entry in _entries(folder / REGISTER).items():
            if _file_name(entry) and _same(folder / _file_name(entry), path):
                return _declared(name, entry)
    return None


def data_file(path: Path) -> Path:
    """Return the data file that `path` means: itself, or the only one of the register that it is.

    Raises `UnreadableError` for a register that names no file, or several.
    """
    if path.name != REGISTER:
        return path
    content = _content(path)
    if isinstance(content, list) and any(isinstance(e, dict) and e.keys() & _SWIFT_ENTRY for e in content):
        what = "is the list of data sets of ms-swift; it holds no rows"
        raise UnreadableError(path, "not_a_data_set", what, "Give one of the data files themselves.")
    if isinstance(content, dict) and "features" in content and "splits" in content:
        what = "describes a data set of Hugging Face datasets; it holds no rows"
        raise UnreadableError(path, "not_a_data_set", what, "Give the Parquet or JSON file with the rows.")
    entries = _entries(path)
    return _only_file(path, entries) if entries else path


def _only_file(register: Path, entries: dict[str, dict[str, Any]]) -> Path:
    names = dict.fromkeys(name for entry in entries.values() if (name := _file_name(entry)))
    there = [name for name in names if _is_inside(name) and _is_file(register.parent / name)]
    if len(there) == 1:
        return register.parent / there[0]
    if there:
        listed = ", ".join(there[:_MOST_NAMED]) + (", …" if len(there) > _MOST_NAMED else "")
        raise UnreadableError(
            register, "not_a_data_set", f"is a list of {len(there)} data files",
            f"Give one of them: {shown(listed, 300)}.",
        )  # fmt: skip
    hint = f"It names {shown(', '.join(names), 200)}: not there." if names else "Give a data file."
    raise UnreadableError(
        register, "not_a_data_set", "is a list of data sets, none of them a file here", hint
    )


def _content(register: Path) -> Any:
    try:
        if not register.is_file() or register.stat().st_size > _MOST_BYTES:
            return None
        return json.loads(register.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None  # nothing is declared, then: the data file is judged by its rows


def _entries(register: Path) -> dict[str, dict[str, Any]]:
    content = _content(register)
    if not isinstance(content, dict):
        return {}
    entries = {str(name): entry for name, entry in content.items() if isinstance(entry, dict)}
    return {name: entry for name, entry in entries.items() if entry.keys() & _ENTRY}


def _file_name(entry: dict[str, Any]) -> str:
    """Return the name of the file or folder that an entry means; empty when its rows come from elsewhere."""
    name = entry.get("file_name")
    return name if isinstance(name, str) and not any(entry.get(key) for key in _ELSEWHERE) else ""


def _is_inside(name: str) -> bool:
    """True for a name that stays in the register's folder: a stranger's register reads nothing else."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts and "\x00" not in name


def _is_file(path: Path) -> bool:
    return is_there(path) and path.is_file()


def _same(named: Path, path: Path) -> bool:
    try:
        return named.resolve() in (path.resolve(), path.resolve().parent)
    except (OSError, ValueError, RuntimeError):
        return False


def _declared(name: str, entry: dict[str, Any]) -> Declared:
    columns = _texts(entry.get("columns"))
    formatting = entry.get("formatting", "alpaca" if columns else "auto")
    if entry.get("ranking"):
        return Declared("preference", _ours(columns, _RANKED), name)
    if "kto_tag" in columns:
        return Declared("kto", {**_ours(columns, _LABELLED), **_tags(entry)}, name)
    if formatting == "alpaca":
        if columns.get("prompt") and "response" not in columns:
            return Declared("text", {"text": columns["prompt"]}, name)  # as it is used for pre-training
        return Declared("alpaca", _ours(columns, _ALPACA), name)
    if formatting not in ("sharegpt", "openai"):
        return Declared("auto", {}, name)
    tags = _texts(entry.get("tags"))
    is_messages = formatting == "openai" or tags.get("role_tag") == "role"
    return Declared(
        "messages" if is_messages else "sharegpt", {**_ours(columns, _CHAT), **_tags(entry)}, name
    )


def _texts(mapping: Any) -> dict[str, str]:
    items = mapping.items() if isinstance(mapping, dict) else ()
    return {key: value for key, value in items if isinstance(value, str) and value}


def _ours(columns: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    return {names[theirs]: column for theirs, column in columns.items() if theirs in names}


def _tags(entry: dict[str, Any]) -> dict[str, str]:
    tags = _texts(entry.get("tags"))
    return {
        ours: tags[theirs]
        for theirs, (ours, usual) in _TAGS.items()
        if tags.get(theirs) not in (None, *usual)
    }

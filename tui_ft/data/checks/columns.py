"""Columns: types that change from row to row, what is not trained on, and labels that are forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui_ft.data.faults import Faults
from tui_ft.data.findings import ROWS_NAMED
from tui_ft.data.formats import Format
from tui_ft.data.spelling import USUAL
from tui_ft.data.wording import shown

_LABELS = (
    "label", "labels", "label_text", "class", "category", "sentiment", "emotion", "intent", "target", "topic",
    "rating", "stars", "score", "v1",
)  # fmt: skip
_LEAVES = {"parent_id", "message_id", "parent_message_id", "message_tree_id"}
_KINDS: Mapping[type, str] = {str: "text", bool: "true/false", int: "number", float: "number", list: "list",
                              dict: "object"}  # fmt: skip
_NAMED = 8


class ColumnTypes:
    """What the columns that are read hold, in the rows that can be used."""

    def __init__(self, found: Format) -> None:
        self._columns = list(found.columns.values())
        self._seen: dict[tuple[str, str], tuple[list[int], list[int]]] = {}

    def add(self, number: int, row: Mapping[str, Any]) -> None:
        for column in self._columns:
            value = row.get(column)
            if value is None:
                continue
            kind = _KINDS.get(type(value), "something else")
            entry = self._seen.get((column, kind))
            if entry is None:
                entry = self._seen[column, kind] = ([0], [])
            entry[0][0] += 1
            if len(entry[1]) < ROWS_NAMED:
                entry[1].append(number)

    def finish(self, faults: Faults) -> None:
        told: set[int] = set()
        for column in self._columns:
            kinds = {kind: entry for (name, kind), entry in self._seen.items() if name == column}
            usual = max(kinds, key=lambda kind: kinds[kind][0][0], default="")
            for kind, (count, rows) in kinds.items():
                if kind == usual:
                    continue
                reason = f"{shown(column, 40)!r} is a {kind}, elsewhere a {usual}"
                fresh = [row for row in rows if row not in told]
                told.update(fresh)
                for row in fresh:
                    faults.add("mixed_types", row, reason)
                if count[0] > len(rows):
                    faults.add("mixed_types", None, reason, count=count[0] - len(rows))


def look_at_columns(sample: Sequence[Mapping[str, Any]], found: Format, faults: Faults) -> None:
    """Tell by the first rows what of their columns is not trained on."""
    columns = list(dict.fromkeys(name for row in sample for name in row))
    unused = [name for name in columns if name not in found.columns.values()]
    if found.name == "text" and (_LEAVES & {name.lower() for name in columns} or _says_roles(unused, sample)):
        faults.add("message_tree")
        return
    if found.name == "text" and (label := _label(unused, sample)) is not None:
        text = found.columns["text"]
        faults.add("label_not_used", None, repr(shown(label, 40)))
        faults.say(
            "label_not_used", "", f"To train them: --columns prompt={shown(text)},completion={shown(label)}"
        )
        unused.remove(label)
    if unused and found.name != "unknown":
        more = ", …" if len(unused) > _NAMED else ""
        faults.add("unused_columns", None, shown(", ".join(unused[:_NAMED]), 150) + more, count=len(unused))


def _says_roles(columns: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> bool:
    """True when a column says who speaks: each row is a message then."""
    for name in columns:
        if name.strip().lower() in USUAL.role_keys:
            said = [str(row[name]).strip().lower() for row in sample if row.get(name) is not None]
            if said and all(role in USUAL.roles for role in said):
                return True
    return False


def a_mapping(sample: Sequence[Mapping[str, Any]]) -> str:
    """Return a guess at what columns in no known format are to each other, as --columns takes it; or ""."""
    columns = list(dict.fromkeys(name for row in sample for name in row))
    lengths = {name: _mean_length(name, sample) for name in columns}
    ordered = sorted(columns, key=lambda name: -lengths[name])
    answer = _label(ordered[1:], sample)
    if answer is not None and lengths[ordered[0]]:
        return f"prompt={ordered[0]},completion={answer}"
    least = 15 if len(columns) > 2 else 8
    texts = [name for name in ordered if lengths[name] >= least]
    if not texts:
        return ""
    if len(texts) == 1:
        return f"text={texts[0]}"
    first, second = sorted(texts[:2], key=columns.index)
    return f"prompt={first},completion={second}"


def _mean_length(name: str, sample: Sequence[Mapping[str, Any]]) -> float:
    texts = [row[name] for row in sample if isinstance(row.get(name), str)]
    return sum(map(len, texts)) / len(texts) if len(texts) == len(sample) else 0


def _label(columns: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column that looks like a class: named as one, with short values that come again."""
    named = [name for word in _LABELS for name in columns if name.strip().lower() == word]
    for name in named:
        values = [str(row[name]) for row in sample if row.get(name) is not None]
        is_short = all(len(value) <= 60 for value in values)
        if values and is_short and (len(set(values)) < len(values) or len(values) < 4):
            return name
    return None

"""Data set formats: one table of the column names in use, and the decision which format rows are in."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from tui_ft.data.structured import as_messages, is_chat
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

FormatName = Literal[
    "alpaca", "sharegpt", "messages", "prompt_completion", "text",
    "preference", "kto", "prompt_only", "unknown",
]  # fmt: skip

SFT_FORMATS = ("alpaca", "sharegpt", "messages", "prompt_completion", "text")

_ALIASES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "data"),
    "instruction": ("instruction", "instructions"),
    "input": ("input", "context"),
    "output": ("output", "response", "completion", "answer", "target"),
    "prompt": ("prompt", "query", "question", "input", "problem", "user", "human", "source"),
    "completion": (
        "completion", "response", "solution", "answer", "output", "assistant", "gpt", "reply", "target",
    ),
    "text": ("text", "content", "document"),
    "system": ("system", "system_prompt"),
    "history": ("history",),
    "tools": ("tools",),
}  # fmt: skip
"""Our name of a column → the names it has in data sets, the most telling first."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "alpaca": ("instruction", "output"),
    "sharegpt": ("messages",),
    "messages": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "text": ("text",),
}
_MAY_HAVE: dict[str, tuple[str, ...]] = {
    "alpaca": ("input", "system", "history"),
    "sharegpt": ("system", "tools"),
    "messages": ("system", "tools"),
    "prompt_completion": ("input", "system", "history"),
    "text": (),
}
_PREFERENCE = ({"chosen", "rejected"}, {"chosen_messages", "rejected_messages"}, {"response_j", "response_k"})
_REMEDY = 'Name its columns in data.columns, for example {prompt = "question", completion = "answer"}.'
_REFUSED: dict[str, tuple[str, str]] = {
    "preference": (
        "holds preference pairs (chosen and rejected answers)",
        'Train it with objective.kind = "dpo", or name the wanted answers in data.columns.',
    ),
    "kto": (
        "holds answers labelled good or bad",
        'Train it with objective.kind = "kto", or keep the good rows only.',
    ),
    "prompt_only": ("holds prompts without answers", "Give a data set that has the answers, too."),
}


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are to be read: the format's name and our column names → the data set's own."""

    name: FormatName
    columns: dict[str, str] = {}


def detect(
    rows_sample: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | None = None,
    wanted: str = "auto",
) -> Format:
    """Return the format of rows by their columns and values; "unknown" where none fits.

    `columns` (our name → the data set's) decides before the names do, and `wanted` (a format of
    `SFT_FORMATS`) before both. Raises `TuiFtError` for a mapping or a wish that the rows do not meet.
    """
    filled = _filled_columns(rows_sample)
    mapping = _checked_mapping(columns or {}, filled, rows_sample)
    if wanted != "auto":
        return _as_wanted(wanted, filled, mapping, rows_sample)
    if mapping:
        return _by_mapping(mapping, filled, rows_sample)
    name: FormatName
    if any(names <= set(filled) for names in _PREFERENCE):
        name = "preference"
    elif (chat := _chat_column(filled, rows_sample)) is not None:
        return _chat_format(chat, filled, rows_sample, mapping)
    elif _is_kto(filled, rows_sample):
        name = "kto"
    else:
        for candidate in ("alpaca", "prompt_completion"):
            if found := _format(candidate, filled, mapping):
                return found
        return _without_answers(filled, rows_sample)
    return Format(name=name)


def require_sft(found: Format, origin: str, columns: Sequence[str] = ()) -> None:
    """Raise `TuiFtError` unless `found` can be trained with supervised fine-tuning."""
    if found.name in SFT_FORMATS:
        return
    what, hint = _REFUSED.get(found.name, ("", ""))
    if not what:
        names = shown(", ".join(columns), 120) or "none"
        what, hint = f"is in no format that is known here; its columns are: {names}", _REMEDY
        if "input_ids" in columns:
            what, hint = "is tokenized already", "Give the data set as text, before it was tokenized."
    raise TuiFtError(f"The data set {shown(origin, 200)} {what}.", hint)


def lacks(found: Format, row: Mapping[str, Any]) -> bool:
    """True when `row` has nothing in a column that its format needs."""
    return any(row.get(found.columns.get(need, "")) is None for need in _NEEDS.get(found.name, ()))


def _filled_columns(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Count, for every column, the rows that have something in it."""
    return Counter(name for row in rows for name, value in row.items() if value not in (None, "", [], {}))


def _checked_mapping(
    columns: Mapping[str, str], filled: Counter[str], rows: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    present = {name for row in rows for name in row}
    for ours, theirs in columns.items():
        if ours not in _ALIASES:
            near = difflib.get_close_matches(ours, _ALIASES, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(_ALIASES)}."
            raise TuiFtError(f"data.columns names {shown(ours)!r}, which is no role of a column.", hint)
        if theirs not in present:
            known = shown(", ".join(sorted(present)), 120)
            raise TuiFtError(
                f"data.columns.{ours} is {shown(theirs)!r}, but the data set has no such column.",
                f"Its columns are: {known}.",
            )
    return dict(columns)


def _columns(name: str, filled: Counter[str], mapping: Mapping[str, str]) -> dict[str, str] | None:
    """Return our name → theirs for format `name`, or None when a needed column is missing."""
    found: dict[str, str] = {}
    for ours in (*_NEEDS[name], *_MAY_HAVE[name]):
        theirs = mapping.get(ours) or next(
            (name for name in _present(ours, filled) if name not in found.values()), None
        )
        if theirs is not None:
            found[ours] = theirs
        elif ours in _NEEDS[name]:
            return None
    return found


def _present(ours: str, filled: Counter[str]) -> list[str]:
    """Return the data set's columns that go by one of our column's names, in whatever case."""
    spelt = {name.strip().lower(): name for name in reversed(filled)}
    return [spelt[alias] for alias in _ALIASES[ours] if alias in spelt]


def _format(name: str, filled: Counter[str], mapping: Mapping[str, str]) -> Format | None:
    columns = _columns(name, filled, mapping)
    return None if columns is None else Format(name=name, columns=columns)  # type: ignore[arg-type]


def _as_wanted(
    wanted: str, filled: Counter[str], mapping: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> Format:
    if wanted not in SFT_FORMATS:
        known = ", ".join(("auto", *SFT_FORMATS))
        raise TuiFtError(f"data.format is {shown(wanted)!r}.", f"It must be one of: {known}.")
    if wanted in ("messages", "sharegpt") and "messages" not in mapping:
        chat = _chat_column(filled, rows)
        mapping = {**mapping, "messages": chat} if chat else mapping
    found = _format(wanted, filled, mapping)
    if found is None:
        missing = [n for n in _NEEDS[wanted] if n not in mapping and not _present(n, filled)]
        names = shown(", ".join(filled), 120)
        raise TuiFtError(
            f"data.format is {wanted!r}, but no column was found for {' and '.join(missing)}; "
            f"the columns are: {names}.",
            _REMEDY,
        )
    return found


def _by_mapping(
    mapping: Mapping[str, str], filled: Counter[str], rows: Sequence[Mapping[str, Any]]
) -> Format:
    if "messages" in mapping:
        return _chat_format(mapping["messages"], filled, rows, mapping)
    if "text" in mapping:
        return Format(name="text", columns=dict(mapping))
    order = ("alpaca", "prompt_completion")
    if "prompt" in mapping or "completion" in mapping:
        order = ("prompt_completion", "alpaca")
    for name in order:
        if (found := _format(name, filled, mapping)) and set(mapping) <= set(found.columns):
            return found
    return Format(name="unknown", columns=dict(mapping))


def _chat_column(filled: Counter[str], rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column that holds chats: the known names first, then any that has their shape."""
    names = _present("messages", filled)
    others = [name for name in filled if name not in names and name not in _ALIASES["history"]]
    for name in (*names, *others):
        values = [row[name] for row in rows if row.get(name)]
        if 2 * sum(is_chat(value, of_texts=name in names) for value in values) > len(values):
            return name
    return None


def _chat_format(
    column: str, filled: Counter[str], rows: Sequence[Mapping[str, Any]], mapping: Mapping[str, str]
) -> Format:
    pair = _format("prompt_completion", filled, {**mapping, "prompt": column})
    if pair and column in _present("prompt", filled) and column not in mapping.values():
        return pair  # a chat as the prompt, with its answer in a column of its own
    chats = [messages for row in rows if (messages := as_messages(row.get(column)))]
    if chats and not any(m.role == "assistant" for chat in chats for m in chat):
        return Format(name="prompt_only")
    named = any(m.is_sharegpt for chat in chats for m in chat)
    found = _format("sharegpt" if named else "messages", filled, {**mapping, "messages": column})
    return found or Format(name="unknown")


def _is_kto(filled: Counter[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    if "completion" not in _present("completion", filled):
        return False
    for name in ("label", "kto_tag"):
        values = {str(row[name]).lower() for row in rows if row.get(name) is not None}
        if values and values <= {"true", "false", "0", "1"}:
            return True
    return False


def _without_answers(filled: Counter[str], rows: Sequence[Mapping[str, Any]]) -> Format:
    found = _format("text", filled, {})
    if found and all(isinstance(row.get(found.columns["text"]), str | None) for row in rows):
        return found
    if _present("prompt", filled) or _present("instruction", filled) or filled["turns"]:
        return Format(name="prompt_only")
    if len(filled) == 1 and all(isinstance(value, str) for row in rows for value in row.values()):
        return Format(name="text", columns={"text": next(iter(filled))})
    return Format(name="unknown")

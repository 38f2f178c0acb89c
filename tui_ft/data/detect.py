"""The decision which format rows are in, by the names of their columns and by what these hold."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tui_ft.data.column_names import ALIASES, ASKING, MAY_HAVE, NEEDS, PAIRS, ROLES
from tui_ft.data.formats import KNOWN_FORMATS, REMEDY, Format
from tui_ft.data.spelling import TAGS, USUAL, spelling
from tui_ft.data.structured import is_chat, is_sharegpt, roles_of
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

_FLAGS = {"true", "false", "0", "1"}


def detect(
    rows_sample: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | None = None,
    wanted: str = "auto",
) -> Format:
    """Return the format of rows by their columns and values; "unknown" where none fits.

    `columns` (our name → the data set's) decides before the names do, and `wanted` (a format of
    `KNOWN_FORMATS`) before both. Raises `TuiFtError` for a mapping or a wish that the rows do not meet.
    """
    return _Detection(rows_sample, columns or {}, wanted).format()


class _Detection:
    """What is known of the rows while their format is found."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], wanted: str) -> None:
        self.rows = rows
        self.wanted = wanted
        self.columns = list(dict.fromkeys(name for row in rows for name in row))
        self.filled = _filled_columns(rows)
        self.mapping = _checked_mapping(columns, rows)
        tags = {name: self.mapping.pop(name) for name in TAGS if name in self.mapping}
        self.spelt = spelling(tags) if tags else USUAL

    def format(self) -> Format:
        if self.wanted != "auto":
            return self._as_wanted()
        if self.mapping:
            return self._by_mapping()
        if found := self._preference() or self._kto():
            return found
        if (chat := self._chat_column()) is not None:
            return self._chat_format(chat)
        for name in ("alpaca", "prompt_completion"):
            if found := self._made(name):
                return found
        return self._without_answers()

    def _made(self, name: str, **mapping: str) -> Format | None:
        """Return the format `name` with the columns found for it, or None when a needed one is missing."""
        mapping = {**self.mapping, **mapping}
        found: dict[str, str] = {}
        for ours in (*NEEDS[name], *MAY_HAVE[name]):
            names = self._present(ours, in_all=ours in MAY_HAVE[name])
            free = (column for column in names if column not in found.values())
            theirs = mapping.get(ours) or next(free, None)
            if theirs is not None:
                found[ours] = theirs
            elif ours in NEEDS[name]:
                return None
        return self._format(name, found)

    def _format(self, name: str, columns: dict[str, str]) -> Format:
        needed = tuple(columns[ours] for ours in NEEDS.get(name, ()) if ours in columns)
        return Format(name=name, columns=columns, spelt=self.spelt, needed=needed)  # type: ignore[arg-type]

    def _present(self, ours: str, *, in_all: bool = False) -> list[str]:
        """Return the data set's columns that go by one of our column's names, in whatever case.

        With `in_all` also those in which none of these rows has something: a later one may.
        """
        return [name for alias in ALIASES[ours] if (name := self._named(alias, in_all=in_all))]

    def _named(self, alias: str, *, in_all: bool = False) -> str | None:
        names = (*self.filled, *self.columns) if in_all else self.filled
        return next((name for name in names if name.strip().lower() == alias), None)

    def _as_wanted(self) -> Format:
        wanted = self.wanted
        if wanted not in KNOWN_FORMATS:
            known = ", ".join(("auto", *KNOWN_FORMATS))
            raise TuiFtError(f"data.format is {shown(wanted)!r}.", f"It must be one of: {known}.")
        found = self._found_as(wanted)
        if found is None:
            missing = [n for n in NEEDS[wanted] if n not in self.mapping and not self._present(n)]
            raise TuiFtError(
                f"data.format is {wanted!r}, but no column was found for {' and '.join(missing) or 'it'}; "
                f"the columns are: {shown(', '.join(self.filled), 120)}.",
                REMEDY,
            )
        return found

    def _found_as(self, wanted: str) -> Format | None:
        mapping = {}
        if wanted in ("messages", "sharegpt") and "messages" not in self.mapping:
            mapping = {"messages": chat} if (chat := self._chat_column()) else {}
        if wanted == "preference":
            return self._preference() or self._made(wanted)
        if wanted == "kto":
            return self._kto(given=True) or self._made(wanted)
        if wanted == "prompt_only":
            return self._prompts(self._chat_column())
        return self._made(wanted, **mapping)

    def _by_mapping(self) -> Format:
        mapping = self.mapping
        if "chosen" in mapping or "rejected" in mapping:
            return self._preference() or self._made("preference") or self._unknown()
        if "label" in mapping:
            return self._kto(given=True) or self._unknown()
        if "messages" in mapping:
            return self._chat_format(mapping["messages"])
        if "text" in mapping:
            return self._format("text", dict(mapping))
        order = ("alpaca", "prompt_completion")
        if "prompt" in mapping or "completion" in mapping:
            order = ("prompt_completion", "alpaca")
        for name in order:
            if (found := self._made(name)) and set(mapping) <= set(found.columns):
                return found
        return self._unknown()

    def _unknown(self) -> Format:
        return self._format("unknown", dict(self.mapping))

    def _preference(self) -> Format | None:
        for wanted, unwanted in PAIRS:
            chosen = self.mapping.get("chosen") or self._named(wanted)
            rejected = self.mapping.get("rejected") or self._named(unwanted)
            if chosen and rejected:
                return self._made("preference", chosen=chosen, rejected=rejected, **self._asking())
        return None

    def _kto(self, *, given: bool = False) -> Format | None:
        label = self.mapping.get("label") or self._label_column()
        if label is None:
            return None
        if "completion" in self.mapping or (self._named("completion") and "messages" not in self.mapping):
            return self._made("kto", label=label, **self._asking())
        chat = self.mapping.get("messages") or self._chat_column()
        are_flags = _nearly_all(isinstance(row.get(label), bool | None) for row in self.rows)
        if chat and (given or are_flags or label == "kto_tag"):
            found = self._made("messages", messages=chat)
            columns = {**found.columns, "label": label} if found else {"messages": chat, "label": label}
            return msgspec.structs.replace(self._format("kto", columns), needed=(chat, label))
        return self._made("kto", label=label, **self._asking()) if given else None

    def _label_column(self) -> str | None:
        """Return the column that says of an answer whether it is good."""
        for name in self._present("label"):
            values = [str(row[name]).strip().lower() for row in self.rows if row.get(name) is not None]
            if values and _nearly_all(value in _FLAGS for value in values):
                return name
        return None

    def _asking(self) -> dict[str, str]:
        """Return the column that asks, where the answers are in others."""
        if "prompt" in self.mapping:
            return {}
        names = (*ASKING, *ALIASES["messages"])
        return next(({"prompt": name} for alias in names if (name := self._named(alias))), {})

    def _chat_column(self) -> str | None:
        """Return the column that holds chats: the known names first, then any that has their shape."""
        names = self._present("messages")
        others = [name for name in self.filled if name not in names and name not in ALIASES["history"]]
        for name in (*names, *others):
            values = [row[name] for row in self.rows if row.get(name)]
            chats = sum(is_chat(value, of_texts=name in names, spelt=self.spelt) for value in values)
            if 2 * chats > len(values):
                return name
        return None

    def _chat_format(self, column: str) -> Format:
        pair = self._made("prompt_completion", prompt=column)
        if pair and column in self._present("prompt") and column not in self.mapping.values():
            return pair  # a chat as the prompt, with its answer in a column of its own
        values = [row.get(column) for row in self.rows]
        roles = [roles for value in values if (roles := roles_of(value, self.spelt))]
        if roles and not any("assistant" in said for said in roles):
            return self._prompts(column)
        named = any(is_sharegpt(value) for value in values)
        found = self._made("sharegpt" if named else "messages", messages=column)
        return found or self._unknown()

    def _prompts(self, chat: str | None) -> Format:
        asks = chat or self.mapping.get("prompt")
        asks = asks or next((name for alias in (*ASKING, "turns") if (name := self._named(alias))), None)
        return (asks and self._made("prompt_only", prompt=asks)) or self._unknown()

    def _without_answers(self) -> Format:
        found = self._made("text")
        if found and self._is_text(found.columns["text"]):
            return found
        if self._named("completions") and self._named("labels"):
            return self._unknown()  # answers rated step by step
        if (column := self._misspelt_chat()) is not None:
            return self._format("messages", {"messages": column})
        prompts = self._prompts(None)
        if prompts.name == "prompt_only":
            return prompts
        spoken = self._present("messages") or (list(self.filled) if len(self.filled) == 1 else [])
        if spoken and self._is_text(spoken[0]):
            return self._format("text", {"text": spoken[0]})
        return self._unknown()

    def _misspelt_chat(self) -> str | None:
        """Return the column that is named as chats are and holds lists, though of no messages."""
        names = (self._named(alias) for alias in ("messages", "conversations", "conversation"))
        return next((n for n in names if n and any(isinstance(row.get(n), list) for row in self.rows)), None)

    def _is_text(self, name: str) -> bool:
        values = [row[name] for row in self.rows if row.get(name) is not None]
        return 2 * sum(isinstance(value, str) for value in values) > len(values)


def _nearly_all(said: Iterable[bool]) -> bool:
    """True when at least nine of ten are so: an odd row is a fault of its own, not of the set."""
    answers = list(said)
    return 10 * sum(answers) >= 9 * len(answers)


def _filled_columns(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Count, for every column, the rows that have something in it."""
    return Counter(name for row in rows for name, value in row.items() if value not in (None, "", [], {}))


def _checked_mapping(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    present = {name for row in rows for name in row}
    for ours, theirs in columns.items():
        if ours not in ROLES:
            near = difflib.get_close_matches(ours, ROLES, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(ROLES)}."
            raise TuiFtError(f"data.columns names {shown(ours)!r}, which is no role of a column.", hint)
        if theirs not in present and ours not in TAGS:
            known = shown(", ".join(sorted(present)), 120)
            raise TuiFtError(
                f"data.columns.{ours} is {shown(theirs)!r}, but the data set has no such column.",
                f"Its columns are: {known}.",
            )
    named = [theirs for ours, theirs in columns.items() if ours not in TAGS]
    if twice := [theirs for theirs, count in Counter(named).items() if count > 1]:
        raise TuiFtError(
            f"data.columns names {shown(twice[0])!r} more than once.", "Give every part a column of its own."
        )
    return dict(columns)

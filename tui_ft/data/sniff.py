"""Telling from the beginning of a text what it holds: JSON of which kind, a table, or lines of text."""

from __future__ import annotations

import csv
import json
from typing import Any, Literal

from tui_ft.data.json_faults import could_go_on
from tui_ft.data.names import JSON_LINES, TABLES, TEXTS

Container = Literal["jsonl", "json", "parquet", "csv", "tsv", "text"]

_SEPARATORS = ",;\t|"
_COLUMNS = {
    "instruction", "input", "output", "system", "prompt", "completion", "question", "answer", "query",
    "response", "text", "label", "chosen", "rejected",
}  # fmt: skip
"""Two of these in the first line make a table of a file that is not named as one."""


def sniff(text: str, suffix: str) -> Container | None:
    """Return the container of a file that begins with `text` and is named `suffix`; None when not known."""
    start = text.lstrip()
    looks_json = start[:1] == "{" or (start[:1] == "[" and start[1:].lstrip()[:1] in ("{", "]"))
    if suffix in TABLES and not (looks_json and (_has_row_lines(start) or _begins_document(start))):
        return _table(start, named_tabs=suffix != ".csv")
    if looks_json:
        return _json_container(start, suffix)
    if _is_table(start):
        return _table(start, named_tabs=False)
    if suffix in (".json", *JSON_LINES):
        return _json_container(start, suffix)
    return "text" if suffix in TEXTS else None


def separator(header: str) -> str:
    """Return the separator that the header line holds most of; a comma where there is none."""
    return max(_SEPARATORS, key=header.count) if any(c in header for c in _SEPARATORS) else ","


def _table(start: str, *, named_tabs: bool) -> Container:
    header = start.partition("\n")[0]
    if named_tabs and ("\t" in header or not any(c in header for c in _SEPARATORS)):
        return "tsv"
    return "tsv" if separator(header) == "\t" else "csv"


def _is_table(start: str) -> bool:
    line, _, rest = start.partition("\n")
    try:
        header = next(csv.reader([line], delimiter=separator(line), strict=True))
    except csv.Error:
        return False
    names = {name.strip().lower() for name in header}
    return bool(rest.strip()) and len(names) == len(header) and len(names & _COLUMNS) > 1


def _json_container(start: str, suffix: str) -> Container:
    """Tell JSON lines from an array or documents; where the first row is broken, by the rest."""
    line, _, rest = start.partition("\n")
    if start[:1] == "[":
        is_list_a_line = rest.lstrip()[:1] in ("[", "{") and isinstance(_json(line), list)
        return "jsonl" if is_list_a_line else "json"
    if not rest:  # one line only, or one longer than the head
        return "json" if suffix == ".json" else "jsonl"
    if _json(line) is not None:
        return "jsonl"
    if _begins_document(start):
        return "json"
    return "jsonl" if suffix in JSON_LINES or _has_row_lines(rest) else "json"


def _json(text: str) -> Any:
    """Return the value that `text` is, None when it is none."""
    try:
        return json.loads(text.strip().removesuffix(","))
    except (ValueError, RecursionError):
        return None


def _begins_document(start: str) -> bool:
    """True when the text begins with a JSON value over several lines, be it that its end is not seen."""
    try:
        return "\n" in start[: json.JSONDecoder().raw_decode(start)[1]]
    except (ValueError, RecursionError) as error:
        return could_go_on(error, start)


def _has_row_lines(text: str) -> bool:
    return any(line[:1] == "{" and isinstance(_json(line), dict) for line in text.split("\n"))

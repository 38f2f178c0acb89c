"""The parts that columns play, while somebody gives them: what is found, what is given, what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tui_ft.data.column_names import ALIASES
from tui_ft.data.detect import detect
from tui_ft.data.examples import LOOKED_AT, said_of
from tui_ft.data.formats import KNOWN_FORMATS, Format
from tui_ft.data.read import read_rows
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

_FIRST = ("prompt", "completion")
PARTS = ("", *_FIRST, *(name for name in ALIASES if name not in _FIRST))
"""The parts that a column can play, as `data.columns` calls them; "" is none."""
FORMATS = ("auto", *KNOWN_FORMATS)


@dataclass(frozen=True)
class Sample:
    """The first rows of a data set, from which its format is found, and what a register beside it says."""

    rows: list[dict[str, Any]]
    said: tuple[str, dict[str, str]] = ("auto", {})

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def value_of(self, name: str) -> str:
        """What stands in this column where something first does."""
        value = next((row[name] for row in self.rows if row.get(name) not in (None, "", [], {})), "")
        return shown(value, 200)


def read_sample(path: str) -> Sample:
    """Read the first rows. Blocks. Raises `TuiFtError` when there are none to be had."""
    rows: list[dict[str, Any]] = []
    try:
        for _, row in islice(read_rows(Path(path)), LOOKED_AT):
            rows.append(row)
    except TuiFtError:
        if not rows:
            raise
    return Sample(rows, said_of(Path(path), "auto", None))


class ColumnDesk:
    """Parts under way. Nothing here blocks or draws."""

    def __init__(self, sample: Sample, format_name: str, columns: dict[str, str]) -> None:
        self.sample = sample
        self.format = format_name
        self._given = dict(columns)

    def columns(self) -> dict[str, str]:
        """The parts that were given: ours → the data set's."""
        return dict(self._given)

    def is_given(self, name: str) -> bool:
        return name in self._given.values()

    def part_of(self, name: str) -> str:
        """The part that column `name` plays now, given or found; "" for none."""
        found = self._found()
        mapping = found.columns if found is not None else self._given
        return next((ours for ours, theirs in mapping.items() if theirs == name), "")

    def turn(self, name: str, by: int) -> None:
        """Give column `name` the next part that no other column has."""
        found = self._found()
        now = self._given if self._given or found is None else found.columns
        own = self.part_of(name)
        others = {ours: theirs for ours, theirs in now.items() if theirs != name}
        parts = [part for part in PARTS if part not in others]
        part = parts[(parts.index(own) + by) % len(parts)] if own in parts else ""
        if not self._given and self.format == "auto":
            self.format = self.sample.said[0]
        self._given = {**others, part: name} if part else others

    def turn_format(self, by: int) -> None:
        place = FORMATS.index(self.format) if self.format in FORMATS else 0
        self.format = FORMATS[(place + by) % len(FORMATS)]

    def clear(self) -> None:
        """Back to what is found by the names alone."""
        self._given, self.format = {}, "auto"

    def problem(self) -> str:
        """Why the rows cannot be read so; "" when they can."""
        try:
            found = self._detected()
        except TuiFtError as error:
            return str(error)
        if found.name == "unknown":
            return (
                "These parts make no format. Give prompt and completion, instruction and output, messages, "
                "or text."
            )
        return ""

    def outcome(self) -> str:
        """What the rows are read as."""
        found = self._found()
        if found is None:
            return ""
        parts = ", ".join(f"{ours} = {shown(theirs, 30)}" for ours, theirs in found.columns.items())
        return f"Read as {found.name}: {parts}." if parts else f"Read as {found.name}."

    def _detected(self) -> Format:
        format_name, columns = self.format, self._given
        if format_name == "auto" and not columns:
            format_name, columns = self.sample.said
        return detect(self.sample.rows, columns, format_name)

    def _found(self) -> Format | None:
        try:
            return self._detected()
        except TuiFtError:
            return None

"""The settings of a run of ours: every field of its spec by name, as resolved, for showing and comparing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import SettingValue

LONGEST_SETTING = 300


class SettingsReader:
    """Reads the spec of the newest attempt; it is written once, before the attempt begins."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._attempt: int | None = None
        self._settings: dict[str, SettingValue] = {}

    def settings(self, attempt: int) -> Mapping[str, SettingValue]:
        """The fields that have a value, as `section.field`; {} while there is no spec that can be read."""
        if attempt != self._attempt:
            own = self._run.attempt(attempt).spec
            path = own if own.is_file() else self._run.spec
            if path.is_file():
                self._settings, self._attempt = _read(path), attempt
        return self._settings


def _read(path: Path) -> dict[str, SettingValue]:
    from tui_ft.spec import toml
    from tui_ft.spec.resolve import resolve

    try:
        spec = msgspec.to_builtins(resolve(toml.load(path)))
    except TuiFtError:
        return {}  # a spec of a newer version: the run is shown all the same
    return dict(_flat(spec))


def _flat(spec: Mapping[str, Any]) -> Iterator[tuple[str, SettingValue]]:
    for section, fields in spec.items():
        if isinstance(fields, Mapping):
            for name, value in fields.items():
                if value is not None and value != "" and value != []:
                    yield f"{section}.{name}", _shown(value)


def _shown(value: Any) -> SettingValue:
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        value = ", ".join(map(str, value))
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return clean_line(text)[:LONGEST_SETTING]

"""torchtune's disk log: `Step 1 | loss:1.99 lr:2e-05 …` a line, or the same as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.following import head_and_tail, stamp_of
from tui_ft.watch.sources.line_source import LineSource
from tui_ft.watch.sources.neighbours import model_and_method, yaml_file
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.words import json_number, series_key, title_of, whole_step, word_number
from tui_ft.watch.state import Evidence

MOST_FILES = 200
_HEAD_BYTES = 2_048
_NAME = re.compile(r"^log_(\d{9,11})(?:_\w+)?\.(?:txt|jsonl)$")
_LINE = re.compile(r"^Step (\d{1,15}) \| ?(.*)$")
_PAIR = re.compile(r"([^\s:=]+):(tensor\([^)]*\)|\S+)")
_CONFIGS = ("torchtune_config.yaml", "config.yaml")


def is_disk_log(name: str, head: bytes) -> bool:
    """True for a file that a disk logger of torchtune wrote: by its lines, whatever its name."""
    lines = [line for line in head.decode("utf-8", errors="replace").splitlines()[:3] if line.strip()]
    if not lines:
        return False
    if name.endswith(".jsonl"):
        return _NAME.match(name) is not None and _decoded(lines[0]) is not None
    return all(_LINE.match(line) for line in lines[:-1] or lines) and ":" in lines[0]


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield each disk log of a folder: one file is one run."""
    asked = [name for name in names if name.endswith((".txt", ".jsonl", ".log")) and "log" in name.lower()]
    for name in asked[:MOST_FILES]:
        path = folder / name
        if stamp_of(path) and is_disk_log(name, head_and_tail(path, _HEAD_BYTES)[0]):
            yield Place(format="torchtune", path=path, files=(path,))


class TorchtuneSource(LineSource):
    """Follows one disk log. It says nothing of the length of the run, and nothing marks its end."""

    def begin(self) -> None:
        facts = self.facts
        facts.title = title_of(self.place.path)
        started = _NAME.match(self.place.path.name)
        facts.started_at = float(started[1]) if started else None
        self._names = SeriesNames()
        for name in _CONFIGS:
            facts.settings = facts.settings or yaml_file(self.place.path.parent / name)
        facts.model, facts.method = model_and_method(facts.settings)
        if not facts.model:
            facts.model = str(facts.settings.get("model._component_") or "").rpartition(".")[2]

    def tell(self, *, changed: bool) -> bool:
        self.facts.evidence = Evidence(written_at=self.file.modified_at)
        return changed

    def take(self, lines: Sequence[str]) -> None:
        rows = []
        for line in lines:
            if not (text := line.strip("\0\r\t ")):
                continue
            row = _decoded(text)
            if row is None:
                self.facts.bad_records += 1
                continue
            point: dict[str, Any] = {"step": row.pop("step")}
            if (epoch := row.pop("epoch", None)) is not None:
                point["epoch"] = epoch
            for key, value in row.items():
                point[series_key(self._names.of(key))] = value
            rows.append(point)
        self.table.add(rows)


def _decoded(line: str) -> dict[str, Any] | None:
    """Return step and numbers of one line; None for a line that is no row."""
    match = _LINE.match(line)
    if match:
        pairs: list[tuple[str, object]] = list(_PAIR.findall(match[2]))
        step = int(match[1])
    elif line.startswith("{"):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return None
        known = whole_step(found.get("step")) if isinstance(found, dict) else None
        if known is None:
            return None
        step, pairs = known, [(key, value) for key, value in found.items() if key != "step"]
    else:
        return None
    numbers = {
        key: number
        for key, value in pairs
        if (number := word_number(value) if isinstance(value, str) else json_number(value)) is not None
    }
    return {**numbers, "step": step} if numbers else None


def _open(place: Place, clock: Clock) -> TorchtuneSource:
    return TorchtuneSource(place, clock)


FORMAT = Format(
    name="torchtune",
    richness=45,
    written_by="torchtune",
    files="`log_*.txt`, `log_*.jsonl` of its DiskLogger",
    ends="none",
    find=find,
    open=_open,
)

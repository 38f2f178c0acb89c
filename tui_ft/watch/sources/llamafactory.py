"""LLaMA-Factory's `trainer_log.jsonl`: one object a log of training, evaluation or prediction."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tui_ft.watch.log import LogBuffer
from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.following import head_and_tail, is_lfs_pointer, read_piece, stamp_of
from tui_ft.watch.sources.line_source import LineSource
from tui_ft.watch.sources.log_marks import last_failure
from tui_ft.watch.sources.neighbours import model_and_method, model_beside, yaml_file
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.words import json_number, series_key, title_of, whole_step
from tui_ft.watch.state import Evidence

FILE_NAME = "trainer_log.jsonl"
RUNNING_LOG = "running_log.txt"
RESULTS = ("all_results.json", "train_results.json", "predict_results.json", "eval_results.json")
CLONED_S = 60.0
"""Files copied together may differ so much in time, in any order."""

LOOK_BESIDE_EVERY_S = 2.0
_NO_SERIES = frozenset(
    {"current_steps", "total_steps", "epoch", "percentage", "elapsed_time", "remaining_time"}
)
_POINT_KEYS = frozenset({"loss", "eval_loss", "predict_loss", "reward"})
_ELAPSED = re.compile(r"^(?:(\d{1,9}) days?, )?(\d{1,9}):(\d\d):(\d\d)(?:\.\d+)?$")


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the place of a folder that holds a `trainer_log.jsonl`."""
    path = folder / FILE_NAME
    if FILE_NAME in names and stamp_of(path) and not is_lfs_pointer(head_and_tail(path, 64)[0]):
        beside = tuple(folder / name for name in (RUNNING_LOG, *RESULTS[:3]) if name in names)
        yield Place(format="llamafactory", path=path, files=(path, *beside))


def elapsed_seconds(value: object) -> float | None:
    """Return the seconds that a `str(timedelta)` such as "1 day, 0:08:23" says; None for another text."""
    match = _ELAPSED.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


class LlamaFactorySource(LineSource):
    """Follows the log; beside it lie the settings, the results that mark the end, and the running log."""

    def begin(self) -> None:
        self._looked_at = -LOOK_BESIDE_EVERY_S
        self._beside: object = None
        if self.log is None:
            self.log = LogBuffer(self.place.path.parent / RUNNING_LOG)
        self.facts.title = title_of(self.place.path.parent)
        self._names = SeriesNames()
        self._elapsed: list[float] = []
        self._has_loss = False
        self._is_ended = False

    def take(self, lines: Sequence[str]) -> None:
        rows = []
        for line in lines:
            if not line.strip(" \t\r\0"):
                continue
            row = _decoded(line)
            if row is None:
                self.facts.bad_records += 1
            else:
                rows.append(self._row(row))
        self.table.add(rows)
        if rows:
            self.table.step = rows[-1]["step"]

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        step = whole_step(row["current_steps"])
        self.facts.total_steps = whole_step(row.get("total_steps")) or self.facts.total_steps
        elapsed = elapsed_seconds(row.get("elapsed_time"))
        if elapsed is not None:
            self._elapsed = [*self._elapsed[-200:], elapsed]
        if _POINT_KEYS & row.keys():
            self._has_loss = True
            self._is_ended = self._is_ended and "loss" not in row
        elif "epoch" in row and self._has_loss:
            self._is_ended = True  # the trainer's summary is logged as a row of an epoch without any loss
        point: dict[str, Any] = {"step": step}
        if (epoch := json_number(row.get("epoch"))) is not None:
            point["epoch"] = epoch
        for key, value in row.items():
            if key not in _NO_SERIES and (known := json_number(value)) is not None:
                point[series_key(self._names.of(key))] = known
        return point

    def tell(self, *, changed: bool) -> bool:
        """Bring the evidence up to date; what lies beside the log is looked at every now and then."""
        facts = self.facts
        if not changed and time.monotonic() - self._looked_at < LOOK_BESIDE_EVERY_S:
            return False
        self._looked_at = time.monotonic()
        evidence = Evidence(
            finished=self._finished(),
            failed=self._failed(),
            written_at=self.file.modified_at,
            usual_gap_s=_usual_gap(self._elapsed),
        )
        folder = self.place.path.parent
        beside = tuple(stamp_of(folder / name) for name in _SETTING_FILES)
        if beside != self._beside:
            self._beside = beside
            facts.settings = {}
            for name in _SETTING_FILES[:2]:
                facts.settings.update(yaml_file(folder / name))
            facts.settings = {**model_beside((folder,)), **facts.settings}
            facts.model, facts.method = model_and_method(facts.settings)
            changed = True
        changed = changed or evidence != facts.evidence
        facts.evidence = evidence
        return changed

    def _finished(self) -> str:
        if self._is_ended:
            return "The trainer has logged its end."
        written = self.file.modified_at
        folder = self.place.path.parent
        newest = max(
            (stamp[0] / 1e9 for name in RESULTS[:3] if (stamp := stamp_of(folder / name))), default=None
        )
        if newest is None or written is None or self.file.rest:
            return ""
        if newest > written + CLONED_S or (not self._has_loss and newest >= written - CLONED_S):
            return "Its results were written after its log."
        return ""

    def _failed(self) -> str:
        """The error in the running log, when that was written no earlier than the log."""
        path = self.place.path.parent / RUNNING_LOG
        stamp = stamp_of(path)
        if self._is_ended or stamp is None or stamp[0] / 1e9 < (self.file.modified_at or 0.0) - 1.0:
            return ""
        try:
            return last_failure(read_piece(path, 65_536, max(stamp[1] - 65_536, 0)))
        except OSError:
            return ""


_SETTING_FILES = ("llamaboard_config.yaml", "training_args.yaml", "adapter_config.json", "config.json")


def _decoded(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or whole_step(row.get("current_steps")) is None:
        return None
    return {key: value for key, value in row.items() if value is not None}  # old versions write null


def _usual_gap(elapsed: Sequence[float]) -> float | None:
    gaps = [later - earlier for earlier, later in pairwise(elapsed) if later > earlier]
    return median(gaps) if gaps else None


def _open(place: Place, clock: Clock) -> LlamaFactorySource:
    return LlamaFactorySource(place, clock)


FORMAT = Format(
    name="llamafactory",
    richness=50,
    written_by="LLaMA-Factory",
    files="`trainer_log.jsonl`",
    ends="`all_results.json` or `train_results.json`, newer than the log",
    find=find,
    open=_open,
)

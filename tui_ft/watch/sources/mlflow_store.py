"""MLflow's file store: a folder a run, a file a metric (mlflow/store/tracking/file_store.py)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import heads, setting_values
from tui_ft.watch.sources.following import Follower, stays_within
from tui_ft.watch.sources.mlflow_points import Point
from tui_ft.watch.sources.words import whole_step, word_number

META = "meta.yaml"
METRICS = "metrics"
_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MOST_FILES = 2_000
_DEEPEST = 4
_LOOK_EVERY_S = 2.0


def is_run(meta: dict[str, SettingValue]) -> bool:
    """True for the `meta.yaml` of a run; experiments and models have one, too."""
    return bool(meta.get("run_id") or meta.get("run_uuid")) and "status" in meta


def status_of(meta: dict[str, SettingValue]) -> str:
    """The status by MLflow's word for it; "" for none that is known."""
    status = meta.get("status")
    return status if isinstance(status, str) else _STATUS.get(status, "") if isinstance(status, int) else ""


def small_files(folder: Path) -> dict[str, SettingValue]:
    """Params or tags: a file each, its name is the key."""
    found: dict[str, SettingValue] = {}
    for key, path in islice(_files(folder), setting_values.MOST_SETTINGS):
        found[key] = setting_values.shown(key, setting_values.plain(heads.small_text(path, 65_536).strip()))
    return found


def _files(folder: Path, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Path]]:
    """The files under a folder with their keys, a `/` in which is a folder; no links to folders."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(islice(entries, _MOST_FILES), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in listed:
        if entry.is_file() and stays_within(Path(entry.path), folder):
            yield prefix + entry.name, Path(entry.path)
        elif depth < _DEEPEST and entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/", depth + 1)


class MetricFiles:
    """Follows the files of a run's metrics."""

    def __init__(self, run: Path) -> None:
        self.bad_records = 0
        self.restarted = False
        self.modified: float | None = None
        self.is_at_end = False
        self._folder = run / METRICS
        self._files: dict[str, Follower] = {}
        self._last_look: float | None = None

    def read(self, end: float) -> list[Point]:
        """Return the points that were added, until the monotonic time `end`. Raises OSError."""
        self._look()
        points: list[Point] = []
        self.is_at_end = True
        for key, file in self._files.items():
            while data := file.read():
                self.restarted = self.restarted or file.restarted
                points += self._points(key, data)
                if time.monotonic() >= end:
                    self.is_at_end = False
                    return points
            self.restarted = self.restarted or file.restarted
        times = [file.modified_at for file in self._files.values() if file.modified_at is not None]
        self.modified = max(times, default=None)
        return points

    def _look(self) -> None:
        now = time.monotonic()
        if self._last_look is not None and now - self._last_look < _LOOK_EVERY_S:
            return
        self._last_look = now
        for key, path in islice(_files(self._folder), _MOST_FILES):
            if key not in self._files:
                self._files[key] = Follower(path)

    def _points(self, key: str, data: bytes) -> Iterator[Point]:
        """`milliseconds value step` a line; old files leave out the step, new ones add what was evaluated."""
        for line in data.decode("utf-8", errors="replace").splitlines():
            parts = line.split()
            when = word_number(parts[0]) if len(parts) >= 2 else None
            value = word_number(parts[1]) if len(parts) >= 2 else None
            step = whole_step(parts[2]) if len(parts) > 2 else 0
            if when is None or value is None or step is None:
                self.bad_records += bool(parts)
            else:
                yield key, step, value, when / 1000

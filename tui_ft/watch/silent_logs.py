"""Logs without a row of a training that yet say how it ended: all went to a logger but the traceback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_ft.watch.homes import LOGGERS, OWN_FOLDER, home
from tui_ft.watch.sources.following import head_and_tail, stamp_of, stays_within
from tui_ft.watch.sources.log_marks import LogMarks
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.sources.stdout import is_log_name, looks_like_text

MOST_FOLDERS = 32
MOST_ENTRIES = 2_000
MOST_LOGS = 8


def silent_logs(places: Sequence[Place], top: Path) -> list[Place]:
    """Return the logs beside runs, and above their folders as far as `top`, that tell of an end alone.

    They are no runs: which one each belongs to, if any, is decided by when both ended. Never raises.
    """
    known = {file for place in places for file in place.files}
    homes = dict.fromkeys(home(place) for place in places if place.format in LOGGERS | OWN_FOLDER)
    folders = dict.fromkeys(
        folder
        for own in list(homes)[:MOST_FOLDERS]
        for folder in (own, own.parent)
        if folder == top or top in folder.parents
    )
    return [
        Place(format="stdout", path=path, files=(path,))
        for folder in folders
        for path in _logs(folder)
        if path not in known and _tells_an_end(path)
    ]


def _logs(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(MOST_ENTRIES), strict=False)]
    except OSError:
        return
    logs = [folder / name for name in sorted(names) if is_log_name(name)]
    yield from (path for path in logs[:MOST_LOGS] if stays_within(path, folder) and stamp_of(path))


def _tells_an_end(path: Path) -> bool:
    head, tail = head_and_tail(path)
    last = tail or head
    if not looks_like_text(last):
        return False
    marks = LogMarks()
    for line in last.decode("utf-8", errors="replace").splitlines():
        marks.see(line)
    return bool(marks.failed or marks.stopped)

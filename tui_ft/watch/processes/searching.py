"""Files of a run that nobody holds open: most loggers open them for each line, and close them again."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from tui_ft.hardware import host
from tui_ft.watch.processes.run_files import is_run_file

DEEPEST = 5
MOST_ENTRIES = 5_000
LONGEST_S = 0.04
"""A search goes so far: what lies beyond is found when its folder is named on the command line."""
SLACK_S = 5.0
"""A process's start is known to about a second, and file systems keep their own clocks."""

AGAIN_S, SELDOM_S = 4.0, 60.0
"""It is searched again after so long, each time twice as long: until something was found, and afterwards."""
TOGETHER_S = 0.08
"""All searches of one scan take no longer: what is left waits for the next."""
Key = tuple[int, int]

_SKIPPED = frozenset({"node_modules", "site-packages", "dist-packages", "lib", "lib64", "include", "proc",
                      "sys", "dev", "usr", "etc", "boot"})  # fmt: skip
_FIRST = re.compile(
    r"run|log|out|result|checkpoint|save|exp|version_|mlruns|tb|tensorboard|wandb", re.IGNORECASE
)
_STATES = frozenset({"trainer_state.json", "trainer_log.jsonl", "running_log.txt", "metrics.csv"})
_NAMED = re.compile(r"events\.out\.tfevents\.(\d{1,12})\.(.+?)\.(\d{1,9})\.\d+(?:\..*)?")


class NamedWriter(NamedTuple):
    """What the name of an event file says of its writer: made at `created` (unix seconds) on `host`."""

    created: float
    host: str
    pid: int


class Recent(NamedTuple):
    """Run files found: those that name one of the processes, and others that are as young as they."""

    named: tuple[Path, ...] = ()
    young: tuple[Path, ...] = ()


def named_writer(name: str) -> NamedWriter | None:
    """Return what the name of an event file says; None for another file, or a name without host and pid."""
    match = _NAMED.fullmatch(name)
    return NamedWriter(float(match[1]), match[2], int(match[3])) if match is not None else None


class Searches:
    """Searches for many processes, each again only when something new may be there."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Recent, float, float]] = {}
        self._left_s = TOGETHER_S

    def begin(self) -> None:
        """A new scan begins, with its own time."""
        self._left_s = TOGETHER_S

    def of(self, key: Key, tops: Iterable[Path], since: float | None, pids: Collection[int]) -> Recent:
        """What was found for the process `key` (pid and start time), searched anew when it is due."""
        found, due, wait = self._known.get(key, (Recent(), 0.0, AGAIN_S))
        began = time.monotonic()
        if since is None or began < due or self._left_s <= 0:
            return found
        before, found = found, search(tops, since, pids)
        ended = time.monotonic()
        self._left_s -= ended - began
        wait = AGAIN_S if found != before else min(wait * 2, SELDOM_S)
        self._known[key] = (found, ended + wait, wait)
        return found

    def keep(self, keys: Collection[Key]) -> None:
        """Forget all others: their processes are gone."""
        self._known = {key: known for key, known in self._known.items() if key in keys}


def search(tops: Iterable[Path], since: float, pids: Collection[int]) -> Recent:
    """Look under `tops` for run files written since `since` (unix seconds), those of `pids` told apart.

    Nearest folders first, and among them those that are called as runs are; no link is followed.
    """
    named: list[Path] = []
    young: list[Path] = []
    end = time.monotonic() + LONGEST_S
    left = MOST_ENTRIES
    here = host.hostname()
    waiting = deque((top, 0) for top in tops)
    seen: set[Path] = set()
    while waiting and left > 0 and time.monotonic() < end:
        folder, depth = waiting.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        folders: list[str] = []
        for entry in _entries(folder, left):
            left -= 1
            name = entry.name
            writer = named_writer(name)
            if writer is not None:
                if writer.host == here and writer.pid in pids and writer.created >= since - SLACK_S:
                    named.append(folder / name)
            elif _is_of_a_run(name, entry.path) and _changed(entry) >= since - SLACK_S:
                young.append(folder / name)
            elif name[:1] != "." and name not in _SKIPPED and entry.is_dir(follow_symlinks=False):
                folders.append(name)
        if depth < DEEPEST:
            folders.sort(key=lambda name: (_FIRST.search(name) is None, name))
            waiting.extend((folder / name, depth + 1) for name in folders)
    return Recent(tuple(named), tuple(young))


def _is_of_a_run(name: str, path: str) -> bool:
    return name in _STATES or is_run_file(path) or (name == "meta.yaml" and "/mlruns/" in path)


def _entries(folder: Path, most: int) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry, _ in zip(entries, range(most), strict=False)]
    except OSError:
        return []


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0

"""One run of several sources: the richest that lives is read, the others say what they know of its state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from tui_ft.runs.directory import RunDirectory
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun
from tui_ft.watch.sources.protocol import Source
from tui_ft.watch.sources.tui_ft import TuiFtSource


class Writer(Protocol):
    """A process that writes files: pid and start time (clock ticks since boot) are its identity."""

    @property
    def pid(self) -> int: ...

    @property
    def start_time(self) -> int: ...


Writers = Callable[[Iterable[Path]], tuple[Writer, ...]]
"""Says which living processes write these files: `watch.processes.writers`."""


def open_run(
    found: FoundRun, clock: Callable[[], float] = time.time, writers: Writers | None = None
) -> Source:
    """Open a found run, ours or another's; no file is touched before the first poll."""
    if found.is_ours:
        return TuiFtSource(RunDirectory(found.path), clock=clock)
    place = found.places[0]
    return formats.by_name(place.format).open(place, clock)

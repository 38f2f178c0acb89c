"""A run that was found, before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import Status
from tui_ft.watch.log import clean_line
from tui_ft.watch.sources.protocol import Place


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """One run, ours or another's: `places` are its sources, the richest first, and never empty.

    `path` is absolute and tells the run from every other; a run of ours has the one place of its directory.
    `status`, step, loss and the time of its newest word are what the search saw of it, where it looked.
    `siblings` are the other runs that the same search found, and `notes` what that search says of itself
    (a folder that it may not read, a limit it came to). `chosen` is the place that somebody asked for: it is
    shown, whatever the others tell.
    """

    title: str
    path: Path
    places: tuple[Place, ...]
    status: Status = "unknown"
    siblings: tuple[FoundRun, ...] = ()
    notes: tuple[str, ...] = ()
    chosen: Place | None = None
    step: int | None = None
    loss: float | None = None
    updated_at: float | None = None

    @property
    def is_ours(self) -> bool:
        return self.places[0].format == "tui_ft"


def found_ours(run: RunDirectory) -> FoundRun:
    """One of our own runs as a found one; touches no file."""
    place = Place(format="tui_ft", path=run.path, files=(run.state, run.events, run.metrics, run.hardware))
    return FoundRun(title=clean_line(run.id), path=run.path, places=(place,))


def found_by_id(runs_root: Path, text: str) -> FoundRun | None:
    """The run of ours whose id is `text`, found without the readers of other formats; None for others."""
    if "/" in text:
        return None
    exact = [run for run in directory.list_directories(runs_root) if run.id == text]
    return found_ours(exact[0]) if exact else None

"""A run that was found, before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui_ft.watch.sources.protocol import Place


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """One run, ours or another's: `places` are its sources, the richest first, and never empty.

    `path` is absolute and tells the run from every other; a run of ours has the one place of its directory.
    """

    title: str
    path: Path
    places: tuple[Place, ...]

    @property
    def is_ours(self) -> bool:
        return self.places[0].format == "tui_ft"

"""What every source of runs offers: read a little, then say what is known. And what makes a format known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tui_ft.watch.reading import Reading, SourceName

if TYPE_CHECKING:
    from tui_ft.watch.sources.foreign import ForeignSource


class Source(Protocol):
    """A run to be read. `poll` is called from one worker thread; `reading` from anywhere."""

    @property
    def reading(self) -> Reading:
        """What was known at the end of the last poll."""
        ...

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed. Never raises."""
        ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one source of a run lies: what a person would name (a file or a folder), and all its files."""

    format: SourceName
    path: Path
    files: tuple[Path, ...]


Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of runs: the line by which it is registered in `watch.formats`.

    `find(folder, names)` yields the places of this format among the entries `names` of a folder; for a
    single file the folder is asked with that one name. It reads heads of files at most and never raises
    for what they hold. A link among `names` leads to a regular file under the folder that was named, or
    under its own (`following.stays_within`), and is read as that file; what a format finds beside them by
    itself keeps the same rule. Of several sources of one run the one with
    the greatest `richness` is read. `written_by` and `files` say in a few words whose files these are, and
    which; `ends` what in them is the mark of an end.
    """

    name: SourceName
    richness: int
    written_by: str
    files: str
    ends: str
    find: Callable[[Path, Sequence[str]], Iterator[Place]]
    open: Callable[[Place, Clock], ForeignSource]

"""Which of the runs at a path is shown first, and what each is called: from a short look at its sources."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui_ft.runs.directory import RunDirectory
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun, found_ours
from tui_ft.watch.grouping import Group
from tui_ft.watch.homes import OWN_FOLDER, home
from tui_ft.watch.likeness import Glimpse, changed_at, look_at
from tui_ft.watch.log import clean_line
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.state import FRESH_S

LOOK_S = 0.15
LOOKS_S = 4.0
"""A place is looked at for so long, and all places of one search together; the rest is not compared."""

LIVE = ("running", "quiet", "starting", "paused", "stopping")
_COMMON_NAMES = frozenset({
    "out", "output", "outputs", "result", "results", "checkpoints", "model", "models", "logs", "runs", "save",
    "saves", "run", "tmp", "train", "training",
})  # fmt: skip


def found_alone(place: Place, notes: tuple[str, ...]) -> FoundRun:
    """The run of the only place there is."""
    if place.format == "tui_ft":
        return replace(found_ours(RunDirectory(place.path)), notes=notes)
    return FoundRun(title=clean_line(place.path.name), path=place.path, places=(place,), notes=notes)


def is_empty(look: Glimpse) -> bool:
    """True when a look shows neither points nor an end."""
    return look.tier == 0 and look.status not in ("finished", "failed", "stopped")


class Glances:
    """One look at each place, kept; all together for a bounded time."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._known: dict[int, tuple[Place, Glimpse]] = {}
        self._left_s = LOOKS_S

    def look(self, place: Place) -> Glimpse:
        """Return what a look at a place shows; only when its files changed once the time is used up."""
        known = self._known.get(id(place))
        if known is None:
            started = time.monotonic()
            is_known = place.format != "tui_ft" and self._left_s > 0
            glimpse = (
                look_at(place, lambda: self._now, min(LOOK_S, self._left_s))
                if is_known
                else Glimpse(changed_at=changed_at(place))
            )
            self._left_s -= time.monotonic() - started
            known = self._known[id(place)] = (place, glimpse)
        return known[1]


def rank(members: Group, glances: Glances, now: float) -> tuple[bool, int, int, float]:
    """What is shown first: what lives, what has points of training, what tells the most, what is newest."""
    looks = [glances.look(place) for place in members]
    changed = max((look.changed_at or 0.0 for look in looks), default=0.0)
    is_live = any(look.status in LIVE for look in looks) or now - changed < FRESH_S
    is_over = any(look.status in ("finished", "failed", "stopped") for look in looks)
    tier = max(look.tier for look in looks)
    tier = 2 if members[0].format == "tui_ft" else tier
    richest = max(
        formats.richness(place.format) for place in members if glances.look(place).tier == tier or tier == 2
    )
    updated = max((look.updated_at or 0.0 for look in looks), default=0.0) or changed
    return is_live and not is_over, tier, richest, updated


def found_run(members: Group, glances: Glances, notes: tuple[str, ...], taken: set[Path]) -> FoundRun:
    """One run of several places, or of several runs; `taken` are the paths that others have."""
    ordered = sorted(
        members,
        key=lambda place: (glances.look(place).tier == 2, formats.richness(place.format)),
        reverse=True,
    )
    if ordered[0].format == "tui_ft":
        return replace(found_ours(RunDirectory(ordered[0].path)), notes=notes)
    path = ordered[0].path if len(ordered) == 1 else _common_home(ordered)
    if path in taken:
        path = ordered[0].path
    taken.add(path)
    title = _title(path) if len(ordered) > 1 else glances.look(ordered[0]).title
    look = glances.look(ordered[0])
    return FoundRun(
        title=title or clean_line(path.name),
        path=path,
        places=tuple(ordered),
        status=look.status,
        step=look.step,
        loss=look.loss,
        updated_at=look.updated_at or look.changed_at,
        notes=notes,
    )


def _common_home(places: Sequence[Place]) -> Path:
    """The output folder of a run, where one of its sources lies in it; else its richest source."""
    own = [home(place) for place in places if place.format in OWN_FOLDER]
    homes = {home(place) for place in places if place.format != "stdout"}
    return own[0] if own else homes.pop() if len(homes) == 1 else places[0].path


def _title(path: Path) -> str:
    """The name of a folder; one that tools give to all of theirs is told with the folder above."""
    is_common = path.name.lower() in _COMMON_NAMES and path.parent.name
    return clean_line(f"{path.parent.name}/{path.name}" if is_common else path.name)

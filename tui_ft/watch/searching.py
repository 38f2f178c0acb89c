"""Sources that a run opens only after it was found: its first checkpoint, an event file made at step 100."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tui_ft.watch.grouping import group
from tui_ft.watch.homes import home
from tui_ft.watch.likeness import Glimpse, changed_at, look_at
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.walking import distinct, walk_tree

FIRST_AFTER_S = 8.0
PAUSES = 200.0
LONGEST_PAUSE_S = 600.0
"""A search that took a second is repeated after 200: it costs half a percent of a core."""
LONGEST_WALK_S = 0.5
YOUNG_S = 600.0
LOOK_S = 0.1
MOST_NEW = 8


class Search:
    """Looks again, now and then, where the sources of a run lie. `clock` gives unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next_at = time.monotonic() + FIRST_AFTER_S

    def is_due(self) -> bool:
        return time.monotonic() >= self._next_at

    def new_places(self, known: Sequence[Place]) -> list[Place]:
        """Return the places that are written now and belong to the run of the `known` ones."""
        started = time.monotonic()
        found = self._young(known)
        found = self._related(known, found) if found else []
        took = time.monotonic() - started
        self._next_at = time.monotonic() + min(max(PAUSES * took, FIRST_AFTER_S), LONGEST_PAUSE_S)
        return found

    def _young(self, known: Sequence[Place]) -> list[Place]:
        names = {(place.format, path) for place in known for path in (place.path, *place.files)}
        places: list[Place] = []
        for folder in dict.fromkeys(map(home, known)):
            places += walk_tree(folder, LONGEST_WALK_S).places
        new = []
        for place in distinct([*known, *places]):
            is_known = any((place.format, path) in names for path in (place.path, *place.files))
            if not is_known and abs(self._clock() - (changed_at(place) or 0.0)) < YOUNG_S:
                new.append(place)
        return new[:MOST_NEW]

    def _related(self, known: Sequence[Place], new: Sequence[Place]) -> list[Place]:
        looks: dict[int, Glimpse] = {}

        def look(place: Place) -> Glimpse:
            if id(place) not in looks:
                looks[id(place)] = look_at(place, self._clock, LOOK_S)
            return looks[id(place)]

        groups = group([*known, *new], look)
        members = next((one for one in groups if any(_holds(place, known[0]) for place in one)), [])
        return [place for place in new if any(_holds(member, place) for member in members)]


def _holds(joined: Place, place: Place) -> bool:
    """True for the place itself, and for what a resumed run's files were joined to."""
    return joined.format == place.format and set(place.files) <= set(joined.files)

"""One of several sources of a run, kept from taking the others down with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui_ft.watch import formats
from tui_ft.watch.likeness import Glimpse, changed_at, glimpse_of
from tui_ft.watch.log import clean_line
from tui_ft.watch.merging import Told
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.protocol import Place

GROWN = 1.05
"""Points are taken again when there are so many more of them; a comparison of old ones is as good."""
FLUSHED_S = 600.0
"""TensorBoard's writers write what they were given within two minutes; keep-alive marks come sooner."""
COPIED_S = 3600.0
"""A file that changed so long after its last row was copied here, or fetched."""


class Member:
    """A source that is left out from the moment at which its reader fails; `trouble` then says why.

    A reader never raises for what a file holds: what it raises all the same is a mistake of ours.
    """

    def __init__(self, place: Place, clock: Callable[[], float]) -> None:
        self.place = place
        self.trouble = ""
        self.polled_at = float("-inf")
        self.source: ForeignSource | None = None
        self._points = Glimpse()
        self._points_of = (-1, -1)
        try:
            self.source = formats.by_name(place.format).open(place, clock)
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(error)

    def poll(self, budget_s: float) -> bool:
        """Read what is new for about `budget_s` seconds; True when something changed. Never raises."""
        if self.source is None:
            return False
        try:
            return self.source.poll(budget_s)
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(error)
            return True
        finally:
            self.polled_at = time.monotonic()

    def _fail(self, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        self.trouble = clean_line(
            f"{self.place.format} cannot be read here ({what[:200]}); please report it to tui-ft."
        )
        self.source = None

    @property
    def is_read(self) -> bool:
        """True when its history is read, or never will be."""
        return self.source is None or (self.source.reading.is_complete and self.polled_at > float("-inf"))

    def told(self, *, is_alone: bool) -> Told | None:
        """What it says now; None once it has failed. Points are kept for a comparison when not alone."""
        if self.source is None:
            return None
        reading = self.source.reading
        if not is_alone:
            self._keep_points(reading)
        last = reading.times.last
        changed = changed_at(self.place)
        return Told(
            reading,
            self.source.evidence,
            formats.richness(self.place.format),
            self._points,
            changed,
            is_copied=last is not None and changed is not None and changed - last[1] > COPIED_S,
            is_moved=self.place.format == "tensorboard"
            and last is not None
            and changed is not None
            and changed - last[1] > FLUSHED_S,
        )

    def _keep_points(self, reading: Reading) -> None:
        now = (len(reading.series), max(map(len, reading.series.values()), default=0))
        before = self._points_of
        if now[0] != before[0] or not before[1] <= now[1] <= before[1] * GROWN:
            self._points, self._points_of = glimpse_of(reading), now

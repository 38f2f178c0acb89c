"""What the sources of one growing text file share: complete lines, a new start when it is written anew."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence

from tui_ft.watch.sources.following import Follower
from tui_ft.watch.sources.foreign import ForeignSource


class LineSource(ForeignSource):
    """Follows the file at `place.path`; a format says in `begin` and `take` what its lines mean."""

    def start_over(self) -> None:
        super().start_over()
        self.file = Follower(self.place.path)
        self._begin()

    def _begin(self) -> None:
        self.facts.is_complete = False
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Forget what was learnt of the file: it is read from its start."""

    @abstractmethod
    def take(self, lines: Sequence[str]) -> None:
        """Take complete lines without their ends into `table` and `facts`; the last one is empty."""

    @abstractmethod
    def tell(self, *, changed: bool) -> bool:
        """Bring the facts up to date after a read; True when anything changed."""

    def advance(self, end: float) -> bool:
        changed = False
        while True:
            data = self.file.read()
            if self.file.restarted:
                super().start_over()
                self._begin()
                changed = True
            if data:
                self.take(data.decode("utf-8", errors="replace").split("\n"))
                changed = True
            if self.file.is_at_end or time.monotonic() >= end:
                break
        self.facts.is_complete = self.file.is_at_end
        self.facts.updated_at = self.file.modified_at
        return self.tell(changed=changed)

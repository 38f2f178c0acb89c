"""One event file, followed."""

from __future__ import annotations

from tui_ft.watch.sources import byte_tail
from tui_ft.watch.sources.byte_tail import ByteTail
from tui_ft.watch.sources.event_files import EventPath
from tui_ft.watch.sources.event_frames import LONGEST_READ_BYTES, Framer
from tui_ft.watch.sources.event_kept import KeptFile
from tui_ft.watch.sources.event_scalars import Decoded, Scalars


class EventFile:
    """One event file, followed: hands out what was added, piece by piece."""

    def __init__(self, place: EventPath) -> None:
        self.place = place
        self.tail = ByteTail(place.path)
        self.damaged_at: int | None = None
        self._framer = Framer()
        self._scalars = Scalars()
        self._seen: tuple[int, float | None] = (-1, None)
        self.is_read = False

    def next_piece(self) -> Decoded | None:
        """Decode the next piece; None when there is nothing more (yet). Raises OSError."""
        data = self.tail.read()
        if self.tail.restarted:
            self.damaged_at, self._seen = None, (-1, None)
        now = (self.tail.size, self.tail.modified)
        if not data or now == self._seen:
            self.is_read = True
            return None
        frames = self._framer.cut(data)
        if not frames.used and not frames.is_damaged and len(data) == byte_tail.CHUNK_BYTES:
            data = self.tail.read(LONGEST_READ_BYTES + byte_tail.CHUNK_BYTES)
            frames = self._framer.cut(data)
        decoded = self._scalars.decode(data, frames)
        if decoded.damage is not None:
            frames.used, frames.is_damaged, frames.skipped = decoded.damage - 12, True, 0
        if frames.is_damaged and not any(data[frames.used :]):
            frames.is_damaged = False  # zeros behind the last record: space that is not written yet
        after = self.tail.offset + frames.used + frames.skipped
        if after > self.tail.size:
            after = self.tail.offset + frames.used if frames.used < len(data) else self.tail.offset
        self.damaged_at = after if frames.is_damaged else None
        is_stuck = after == self.tail.offset or frames.is_damaged
        self.tail.offset = after
        self._seen = now if is_stuck else (-1, None)
        self.is_read = is_stuck or self.tail.is_at_end
        return decoded

    def keep(self) -> KeptFile:
        """What to go on from later."""
        return KeptFile(self.tail.offset, self._scalars.plugins)

    def go_on_from(self, kept: KeptFile) -> bool:
        """Go on from what was kept; False when the file is shorter now."""
        self._scalars.plugins.update(kept.plugins)
        return self.tail.go_on_from(kept.offset)

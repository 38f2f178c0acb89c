"""The corner of the home screen: what happened meanwhile, what waits, what idles, what is unsound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, work
from textual.screen import Screen

from tui_ft.tui.text import fit, plain
from tui_ft.tui.turns import Turns
from tui_ft.tui.widgets.lines import Line, Lines

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.runs.listing import RunSummary
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.watch.seen import Seen

SHORT_ROWS = 18
"""On a screen with fewer lines there is one line at most: the runs need them."""
KEEP_EVERY_S, BACK_AFTER_S = 30.0, 600.0
"""A look is written at most so often; who has pressed no key for so long was away."""

BOX_EVERY_S = 60.0

CornerLine = tuple[str, str]
"""A line, and its kind."""


class Corner(Lines):
    """As high as what it says, which is nothing on a good day."""

    DEFAULT_CSS = "Corner { height: 0; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._said: list[CornerLine] = []

    def show(self, said: list[CornerLine]) -> None:
        """Show these lines, as many as there is room for."""
        self._said = said
        width = max(self.app.size.width - 2, 1)
        most = 1 if self.app.size.height < SHORT_ROWS else len(said)
        lines: list[Line] = [((fit(plain(text), width), kind),) for text, kind in said[:most]]
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.set_lines(lines)

    def on_resize(self) -> None:
        self.show(self._said)


class CornerReader:
    """What waits in the queue, what the idle machine costs, the doctor's worst finding. It blocks."""

    def __init__(self, runs_root: Path, read_gpus: Callable[[], GpuReading]) -> None:
        self._runs_root = runs_root
        self._read_gpus = read_gpus
        self._box: tuple[CornerLine | None, CornerLine | None] = (None, None)
        self._box_at = -BOX_EVERY_S

    def read(self, now: float) -> list[CornerLine]:
        """The lines at `now` (unix seconds); none on a good day."""
        if time.monotonic() - self._box_at >= BOX_EVERY_S:
            self._box, self._box_at = self._read_box(now), time.monotonic()
        queue = _queue_line(self._runs_root)
        lines = (self._box[0], (f"Q  {queue}", "") if queue else None, self._box[1])
        return [line for line in lines if line is not None]

    def _read_box(self, now: float) -> tuple[CornerLine | None, CornerLine | None]:
        """Idle money and doctor: with a thousand runs that is a thousand files."""
        from tui_ft.doctor.corner import corner

        sick = corner(self._runs_root)
        return self._idle(now), (f"D  {sick}", "warn") if sick else None

    def _idle(self, now: float) -> CornerLine | None:
        """What the idle machine costs; where no price is known no run is looked at for it."""
        reading = self._read_gpus()
        if not reading.gpus and not _has_price():
            return None
        from tui_ft.runs.money.prices import rate_here

        if rate_here(reading.gpus[0].name if reading.gpus else "")[0] is None:
            return None
        from tui_ft.runs.money.idle import LEAST_S, idle_now

        idle = idle_now(self._runs_root, now, reading)
        if idle is None or idle.cost is None or idle.seconds < LEAST_S:
            return None
        return (f"!  {idle.text}", "warn")  # no key: the other lines begin with theirs


def _queue_line(runs_root: Path) -> str:
    """Most people queue nothing: then nothing is loaded for it."""
    from tui_ft.runs.directory import has_queue

    if not has_queue(runs_root):
        return ""
    from tui_ft.runs.queueing.queue import queue_line

    return queue_line(runs_root)


def _has_price() -> bool:
    from tui_ft import settings
    from tui_ft.errors import TuiFtError

    try:
        known = settings.load()
    except TuiFtError:  # the doctor tells
        return False
    return known.price_per_hour is not None or bool(known.price_per_gpu)


class HomeCorner(Screen[None]):
    """The part of the home screen that has a `Corner`. A look is a key, not an open window."""

    _box: list[CornerLine] = []
    _listed: tuple[RunSummary, ...] = ()
    _left: Seen | None = None
    _looked_at: float | None = None
    _kept_at = 0.0
    _shows_since = True
    _is_told = False
    _came_at = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns()

    if TYPE_CHECKING:

        @property
        def owner(self) -> TuiFtApp: ...

    async def read_left(self) -> None:
        """Read when this person was last here; then this is the last look."""
        from tui_ft.watch.seen import last_look_at_home

        if self._looked_at is None:
            self._left = await self.turns.call(last_look_at_home)
            now = self._looked_at = self._kept_at = self._came_at = self.owner.clock()
            await self.turns.call(lambda: _keep_quietly(now))

    def show_box(self, lines: list[CornerLine]) -> None:
        """Show what is known of the box."""
        self._box = lines
        self._show_corner()

    def show_listed(self, runs: list[RunSummary]) -> None:
        """Take over the runs of ours, of which some may have ended meanwhile."""
        self._listed = tuple(runs)
        if self._left is not None and self._shows_since:
            self._show_corner()

    def _show_corner(self) -> None:
        since = self._since_line()
        lines: list[CornerLine] = [(f"u  {since}", "live")] if since and self._shows_since else []
        self._is_told = bool(lines)
        for corner in self.query(Corner):
            corner.show([*lines, *self._box])

    def _since_line(self) -> str:
        if self._left is None:
            return ""
        from tui_ft.watch.home_since import home_line

        return home_line(self._listed, self._left, self._came_at or self.owner.clock())

    def action_since(self) -> None:
        """Hide what happened while nobody looked, or show it again."""
        self._shows_since = not self._shows_since
        self._show_corner()

    def on_key(self, event: events.Key) -> None:
        """What was told goes with the next key; with u its own action takes it away, or shows it again."""
        was_told = self._is_told
        self.notice_person()
        if was_told and event.character != "u":
            self._shows_since = False
            self._show_corner()

    def on_app_focus(self, event: events.AppFocus) -> None:
        self.notice_person()

    def notice_person(self) -> None:
        """Somebody is there: after a while without, what happened meanwhile is told."""
        from tui_ft.watch.seen import Seen

        if self._looked_at is None:
            return
        if self.owner.clock() - self._looked_at >= BACK_AFTER_S:
            self._left, self._shows_since = Seen(at=self._looked_at), True
            self._look()
            self._came_at = self._looked_at
            self._show_corner()
        else:
            self._look()

    def _look(self) -> None:
        now = self._looked_at = self.owner.clock()
        if now - self._kept_at >= KEEP_EVERY_S:
            self._kept_at = now
            self._keep(now)

    @work(group="seen")
    async def _keep(self, now: float) -> None:
        await self.turns.call(lambda: _keep_quietly(now))

    def on_unmount(self) -> None:
        if self._looked_at is not None:
            threading.Thread(target=_keep_quietly, args=(self._looked_at,)).start()


def _keep_quietly(now: float) -> None:
    """What cannot be kept is told when next asked for: then nobody was ever here."""
    from contextlib import suppress

    from tui_ft.errors import TuiFtError
    from tui_ft.watch.seen import Seen, keep_look_at_home

    with suppress(TuiFtError):
        keep_look_at_home(Seen(at=now))

"""Since you left: what happened while nobody looked, until the next key; `u` shows it again.

A look is a key, not an open window: a terminal multiplexer keeps the app open all night. So the last look is
the last key, and who comes back after a while is told what happened in between.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from textual import events, work
from textual.screen import Screen

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.tui.widgets.lines import Line, Lines
from tui_ft.watch.reading import Reading
from tui_ft.watch.seen import Seen

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.money.bill import Bill
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.watch.since import Entry, Since

KEEP_EVERY_S = 30.0
"""A look is written at most so often, and when the screen is left."""
BACK_AFTER_S = 600.0
"""Who has pressed no key for so long was away."""
BILL_EVERY_S = 10.0


class SinceLines(Lines):
    """As high as what it says."""

    DEFAULT_CSS = "SinceLines { height: 0; }"

    def show(self, title: str, entries: list[Entry]) -> None:
        """Show `entries` under a title; none hides it."""
        width = self.size.width or self.app.size.width
        lines: list[Line] = []
        if entries:
            head = f"─ {title} ─ u shows it again "
            lines = [((fit(head + "─" * max(width - len(head), 0), width), "live"),)]
            lines += [((fit(f" {text}", width), kind),) for text, kind in entries]
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.set_lines(lines)


class SinceActions(Screen[None]):
    """A screen on one run that tells what happened while nobody looked; `bill` is its money, once known."""

    run: RunDirectory | None
    bill: Bill | None = None
    told: Since | None = None
    _looked: Seen | None = None
    _kept_at = 0.0
    _bill_at = -BILL_EVERY_S
    _is_asked = False

    if TYPE_CHECKING:

        @property
        def owner(self) -> TuiFtApp: ...

        @property
        def reading(self) -> Reading: ...

        def say(self, text: str, kind: Kind = "good") -> None: ...

    # --- looking ---------------------------------------------------------------------------------

    async def come_back(self) -> None:
        """Tell what happened since the last look, once the run is read; called again it only counts money."""
        from tui_ft.watch.since_money import priced_bill

        reading, now = self.reading, self.owner.clock()
        if self.run is not None and now - self._bill_at >= BILL_EVERY_S:
            self._bill_at = now
            self.bill = await asyncio.to_thread(priced_bill, self.run, now)
        if self._is_asked or not reading.is_complete:
            return
        self._is_asked = True
        from tui_ft.watch.seen import last_look

        seen = await asyncio.to_thread(last_look, reading.path)
        if seen is not None:
            self._tell(seen)
        self._look()

    def _tell(self, seen: Seen) -> None:
        from tui_ft.watch.since import AWAY_S, since
        from tui_ft.watch.since_money import money_since

        told = since(self.reading, seen, self.owner.clock(), money_since(self.bill, seen))
        self.told = told
        if told.away_s >= AWAY_S and told.is_news:
            self._show_since()

    def notice_person(self, *, by_key: bool = True) -> None:
        """Somebody is there: what they were away from is told, and this is the last look from now on.

        A key takes away what was told; a focus that comes with the terminal itself does not.
        """
        if not self._is_asked:
            return
        now, last = self.owner.clock(), self._looked
        if last is not None and now - last.at >= BACK_AFTER_S:
            self._tell(last)
        elif by_key and self.query_one(SinceLines).text:
            self.query_one(SinceLines).show("", [])
        self._look()

    def _look(self) -> None:
        """Note what is seen now."""
        reading, now = self.reading, self.owner.clock()
        held = self.bill.seconds if self.bill is not None else None
        self._looked = Seen(
            at=now, step=reading.step, status=reading.status, attempt=reading.attempt, held_s=held
        )
        if now - self._kept_at >= KEEP_EVERY_S:
            self._kept_at = now
            self._keep()

    @work(group="seen")
    async def _keep(self) -> None:
        from tui_ft.errors import TuiFtError
        from tui_ft.watch.seen import keep_look

        if self._looked is not None:
            try:
                await asyncio.to_thread(keep_look, self.reading.path, self._looked)
            except TuiFtError as error:
                self.say(str(error), "warn")

    def on_unmount(self) -> None:
        """The last look is kept, whatever becomes of the app: a thread outlives its loop."""
        if self._looked is not None:
            threading.Thread(target=_keep_quietly, args=(self.reading.path, self._looked)).start()

    def on_app_focus(self, event: events.AppFocus) -> None:
        """The terminal has the focus again; not every terminal says so."""
        self.notice_person(by_key=False)

    # --- showing ---------------------------------------------------------------------------------

    def _show_since(self) -> None:
        from tui_ft.watch.since import heading, since_lines

        if self.told is not None:
            entries = [(plain(text), kind) for text, kind in since_lines(self.told)]
            self.query_one(SinceLines).show(heading(self.told), entries)

    def action_since(self) -> None:
        told = self.told
        if told is None:
            self.say("This is your first look at this run.", "muted")
        elif told.is_news:
            self._show_since()
        else:
            from tui_ft.watch.eta import clock_label

            self.say(
                f"Nothing new since {clock_label(told.left_at, told.now)}, when you looked last.", "muted"
            )


def _keep_quietly(path: str, seen: Seen) -> None:
    """There is no screen left to complain on."""
    from contextlib import suppress

    from tui_ft.errors import TuiFtError
    from tui_ft.watch.seen import keep_look

    with suppress(TuiFtError):
        keep_look(path, seen)

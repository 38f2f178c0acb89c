"""TypeAhead: keys that arrive together go where they would go one by one.

A paste, a slow link or a fast hand puts several keys into one read. Textual hands all of them to what has
the focus at that moment, though the first may move the focus, or open a question that the others answer.
Here a key waits until the one before it was carried out. A key that comes alone waits for nothing.
It looks at Textual's queues, which are private: Textual is pinned exactly, and tests drive real keys.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from textual import events

from tui_ft.tui.cell_diff import CellDiff

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.worker import Worker

DEEDS = frozenset(
    {
        "default", "act", "add", "ask", "columns", "complete", "editor", "export", "files", "label", "launch",
        "name", "open", "own", "page", "panels", "path", "pick", "save", "start", "stop", "submit", "take",
        "view", "write",
    }
)  # fmt: skip
"""Groups of workers that carry out a key: what is typed behind it is meant for what they open."""
LONGEST_DEED_S = 1.0
"""A deed that takes longer is one that a person sees going on: keys are for the screen that is there."""
LONGEST_WAIT_S = 2.0
"""A widget that is busy for longer gets its keys all the same: no key is ever lost."""
LOOK_EVERY_S = 0.001
INTERRUPT = "ctrl+c"


class TypeAhead(CellDiff):
    """An app that hands out keys, pastes and clicks one after another, in the order in which they came."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._typed: deque[events.Event] = deque()
        self._handing_out: asyncio.Task[None] | None = None
        self._slow_deeds: WeakSet[Worker[Any]] = WeakSet()
        self._slow_nodes: WeakSet[MessagePump] = WeakSet()

    async def on_event(self, event: events.Event) -> None:
        """Hand out what was typed when its turn comes; everything else at once."""
        if self._must_wait_for_turn(event):
            self._typed.append(event)
            if self._handing_out is None:
                self._handing_out = asyncio.create_task(self._hand_out())
        else:
            await super().on_event(event)

    def _must_wait_for_turn(self, event: events.Event) -> bool:
        if not self._has_turn(event):
            return False
        return self._handing_out is not None or not self._is_settled() or bool(self._deeds(event))

    def _has_turn(self, event: events.Event) -> bool:
        if getattr(event, "is_forwarded", False) or isinstance(event, events.MouseMove):
            return False
        if isinstance(event, events.Key):
            return event.key != INTERRUPT
        return isinstance(event, (events.Paste, events.InputEvent))

    async def _hand_out(self) -> None:
        try:
            while self._typed:
                await self._settle(self._typed[0])
                if self._is_leaving():
                    return
                await super().on_event(self._typed.popleft())
        except Exception as error:  # noqa: BLE001 - as Textual does with what a handler raises
            self._handle_exception(error)
        finally:
            self._handing_out = None

    async def _settle(self, event: events.Event) -> None:
        """Wait until what was typed before `event` was carried out, but not for ever."""
        began = time.monotonic()
        while not self._is_leaving():
            waited = time.monotonic() - began
            if waited > LONGEST_WAIT_S:
                self._slow_nodes.update(self._busy_nodes())
                return
            if self._is_settled(with_app=True):
                deeds = self._deeds(event)
                if not deeds:
                    return
                if waited > LONGEST_DEED_S:
                    self._slow_deeds.update(deeds)
                    return
            await asyncio.sleep(LOOK_EVERY_S)

    def _is_leaving(self) -> bool:
        """Whether the app is about to end: there is no screen left that a key could go to."""
        return self._exit or self._closing or self._closed or not self._screen_stack

    def _is_settled(self, with_app: bool = False) -> bool:
        """Whether no widget has a message left: no key, no focus to be moved, no screen on its way.

        Within a message of the app's its own queue says nothing: what came before it was carried out.
        """
        if with_app and _is_busy(self):
            return False
        return not self._busy_nodes()

    def _busy_nodes(self) -> list[MessagePump]:
        """The screen on top and what is on it, as far as a message is being handled there.

        A screen below may handle one for as long as the question lasts that it put on top of itself. Who was
        waited for in vain once is not waited for again until it had its rest.
        """
        if self._is_leaving():
            return []
        top = self.screen
        nodes = [node for node in list(self._registry) if top in node.ancestors_with_self]
        busy = [node for node in nodes if _is_busy(node)]
        self._slow_nodes.intersection_update(busy)
        return [node for node in busy if node not in self._slow_nodes]

    def _deeds(self, event: events.Event) -> list[Worker[Any]]:
        """The workers of the screen on top that carry out an earlier key; Escape waits for none."""
        is_escape = isinstance(event, events.Key) and event.key == "escape"
        if is_escape or self._is_leaving():
            return []
        top = self.screen
        return [
            worker
            for worker in self.workers
            if worker.group in DEEDS
            and not worker.is_finished
            and not worker.is_cancelled
            and worker not in self._slow_deeds
            and top in worker.node.ancestors_with_self
        ]


def _is_busy(pump: MessagePump) -> bool:
    if pump._closed or pump._closing:
        return False
    news: Any = pump._message_queue.ready_event
    is_waiting = bool(news._waiters) and not news.is_set()  # for its next message: the one before is done
    return bool(not is_waiting or pump._next_callbacks or getattr(pump, "_callbacks", None))

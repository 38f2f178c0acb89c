"""Writes the draft soon after each change, off the event loop and one write at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_ft.errors import TuiFtError
from tui_ft.tui.wizard import draft as drafts
from tui_ft.tui.wizard.draft import Draft

AFTER_S = 0.3
"""Typing is written down when it pauses, not key by key."""


class Keeper:
    """Keeps the file of one draft. `complain` gets a sentence when it cannot be written."""

    def __init__(self, draft: Draft, complain: Callable[[str], None]) -> None:
        self._draft = draft
        self._complain = complain
        self._is_due = False
        self._later: asyncio.TimerHandle | None = None
        self._write = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        draft.on_change = self.touch

    def touch(self) -> None:
        """Something has changed."""
        self._is_due = True
        if self._later is not None:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(AFTER_S, self._begin)

    def _begin(self) -> None:
        task = asyncio.create_task(self.now())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def now(self) -> None:
        """Write what is not written yet."""
        async with self._write:
            if not self._is_due:
                return
            self._is_due = False
            try:
                await asyncio.to_thread(drafts.write, self._draft.encoded())
            except TuiFtError as error:
                self._complain(f"Your answers are not kept. {error}")

    def close(self) -> None:
        """End for good. What is not written yet is written at once: the app may be closing."""
        self._draft.on_change = lambda: None
        if self._later is not None:
            self._later.cancel()
        if self._is_due:
            self._is_due = False
            self._draft.save()

    async def discard(self) -> None:
        """End for good and remove the file: the run has started."""
        self._is_due = False
        self.close()
        async with self._write:
            await asyncio.to_thread(drafts.discard)

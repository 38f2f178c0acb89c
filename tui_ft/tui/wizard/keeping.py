"""Writes the draft soon after each change, off the event loop and one write at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_ft.errors import TuiFtError
from tui_ft.tui.wizard import draft_file
from tui_ft.tui.wizard.draft import Draft

AFTER_S = 0.1
"""So much can be lost when the terminal goes away; typing is written down ten times a second at most."""


class Keeper:
    """Keeps the file of one draft. `complain` gets a sentence when it cannot be written.

    Another app may keep its own in the same file: what that wrote is set aside, never written over.
    """

    def __init__(self, draft: Draft, complain: Callable[[str], None]) -> None:
        self._draft = draft
        self._complain = complain
        self._is_due = False
        self._own: bytes | None = None
        self._later: asyncio.TimerHandle | None = None
        self._write = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        draft.on_change = self.touch

    def touch(self) -> None:
        """Something has changed."""
        self._is_due = True
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(AFTER_S, self._begin)

    def _begin(self) -> None:
        self._later = None
        task = asyncio.create_task(self.now())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def now(self) -> None:
        """Write what is not written yet; what goes wrong is told."""
        try:
            await self.finish()
        except TuiFtError as error:
            self._complain(f"Your answers are not kept. {error}")

    async def finish(self) -> None:
        """Write what is not written yet. Raises `TuiFtError`."""
        async with self._write:
            if not self._is_due:
                return
            self._is_due = False
            try:
                aside = await asyncio.to_thread(self._put, self._draft.encoded())
            except TuiFtError:
                self._is_due = True
                raise
        if aside:
            self._complain(f"Another tui-ft is at a new run, too: its answers lie in {aside} now.")

    def _put(self, data: bytes) -> str:
        """Write the file; where it has become another app's, say where that one lies now. Blocks."""
        is_foreign = self._own is not None and draft_file.read() not in (None, self._own)
        aside = str(draft_file.put_aside("other")) if is_foreign else ""
        draft_file.write(data)
        self._own = data
        return aside

    def save(self) -> None:
        """The same at once, for an app that is closing. Raises `TuiFtError`."""
        if self._is_due:
            self._is_due = False
            self._put(self._draft.encoded())

    async def discard(self) -> None:
        """Remove the file: the run has started. That of another app stays."""
        self.close()
        async with self._write:
            await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        if self._own is None or draft_file.read() == self._own:
            draft_file.discard()

    def close(self) -> None:
        """Keep nothing any more."""
        self._draft.on_change = lambda: None
        self._is_due = False
        if self._later is not None:
            self._later.cancel()

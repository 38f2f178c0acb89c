"""Readings that wait for each other, so that they share one thread: each more takes half a MiB for good."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

PATIENCE_S = 2.0
"""One that hangs, on a disk that is gone, holds the others up no longer."""


class Turns:
    """One reading after the other, off the event loop."""

    def __init__(self) -> None:
        self._is_free = asyncio.Event()
        self._is_free.set()

    async def call(self, function: Callable[[], Answer]) -> Answer:
        """Call `function`, which may block and raise, when it is its turn."""
        end = time.monotonic() + PATIENCE_S
        while not self._is_free.is_set() and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_free.wait(), left)
        self._is_free.clear()
        try:
            return await asyncio.to_thread(function)
        finally:
            self._is_free.set()

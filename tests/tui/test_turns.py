"""Readings of the home screen share one thread, and none waits for one that hangs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tui_ft.tui import turns
from tui_ft.tui.turns import Turns


async def test_one_reading_after_the_other() -> None:
    line, going, most = Turns(), 0, 0

    def read() -> str:
        nonlocal going, most
        going += 1
        most = max(most, going)
        threading.Event().wait(0.005)
        going -= 1
        return threading.current_thread().name

    names = await asyncio.gather(*(line.call(read) for _ in range(5)))
    assert most == 1 and len(names) == 5


async def test_a_failure_gives_the_turn_on() -> None:
    line = Turns()

    def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await line.call(fail)
    assert await line.call(lambda: 1) == 1


async def test_one_that_hangs_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.05)
    line, freed = Turns(), threading.Event()
    hanging = asyncio.ensure_future(line.call(freed.wait))
    await asyncio.sleep(0)
    try:
        assert await line.call(lambda: "read") == "read"
        assert not hanging.done()
    finally:
        freed.set()
    assert await hanging

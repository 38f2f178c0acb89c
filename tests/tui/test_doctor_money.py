"""The money screen on a box of which a part does not answer."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from home_world import shown, until
from scripted_source import ScriptedSource

from tui_ft.runs.directory import create
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens import money
from tui_ft.tui.shared_source import SharedSource


async def test_a_look_that_fails_is_told_and_the_next_one_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(tmp_path / "runs", "demo")
    purse_of, is_dead = money._purse_of, True

    def purse(*given: object) -> money.Purse:
        if is_dead:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return purse_of(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(money, "_purse_of", purse)
    monkeypatch.setattr(money, "LOOK_S", 0.1)
    app = TuiFtApp(run.path.parent)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(money.MoneyScreen(SharedSource(ScriptedSource(title="demo")), run))
        await until(pilot, lambda: "not connected" in "\n".join(shown(app)))
        is_dead = False
        await until(pilot, lambda: "not connected" not in "\n".join(shown(app)))

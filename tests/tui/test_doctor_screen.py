"""The doctor's screen: findings at once, each in full, its fix to be copied."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from home_world import Rooms, an_app, ready, shown, until

from tui_ft.doctor.examine import Told
from tui_ft.doctor.finding import error, note, ok, warning
from tui_ft.tui import doctor_look
from tui_ft.tui.screens.doctor import DoctorScreen

_QUICK = doctor_look.quick
COMMAND = "export TUI_FT_RUNS=/workspace/tui-ft/runs"
QUICK: Sequence[Told] = (
    ("places", ok("fine", "Runs can be written.")),
    ("hub", note("token", "There is no token.", command="hf auth login")),
    ("places", warning("root", "Runs are gone when it stops. " * 6, command=COMMAND)),
)
SLOW: Sequence[Told] = (("torch", error("driver", "torch finds no GPU.", "Update the driver.")),)


@pytest.fixture(autouse=True)
def a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_look, "quick", lambda box: list(QUICK))
    monkeypatch.setattr(doctor_look, "slow", lambda box: list(SLOW))


async def opened(pilot: Any) -> DoctorScreen:
    await ready(pilot)
    pilot.app.push_screen(DoctorScreen())
    await until(pilot, lambda: "torch finds no GPU" in "\n".join(shown(pilot.app)))
    screen = pilot.app.screen
    assert isinstance(screen, DoctorScreen)
    return screen


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
async def test_the_worst_is_chosen_and_told_in_full(size: tuple[int, int]) -> None:
    app = an_app(Rooms())
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        await until(
            pilot, lambda: not screen.findings.is_busy and "Update the driver." in "\n".join(shown(app))
        )
        lines = shown(app)
        assert "✗ 1 error" in lines[0] and "! 1 warning" in lines[0] and "· 1 note" in lines[0]
        assert "checking" not in lines[0]
        assert lines[1].startswith("▸✗ error") and "✓" not in "".join(lines)
        assert all(len(line) <= size[0] for line in lines)
        text = "\n".join(lines)
        assert "Update the driver." in text
        await pilot.press("down")
        await until(pilot, lambda: COMMAND in "\n".join(shown(app)))


async def test_all_copy_again_and_back() -> None:
    app = an_app(Rooms())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "Runs can be written." in "\n".join(shown(app)))
        await pilot.press("c")
        await until(pilot, lambda: "Copied" in "\n".join(shown(app)))
        assert app.clipboard == "Update the driver."
        await pilot.press("end", "c")
        await until(pilot, lambda: "nothing to mend" in "\n".join(shown(app)))
        await pilot.press("r")
        await until(pilot, lambda: not screen.findings.is_busy)
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not screen)


async def test_the_quick_checks_are_seen_before_the_slow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slow(box: object) -> list[Told]:
        gate.wait(10)
        return list(SLOW)

    monkeypatch.setattr(doctor_look, "slow", slow)
    app = an_app(Rooms())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.push_screen(DoctorScreen())
        await until(pilot, lambda: "There is no token." in "\n".join(shown(app)))
        assert "checking" in shown(app)[0] and "torch" not in "\n".join(shown(app))
        gate.set()
        await until(pilot, lambda: "torch finds no GPU" in "\n".join(shown(app)))
        assert "checking" not in shown(app)[0]


async def test_checks_that_hang_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither to check again nor to leave waits for them; nor does the end of the app."""
    gate, asked = threading.Event(), []

    def quick(box: object) -> list[Told]:
        asked.append(threading.current_thread())
        gate.wait(30)
        return []

    monkeypatch.setattr(doctor_look, "quick", quick)
    app = an_app(Rooms())
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            app.push_screen(DoctorScreen())
            await until(pilot, lambda: len(asked) == 1)
            await pilot.press("r")
            await until(pilot, lambda: len(asked) == 2)
            await pilot.press("q")
            await until(pilot, lambda: not isinstance(app.screen, DoctorScreen))
        assert all(thread.is_alive() and thread.daemon for thread in asked)
    finally:
        gate.set()


async def test_the_real_checks_on_this_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_look, "quick", _QUICK)
    monkeypatch.setattr(doctor_look, "slow", lambda box: [])
    app = an_app(Rooms())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.push_screen(DoctorScreen())
        await until(pilot, lambda: "Doctor" in (shown(app) or [""])[0] and "checking" not in shown(app)[0])
        await pilot.press("a")
        await until(pilot, lambda: "ok" in shown(app)[0])

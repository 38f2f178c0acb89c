"""Since you left: told when a person comes back to a run or the list, gone with the next key, again by u."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from home_world import Rooms, a_run, an_app, on_screen, ready, shown, until
from synthetic_run import SyntheticRun
from textual import events

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.run_since import SinceLines
from tui_ft.watch.seen import Seen, keep_look, keep_look_at_home, last_look, last_look_at_home


class Clock:
    """Goes only when a test says so."""

    def __init__(self, made: SyntheticRun) -> None:
        self.made, self.ahead = made, 0.0

    def __call__(self) -> float:
        return self.made.now + self.ahead


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path, total_steps=1200) as run:
        run.begin_training()
        run.advance(400)
        run.live_here()
        yield run


def panel(app: TuiFtApp) -> str:
    return app.screen.query_one(SinceLines).text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15)])
async def test_who_comes_back_is_told_once(made: SyntheticRun, size: tuple[int, int]) -> None:
    keep_look(str(made.run.path), Seen(at=made.now - 3700, step=100, status="starting"))
    app = TuiFtApp(made.run.path.parent, made.run, clock=lambda: made.now)
    async with app.run_test(size=size) as pilot:
        await on_screen(pilot, "Since you looked at")
        await on_screen(pilot, "300 steps, now at 400 of 1,200")
        app.post_message(events.AppFocus())  # a terminal that is attached to says so
        await pilot.pause(0.05)
        assert panel(app)
        assert all(len(line) <= size[0] for line in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: not panel(app))
        assert app.screen.grid.view.cursor is not None, "a key does what it always does"  # type: ignore[attr-defined]
        await pilot.press("u")
        await until(pilot, lambda: "300 steps" in panel(app))
    looked = last_look(str(made.run.path))
    assert looked is not None
    assert (looked.step, looked.at) == (400, made.now)


@pytest.mark.parametrize(
    ("step", "says"),
    [(None, "This is your first look at this run."), (390, "10 steps, now at 400 of 1,200")],
    ids=["never here", "just here"],
)
async def test_who_was_never_here_or_was_just_here_is_told_nothing_unasked(
    made: SyntheticRun, step: int | None, says: str
) -> None:
    if step is not None:
        keep_look(str(made.run.path), Seen(at=made.now - 10, step=step, status="running"))
    app = TuiFtApp(made.run.path.parent, made.run, clock=lambda: made.now)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "400/1200")
        await until(pilot, lambda: app.screen._looked is not None)  # type: ignore[attr-defined]
        assert not panel(app)
        await pilot.press("u")
        await on_screen(pilot, says)


async def test_an_app_that_stays_open_over_night_tells_with_the_first_key(made: SyntheticRun) -> None:
    clock = Clock(made)
    app = TuiFtApp(made.run.path.parent, made.run, clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "400/1200")
        await until(pilot, lambda: app.screen._looked is not None)  # type: ignore[attr-defined]
        made.advance(200)
        clock.ahead = 9000.0
        await on_screen(pilot, "600/1200")
        assert not panel(app)
        await pilot.press("y")
        await until(pilot, lambda: "200 steps, now at 600" in panel(app))
        await pilot.press("y")
        await until(pilot, lambda: not panel(app))


# --- home ----------------------------------------------------------------------------------------------


async def test_home_counts_what_ended_and_u_hides_it() -> None:
    rooms = Rooms()
    app = an_app(rooms)
    now = app.clock()
    rooms.runs = [
        a_run(1, "finished", updated_at=now - 50), a_run(2, "failed", updated_at=now - 60),
        a_run(3, "finished", updated_at=now - 90_000),
    ]  # fmt: skip
    keep_look_at_home(Seen(at=now - 11_100))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await on_screen(pilot, "Since you left (3h05m ago): 1 finished, 1 failed")
        await pilot.press("u")
        await until(pilot, lambda: "Since you left" not in "\n".join(shown(app)))
        await pilot.press("u")
        await on_screen(pilot, "Since you left (3h05m ago): 1 finished, 1 failed")
        await pilot.press("down")
        await until(pilot, lambda: "Since you left" not in "\n".join(shown(app)))
        await pilot.press("u")
        await on_screen(pilot, "Since you left (3h05m ago): 1 finished, 1 failed")
    looked = last_look_at_home()
    assert looked is not None
    assert looked.at >= now


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15)])
async def test_the_corner_says_what_waits_what_idles_and_what_is_unsound(size: tuple[int, int]) -> None:
    rooms = Rooms()
    rooms.corner_said = [
        ("!  idle 2 h 10 min since the last run ended: about $6.40", "warn"), ("Q  Queue: 2 runs wait", ""),
        ("D  warning: \x1b[2Jthe disk" + "x" * 200, "warn"),
    ]  # fmt: skip
    app = an_app(rooms)
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        await on_screen(pilot, "about $6.40")
        lines = shown(app)
        assert all(len(line) <= size[0] and line.isprintable() for line in lines)
        seen = "\n".join(lines)
        assert ("2 runs wait" in seen) == (size[1] >= 18)
        rooms.corner_said = []


async def test_a_run_that_is_not_well_has_a_badge_and_says_why() -> None:
    rooms = Rooms()
    rooms.runs = [
        a_run(1, "running", findings={"divergence": "error", "plateau": "note"}),
        a_run(2, "running", findings={"throttling": "warning"}),
        a_run(3, "running", findings={"plateau": "note"}),
    ]  # fmt: skip
    app: Any = an_app(rooms)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        lines = "\n".join(shown(app))
        assert "▶ running ✗demo-0001" in lines
        assert "▶ running !demo-0002" in lines
        assert "▶ running  demo-0003" in lines
        await on_screen(pilot, "error: divergence")

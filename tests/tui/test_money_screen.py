"""The money screen on a run whose files a test writes: amounts with what they rest on, and a budget."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from home_world import shown, until
from scripted_source import ScriptedSource
from settings_written import write_settings

from tui_ft.hardware import host, processes
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.records import ProcessRecord, StateRecord, encode_document
from tui_ft.runs.requests import read_requests
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.ringing import ringing
from tui_ft.tui.screens.money import MoneyScreen
from tui_ft.tui.shared_source import SharedSource


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Fifty of two hundred steps of 2 s, and this process in the place of its supervisor and trainer."""
    import os

    write_settings(tmp_path, monkeypatch, "price_per_hour = 3.6\n")
    made, now, place = create(tmp_path / "runs", "demo"), time.time(), host.here()
    pid, started = os.getpid(), processes.start_time(os.getpid()) or 0
    made.state.write_bytes(
        encode_document(
            StateRecord(
                status="running", host=place.host, boot_id=place.boot_id, pid_namespace=place.pid_namespace,
                started_at=now - 200, total_steps=200, gpus=["GPU-0"], budget=1.0,
                processes=[
                    ProcessRecord(role="supervisor", pid=pid, start_time=started),
                    ProcessRecord(role="trainer", pid=pid, start_time=started),
                ],
            )
        )
    )  # fmt: skip
    attempt = made.attempt(1)
    attempt.path.mkdir(parents=True)
    attempt.environment.write_text(json.dumps({"gpu": {"name": "NVIDIA \x1b[31mH200"}}))
    attempt.spec.write_text("")
    opened = {"event": "attempt", "time": now - 190, "attempt": 1}
    trains = {"event": "phase", "time": now - 110, "phase": "training"}
    made.events.write_text(f"{json.dumps(opened)}\n{json.dumps(trains)}\n")
    rows = (
        {"step": step, "time": now - 100 + 2 * step, "loss": 1.0, "step_s": 2.0, "epoch": step / 100}
        for step in range(1, 51)
    )
    made.metrics.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return made


def an_app(run: RunDirectory) -> tuple[TuiFtApp, MoneyScreen]:
    app = TuiFtApp(run.path.parent)
    return app, MoneyScreen(SharedSource(ScriptedSource(title="demo\x1b[2J")), run)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15)])
async def test_every_amount_says_what_it_rests_on(run: RunDirectory, size: tuple[int, int]) -> None:
    app, screen = an_app(run)
    async with app.run_test(size=size) as pilot:
        await app.push_screen(screen)
        await until(pilot, lambda: "to finish" in "\n".join(shown(app)))
        text = "\n".join(shown(app))
        assert "$3.60" in text and "NVIDIA [31mH200" in text and "\x1b" not in text
        assert "$0.20" in text  # 200 s
        assert "$0.30" in text and "5 min" in text  # 150 steps of 2 s
        assert "budget" in text and "20%" in text and "it is enough" in text
        assert any(set(line.strip()) == {"█", "▒", "·"} for line in shown(app)), text
        await until(pilot, lambda: shown(app)[-1].startswith("b Budget"))
        await pilot.press("end")
        await until(pilot, lambda: "H200" in "\n".join(shown(app)) and "terminate" in "\n".join(shown(app)))


async def test_a_budget_is_asked_of_the_run(run: RunDirectory) -> None:
    app, screen = an_app(run)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen)
        await until(pilot, lambda: "b Budget" in shown(app)[-1])
        await pilot.press("b")
        await until(pilot, lambda: "What may" in "\n".join(shown(app)))
        await pilot.press("backspace", "x", "enter")
        await until(pilot, lambda: "x is no amount" in "\n".join(shown(app)))
        await pilot.press("backspace", "2", ",", "5", "enter")
        await until(pilot, lambda: "budget" in read_requests(run))
        assert read_requests(run)["budget"].value == 2.5


async def test_an_ended_run_has_no_budget_to_set(run: RunDirectory) -> None:
    import msgspec

    from tui_ft.runs.records import ExitRecord
    from tui_ft.runs.state import read_state

    ended = msgspec.structs.replace(
        read_state(run),
        status="finished",
        ended_at=time.time(),
        exit=ExitRecord(cause="finished", message=""),
    )
    run.state.write_bytes(encode_document(ended))
    app, screen = an_app(run)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen)
        await until(pilot, lambda: "spent" in "\n".join(shown(app)))
        assert "Budget" not in shown(app)[-1] and "to finish" not in "\n".join(shown(app))


async def test_a_screen_at_rest_paints_nothing(run: RunDirectory) -> None:
    app, screen = an_app(run)
    now = time.time()
    app.clock = lambda: now
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen)
        await until(pilot, lambda: "to finish" in "\n".join(shown(app)))
        await pilot.pause(0.2)
        from tui_ft.tui.widgets.page import Page

        painted = []
        page = screen.query_one(Page)
        refresh = page.refresh
        page.refresh = lambda *a, **k: painted.append(1) or refresh(*a, **k)  # type: ignore[method-assign]
        screen._look()
        await pilot.pause(0.5)
        assert painted == []


def test_a_bell_carries_no_command_of_others() -> None:
    plain = ringing("demo \x1b]52;c;AAAA\a\nfinished", {"TERM": "xterm"})
    assert plain == "\x1b]9;tui-ft: demo ]52;c;AAAA finished\a\a"
    assert ringing("4;1;50", {}).startswith("\x1b]9;tui-ft: 4")
    inside = ringing("demo finished", {"TMUX": "/tmp/x", "TERM": "screen-256color"})
    assert inside == "\x1bPtmux;\x1b\x1b]9;tui-ft: demo finished\a\x1b\\\a"
    assert ringing("demo finished", {"TERM": "screen"}) == "\a"

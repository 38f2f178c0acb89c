"""The first frame in a real terminal: whole, written once, and before anything is read."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from home_world import Rooms, an_app, ready, until
from terminal_session import TerminalSession

from tui_ft.cli.home import only_runs_root


def session(tmp_path: Path, *arguments: str) -> TerminalSession:
    environment = {
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }  # fmt: skip
    command = [sys.executable, "-m", "tui_ft", "--runs-root", str(tmp_path / "runs"), *arguments]
    return TerminalSession(command, columns=80, rows=24, environment=environment)


def test_it_has_its_keys_and_is_written_once(tmp_path: Path) -> None:
    with session(tmp_path) as app:
        app.run_until_text("Quit")
        app.run_until_text("No runs yet")  # later others' runs on this box may change the keys
        assert app.text.count("Tab Lists") == 1


def test_a_terminal_that_is_resized_is_written_whole(tmp_path: Path) -> None:
    with session(tmp_path) as app:
        app.run_until_text("No runs yet")
        for size in ((100, 30), (80, 24)):
            before = app.text.count("Tab Lists")
            app.resize(*size)
            assert app.run_until(lambda before=before: app.text.count("Tab Lists") > before, 10.0)


async def test_nothing_is_read_before_it_and_garbage_is_collected_after_it() -> None:
    rooms = Rooms()
    app, order = an_app(rooms), []
    listed, rooms.list_runs = rooms.list_runs, lambda: order.append(app.first_frame.is_set()) or listed()  # type: ignore[func-returns-value]
    gc.disable()
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            await until(pilot, lambda: order)
            assert all(order)
            assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ([], (True, None)), (["--runs-root", "/x"], (True, "/x")), (["--runs-root=/x"], (True, "/x")),
        (["ls"], (False, None)), (["--runs-root"], (False, None)),
        (["--runs-root", "--version"], (False, None)),
        (["--runs-root", "/x", "ls"], (False, None)), (["--help"], (False, None)),
    ],
)  # fmt: skip
def test_the_app_alone_needs_no_parser(arguments: list[str], answer: tuple[bool, str | None]) -> None:
    assert only_runs_root(arguments) == answer


def test_what_the_first_frame_imports_has_no_msgspec_and_no_parser() -> None:
    code = (
        "import sys, tui_ft.cli.main, tui_ft.settings, tui_ft.tui.main, tui_ft.tui.screens.home\n"
        "import tui_ft.tui.app\n"
        "print(*({'msgspec', 'argparse', 'tomllib', 'tui_ft.runs.directory'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

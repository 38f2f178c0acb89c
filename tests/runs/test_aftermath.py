"""What follows a run, done by the real process that outlives its supervisor."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from post_server import Server
from settings_written import write_settings

from tui_ft.cli.main import main
from tui_ft.hardware import processes
from tui_ft.runs import control, launch
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow, decode_health
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides


@pytest.fixture
def inbox() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write_settings(tmp_path, monkeypatch)


ARGUMENTS = ("--attempt", "1", "--detach")
"""How the process after a run is known, behind the run's path."""


@pytest.fixture(autouse=True)
def nothing_stays(bench: Any) -> Iterator[None]:
    """Who told somebody goes on to watch the machine stand idle."""
    yield
    for run in list_directories(bench.root):
        for pid in processes.find_by_arguments([str(run.path), *ARGUMENTS]):
            os.kill(pid, signal.SIGKILL)


def rows(run: RunDirectory) -> list[HealthRow]:
    if not run.health.exists():
        return []
    return [decode_health(line) for line in run.health.read_bytes().splitlines()]


def deeds(run: RunDirectory) -> list[DeedRow]:
    return [row for row in rows(run) if isinstance(row, DeedRow)]


def with_after(bench: Any, *changes: str) -> None:
    bench.spec = overrides.apply(bench.spec, [f"after.{change}" for change in changes])


def test_the_end_is_told_the_result_copied_and_then_the_hook_runs(
    bench: Any, inbox: Server, settings_file: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    script = (
        f"import os; open({str(ran)!r}, 'w').write(os.environ['TUI_FT_STATUS'] + os.environ['TUI_FT_COPY'])"
    )
    settings_file.write_text(
        f'price_per_hour = 3.0\n[notify.phone]\nkind = "webhook"\nurl = "http://127.0.0.1:{inbox.port}/secret-path"\n'
        f"[hooks.mark]\ncommand = '''{sys.executable} -c \"{script}\"'''\nat_once = true\n"
    )
    with_after(bench, 'notify=["phone"]', f"copy_to={tmp_path / 'copies'}", "hook=mark")
    run = bench.start("steps=3", until="finished")
    bench.wait_until(ran.exists, "the hook")
    bench.wait_until(lambda: len(deeds(run)) == 4, "all deeds")
    copied = tmp_path / "copies" / run.id
    assert ran.read_text() == f"finished{copied}"
    assert (copied / "metrics.jsonl").read_bytes() == run.metrics.read_bytes()
    [(path, _, told)] = inbox.posts
    assert path == "/secret-path"
    assert (told["run"], told["status"], told["step"]) == (run.id, "finished", 3)
    assert told["spent"] > 0 and "$" in told["text"]
    assert [row.deed for row in deeds(run)] == ["notify", "copy", "hook", "hook"]
    assert all(row.is_done for row in deeds(run))
    everything = b"".join(path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    assert b"secret-path" not in everything


def test_no_hook_without_the_copy_that_was_asked_for(
    bench: Any, inbox: Server, settings_file: Path, tmp_path: Path
) -> None:
    ran, in_the_way = tmp_path / "ran", tmp_path / "file"
    settings_file.write_text(
        f'[notify.phone]\nkind = "webhook"\nurl = "http://127.0.0.1:{inbox.port}/secret-path"\n'
        f'[hooks]\nmark = "touch {ran}"\n'
    )
    with_after(bench, 'notify=["phone"]', f"copy_to={in_the_way / 'copies'}", "hook=mark")
    run = bench.start("steps=30")
    in_the_way.touch()
    bench.wait_for(run, "finished")
    bench.wait_until(lambda: any(row.deed == "hook" for row in deeds(run)), "the refusal")
    refused = [row for row in deeds(run) if not row.is_done]
    assert [row.deed for row in refused] == ["copy", "hook"]
    assert "no verified copy" in refused[1].message
    assert not ran.exists()
    assert read_state(run).findings["copy"] == "error"
    [found] = [row for row in rows(run) if isinstance(row, FoundRow)]
    assert found.finding.code == "copy" and found.finding.fixes[0].command is not None
    assert main(["copy", str(run.path), str(tmp_path / "other")]) == 0
    assert "copy" not in read_state(run).findings
    assert any(isinstance(row, ClearedRow) for row in rows(run))
    assert len(inbox.posts) == 2  # the end, and that the copy failed


def test_a_person_who_stops_a_run_does_not_lose_the_machine(
    bench: Any, settings_file: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    settings_file.write_text(f'[hooks.stop]\ncommand = "touch {ran}"\nneeds_copy = false\n')
    with_after(bench, "hook=stop")
    run = bench.start()
    control.request(run, "stop", by="ada (command)")
    bench.wait_for(run, "stopped")
    bench.wait_until(lambda: any(row.deed == "hook" for row in deeds(run)), "the refusal")
    row = deeds(run)[-1]
    assert (row.deed, row.is_done) == ("hook", False)
    assert "ada (command) stopped the run" in row.message
    assert not ran.exists()


def test_a_machine_that_goes_down_is_told_of_and_nothing_else_is_tried_meanwhile(
    bench: Any, inbox: Server, settings_file: Path, tmp_path: Path
) -> None:
    settings_file.write_text(
        f'[notify.phone]\nkind = "webhook"\nurl = "http://127.0.0.1:{inbox.port}/secret-path"\n'
        f'[hooks]\nmark = "touch {tmp_path / "ran"}"\n'
    )
    with_after(bench, 'notify=["phone"]', f"copy_to={tmp_path / 'copies'}", "hook=mark")
    run = bench.start()
    bench.kill(run, "supervisor", signal.SIGTERM)
    bench.wait_until(lambda: deeds(run), "the deed")
    [(_, _, told)] = inbox.posts
    assert told["cause"] == "preempted" and "asked it to end" in told["title"]
    assert processes.find_by_arguments([str(run.path), *ARGUMENTS])  # should the machine stay, it goes on
    assert [row.deed for row in deeds(run)] == ["notify"]
    assert not (tmp_path / "copies").exists() and not (tmp_path / "ran").exists()


def test_an_end_that_nobody_saw_is_told_by_the_next_command(
    bench: Any, inbox: Server, settings_file: Path
) -> None:
    settings_file.write_text(
        f'[notify.phone]\nkind = "webhook"\nurl = "http://127.0.0.1:{inbox.port}/secret-path"\n'
    )
    with_after(bench, 'notify=["phone"]')
    run = bench.start("steps=40")
    trainer = bench.process(run, "trainer")
    bench.kill(run, "supervisor")
    bench.wait_until(lambda: not bench.lives(trainer), "the trainer's end")
    launch.adopt_orphans(bench.root)
    bench.wait_until(lambda: inbox.posts, "the word")
    assert inbox.posts[0][2]["status"] == "finished"

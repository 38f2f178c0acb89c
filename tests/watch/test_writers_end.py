"""Of a run's processes the one that ended last tells the end; its last words are heard within a budget."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar

import pytest

from tui_ft.hardware.process_exit import ProcessExit
from tui_ft.watch import writing
from tui_ft.watch.foreign_run import ForeignRun
from tui_ft.watch.found import FoundRun
from tui_ft.watch.member import Member
from tui_ft.watch.processes.writers import Writer
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.writing import WriterWatch

NOON = 1_700_000_000.0


class Process:
    """A process of a run, as `ExitWatch` follows one; the test says when and how it ends."""

    made: ClassVar[list[Process]] = []

    def __init__(self, pid: int, started: int) -> None:
        self.pid, self.started = pid, started
        self.end: ProcessExit | None = None
        self.is_closed = False
        self.made.append(self)

    def poll(self) -> ProcessExit | None:
        return self.end

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WriterWatch, dict[int, int]]:
    """A watch of the processes in the dictionary (pid: start time), which the test may change."""
    monkeypatch.setattr(Process, "made", [])
    monkeypatch.setattr(writing, "ExitWatch", Process)
    found: dict[int, int] = {7: 100, 8: 200}
    place = Place(format="stdout", path=tmp_path / "a.log", files=(tmp_path / "a.log",))
    watch = WriterWatch([place], lambda: NOON, lambda paths: tuple(Writer(*one) for one in found.items()))
    assert watch.poll(is_fresh=True)
    return watch, found


@pytest.mark.parametrize("first", [0, 1])
def test_the_process_that_ended_last_tells_how_a_run_ended(
    watched: tuple[WriterWatch, dict[int, int]], first: int
) -> None:
    watch, found = watched
    found.clear()
    Process.made[first].end = ProcessExit(signal=9)
    watch.poll(is_fresh=True)
    assert watch.known.lives
    Process.made[1 - first].end = ProcessExit(code=0)
    watch.poll(is_fresh=True)
    assert watch.known.finished


def test_of_processes_that_end_at_once_the_oldest_tells(watched: tuple[WriterWatch, dict[int, int]]) -> None:
    watch, found = watched
    found.clear()
    Process.made[0].end, Process.made[1].end = ProcessExit(code=3), ProcessExit(signal=15)
    watch.poll(is_fresh=True)
    assert "exit code 3" in watch.known.failed


def test_a_pid_that_became_anothers_is_let_go_of(watched: tuple[WriterWatch, dict[int, int]]) -> None:
    watch, found = watched
    found[8] = 300
    for process in Process.made:
        process.end = ProcessExit(code=1)
    watch.poll(is_fresh=True)
    assert [process.started for process in Process.made] == [100, 200, 300]
    assert Process.made[1].is_closed
    assert watch.known.lives


def test_the_last_words_of_all_sources_share_one_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abcdefgh":
        (tmp_path / f"{name}.log").write_text("")
    places = tuple(
        Place(format="stdout", path=path, files=(path,)) for path in sorted(tmp_path.glob("*.log"))
    )
    living = [Writer(os.getpid(), 1)]
    run = ForeignRun(
        FoundRun(path=tmp_path, title="r", places=places), lambda: NOON, lambda paths: tuple(living)
    )
    given: list[float] = []
    monkeypatch.setattr(writing, "ExitWatch", Process)

    def use_it_up(member: Member, budget_s: float) -> bool:
        given.append(budget_s)
        time.sleep(budget_s)
        return False

    monkeypatch.setattr(Member, "poll", use_it_up)
    monkeypatch.setattr(Member, "told", lambda member, is_alone: None)
    run.poll()
    Process.made[-1].end = ProcessExit(code=0)
    living.clear()
    given.clear()
    run.poll(0.0)
    assert sum(given[:8]) < 0.3

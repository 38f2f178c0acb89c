"""One poll of the box takes a bounded time, and one run that fails hides none of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from home_world import NO_GPU
from scripted_source import NOW, ScriptedSource

from tui_ft.tui import foreign_poll
from tui_ft.tui.foreign_poll import ForeignPoll
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.box import Box, Group
from tui_ft.watch.sources.protocol import Place


class Slow(ScriptedSource):
    """Takes as long as it may."""

    def poll(self, budget_s: float = 0.05) -> bool:
        time.sleep(budget_s)
        return super().poll(budget_s)


def a_poll(
    monkeypatch: pytest.MonkeyPatch, count: int, make: Callable[[int], ScriptedSource]
) -> tuple[ForeignPoll, list[ScriptedSource]]:
    """A box with so many trainings; each writes what `make` gives for it."""
    poll, sources = ForeignPoll(lambda: NOW), [make(number) for number in range(count)]
    groups = tuple(a_group(number) for number in range(1, count + 1))
    monkeypatch.setattr(poll._scanner, "scan", lambda _: Box(groups=groups, notes=()))

    def found(group: Group, _: Any) -> FoundRun:
        path = Path(f"/out/{group.pid}")
        place = Place(format="wandb", path=path, files=())
        return FoundRun(title=f"run {group.pid}", path=path, places=(place,))

    monkeypatch.setattr("tui_ft.watch.processes.attach.found_run", found)
    monkeypatch.setattr(
        "tui_ft.watch.foreign_run.open_run", lambda found, _: sources[int(found.path.name) - 1]
    )
    return poll, sources


def a_group(pid: int) -> Group:
    return Group(
        pid=pid, start_time=pid, started_at=NOW, pids=(pid,), user="other", command="python train.py",
        title="train",
    )  # fmt: skip


def test_a_run_that_fails_is_told_on_its_line_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    poll, sources = a_poll(monkeypatch, 3, lambda n: ScriptedSource(path=f"/out/{n}", is_complete=True))
    sources[1].failure = RuntimeError("broken \x1b[2J")
    runs = poll.read(NO_GPU).runs
    assert [run.pid for run in runs] == [1, 2, 3]
    assert "It cannot be read: RuntimeError: broken" in runs[1].reason and "\x1b" not in runs[1].reason
    assert "cannot be read" not in runs[0].reason + runs[2].reason
    sources[1].failure = None
    assert all("cannot be read" not in run.reason for run in poll.read(NO_GPU).runs)


def test_many_runs_are_read_in_several_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_poll, "READS_S", 0.2)
    poll, sources = a_poll(monkeypatch, 20, lambda n: Slow(path=f"/out/{n}", is_complete=True))
    began = time.monotonic()
    poll.read(NO_GPU)
    assert time.monotonic() - began < 0.7, "and not the second that all of them take"
    for _ in range(8):
        poll.read(NO_GPU)
    assert all(source.polls for source in sources)

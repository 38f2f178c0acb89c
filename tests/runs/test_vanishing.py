"""A run whose directory somebody removed does not hold the machine for ever."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.vanishing import GONE_FOR_S, Vanishing


def test_it_has_to_be_gone_for_a_while_and_its_root_has_to_be_there(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "runs" / "one")
    run.path.mkdir(parents=True)
    vanishing = Vanishing(run)
    assert not vanishing.is_for_good(0.0)
    run.path.rmdir()
    assert not vanishing.is_for_good(100.0)
    assert not vanishing.is_for_good(100.0 + GONE_FOR_S / 2)
    run.path.mkdir()
    assert not vanishing.is_for_good(100.0 + GONE_FOR_S)
    run.path.rmdir()
    assert not vanishing.is_for_good(200.0)
    assert vanishing.is_for_good(200.0 + GONE_FOR_S)
    run.path.parent.rmdir()  # the disk itself is gone: it may come back
    assert not vanishing.is_for_good(300.0 + GONE_FOR_S)


def test_both_processes_end_when_the_directory_is_removed(bench: Any) -> None:
    run = bench.start("forever")
    both = [bench.process(run, role) for role in ("supervisor", "trainer")]
    while run.path.exists():
        shutil.rmtree(run.path, ignore_errors=True)  # the trainer may write meanwhile
    bench.wait_until(lambda: not any(bench.lives(one) for one in both), "both gone", 45.0)


def test_one_that_was_moved_on_its_disk_is_not_gone(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "runs" / "one")
    run.path.mkdir(parents=True)
    vanishing = Vanishing(run)
    assert vanishing.moved_to() is None
    there = tmp_path / "kept"
    run.path.rename(there)
    assert vanishing.moved_to() == there
    assert not vanishing.is_for_good(0.0) and not vanishing.is_for_good(GONE_FOR_S)
    run.path.mkdir()  # the trainer saves by its old path
    assert vanishing.moved_to() == there and not vanishing.leave_link(there)
    run.path.rmdir()
    assert vanishing.leave_link(there)
    assert run.path.samefile(there)
    assert vanishing.moved_to() is None
    run.path.unlink()
    there.rmdir()
    assert vanishing.moved_to() is None
    assert not vanishing.is_for_good(100.0) and vanishing.is_for_good(100.0 + GONE_FOR_S)
    vanishing.close()


def test_where_the_disk_does_not_say_what_is_missing_counts_as_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise OSError

    run = RunDirectory(tmp_path / "runs" / "one")
    run.path.mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr("tui_ft.runs.vanishing.os.open", refuse)
        vanishing = Vanishing(run)
    run.path.rename(tmp_path / "kept")
    assert vanishing.moved_to() is None
    assert not vanishing.is_for_good(0.0) and vanishing.is_for_good(GONE_FOR_S)
    vanishing.close()

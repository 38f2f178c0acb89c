"""The trainer is called in this process, so that its imports are paid once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from training import MakeRun, add_attempt

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that lays out a run directory for the demo model with changes to its spec."""

    def make(*changes: str) -> RunDirectory:
        run = directory.create(tmp_path / "runs", "test")
        add_attempt(run, 1, *changes)
        return run

    return make


@pytest.fixture(autouse=True, scope="module")
def process_restored_after_the_module() -> Iterator[None]:
    """A run that a whole module shares is trained before the fixture below looks: what it set would stay,
    and the tests that come next in this process, which ones is chance, would train without the hub.
    """
    yield from _restored()


@pytest.fixture(autouse=True)
def process_restored() -> Iterator[None]:
    """The trainer takes the process's signals and sets its environment; give both back."""
    yield from _restored()


def _restored() -> Iterator[None]:
    environment = dict(os.environ)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(environment)

"""What the tests on a GPU share: the GPU itself, or the reason why there is none, and random models."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import random_model
from accuracy_table import AccuracyTable
from training import MakeRun, add_attempt

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory

_ACCURACY = pytest.StashKey[AccuracyTable]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash.get(_ACCURACY, None)
    if table is None or not table.rows:
        return
    terminalreporter.section("GPU memory: predicted beside measured (MiB)")
    for line in table.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def accuracy(pytestconfig: pytest.Config) -> AccuracyTable:
    """The table that is printed at the end."""
    return pytestconfig.stash.setdefault(_ACCURACY, AccuracyTable())


@pytest.fixture(scope="session", autouse=True)
def gpu() -> None:
    """Skip every test here, with the reason, where there is no CUDA GPU."""
    reason = random_model.why_no_gpu()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def model_1b(gpu: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from _model(tmp_path_factory.mktemp("model") / "random-1b", random_model.ABOUT_1B)


@pytest.fixture(scope="session")
def model_100m(gpu: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from _model(tmp_path_factory.mktemp("model") / "random-100m", random_model.ABOUT_100M)


def _model(folder: Path, shape: random_model.Shape) -> Iterator[Path]:
    yield random_model.make_model(folder, shape)
    shutil.rmtree(folder)  # gigabytes that pytest would keep for three sessions


@pytest.fixture
def runs_root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)


@pytest.fixture
def make_run(runs_root: Path) -> MakeRun:
    """Return a function that lays out a run directory with changes to its spec."""

    def make(*changes: str) -> RunDirectory:
        run = directory.create(runs_root, "gpu")
        add_attempt(run, 1, *changes)
        return run

    return make


@pytest.fixture(autouse=True)
def left_as_it_was() -> Iterator[None]:
    """The trainer takes the process's signals and its GPU memory; give both back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    random_model.free_memory()

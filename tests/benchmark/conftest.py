"""What the benchmarks share: the table that is printed at the end, and runs to look at."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from budget_table import BudgetTable, load_line
from synthetic_run import START, SyntheticRun
from terminal_session import TerminalSession

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import encode_document

_TABLE = pytest.StashKey[BudgetTable]()
_LOAD = pytest.StashKey[str]()
_TREE = Path(__file__).resolve().parents[2]

OpenApp = Callable[..., TerminalSession]
"""Starts `tui-ft` with these arguments in a terminal; the session is a context manager."""


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_LOAD] = load_line()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash.get(_TABLE, None)
    if table is None or not table.rows:
        return
    terminalreporter.section("budgets")
    terminalreporter.write_line(f"before: {config.stash.get(_LOAD, 'unknown')}; after: {load_line()}")
    for line in table.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> BudgetTable:
    return pytestconfig.stash.setdefault(_TABLE, BudgetTable())


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user without settings, and this source tree."""
    home = tmp_path_factory.mktemp("home")
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(_TREE)}


@pytest.fixture(scope="session")
def open_app(environment: dict[str, str]) -> OpenApp:
    def start(root: Path, *arguments: str, **options: object) -> TerminalSession:
        command = [sys.executable, "-m", "tui_ft", "--runs-root", str(root), *arguments]
        return TerminalSession(command, environment=environment, **options)  # type: ignore[arg-type]

    return start


@pytest.fixture(scope="session")
def open_bare(environment: dict[str, str]) -> Callable[[], TerminalSession]:
    app = Path(__file__).with_name("bare_app.py")
    return lambda: TerminalSession([sys.executable, str(app)], environment=environment)


@pytest.fixture(scope="session")
def thousand_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs root with 1,000 finished runs, each begun a minute after the one before."""
    letters = "abcdefghij"
    names = [f"z{a}{b}{c}" for a in letters for b in letters for c in letters]
    return _many_runs(tmp_path_factory.mktemp("thousand"), names)


@pytest.fixture(scope="session")
def ten_thousand_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs root with 10,000 finished runs."""
    letters = "abcdefghij"
    names = [f"{a}{b}{c}{d}" for a in letters for b in letters for c in letters for d in letters]
    return _many_runs(tmp_path_factory.mktemp("many"), names, copied=False)


def _many_runs(root: Path, names: Sequence[str], *, copied: bool = True) -> Path:
    """One run again and again; without `copied` only what the list reads of it, which is less to write."""
    with SyntheticRun(root, total_steps=200) as made:
        made.begin_training()
        made.advance(200)
        made.finish()
    stem = made.run.id.rsplit("-", 1)[0]
    metrics = made.run.metrics.read_bytes()[-8192:]
    for number, name in enumerate(names):
        run = RunDirectory(root / f"{stem}-{name}")
        if copied:
            shutil.copytree(made.run.path, run.path)
        else:
            run.path.mkdir()
            run.metrics.write_bytes(metrics)
        fields = {key: getattr(made.state, key) for key in made.state.__struct_fields__}
        fields.update(name=f"run-{number:03d}", started_at=START + 60 * number)
        run.state.write_bytes(encode_document(type(made.state)(**fields)))
    shutil.rmtree(made.run.path)
    return root

"""The app from outside, in a terminal of 120x40: how soon, how many bytes, how much CPU and memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from budget_table import MIB, BudgetTable, median, percentile
from terminal_session import DOWN, ENTER, ESCAPE, HOME, PAGE_DOWN, PAGE_UP, UP, Answer, TerminalSession

pytestmark = pytest.mark.benchmark

OpenApp = Callable[..., TerminalSession]
PAIRS = 5
BACKSPACE, CTRL_U = "\x7f", "\x15"
NEWEST = "zjjj"
"""The letters of the newest of the thousand runs: when they are shown, the list is."""
IDLE_S = 20.0
LIVE_S = 20.0
LINK_BYTES_PER_S = 9600.0
_SYNTHETIC_RUN = Path(__file__).resolve().parents[1] / "synthetic_run.py"


@contextmanager
def live_run(root: Path, environment: dict[str, str]) -> Iterator[str]:
    """A run that writes two steps a second from a process of its own; yields its path."""
    command = [
        sys.executable, str(_SYNTHETIC_RUN), str(root), "--live", "--rate", "2", "--steps", "600",
        "--total", "2000",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_first_frame(
    table: BudgetTable, open_app: OpenApp, open_bare: Callable[[], TerminalSession], thousand_runs: Path
) -> None:
    bare, frame, listed, cpu = [], [], [], []
    for pair in range(PAIRS + 1):
        with open_bare() as session:
            bare.append(session.run_until_text("ready"))
            bare_cpu = session.cpu_s()
        with open_app(thousand_runs) as session:
            frame.append(session.run_until_text("Quit"))
            cpu.append(session.cpu_s() / bare_cpu)
            listed.append(session.run_until_text(NEWEST))
        if pair == 0:  # compiled files and the page cache are filled now
            bare, frame, listed, cpu = [], [], [], []
    ratio = median([ours / theirs for ours, theirs in zip(frame, bare, strict=True)])
    table.at_most(
        "first frame, 1,000 runs (keys shown)", ratio, 1.3, "x bare",
        f"{1e3 * median(frame):.0f} ms against {1e3 * median(bare):.0f}; CPU {median(cpu):.2f}x",
    )  # fmt: skip
    ratio = median([ours / theirs for ours, theirs in zip(listed, bare, strict=True)])
    measured = f"{ratio:.2f} x bare ({1e3 * median(listed):.0f} ms)"
    table.add("  with its list of runs filled", "(none)", measured, None)
    there = "installed, but no W&B run to open" if shutil.which("wandb") else "not installed"
    table.add("  against `wandb leet` by its CLI", "≤ 0.6 x leet", f"– ({there})", None)


def test_idle(table: BudgetTable, open_app: OpenApp, thousand_runs: Path) -> None:
    newest = next(thousand_runs.glob(f"*-{NEWEST}")).name
    for screen, arguments, text in (("home", (), NEWEST), ("run screen", ("watch", newest), "Result")):
        with open_app(thousand_runs, *arguments) as session:
            session.run_until_text(text)
            session.run_for(3.0)
            window = session.window(IDLE_S)
        table.at_most(f"idle {screen}: bytes", window.bytes_per_s, 0, "B/s")
        table.at_most(f"idle {screen}: CPU", window.cpu_percent, 0.5, "%")


def test_live(table: BudgetTable, open_app: OpenApp, tmp_path: Path, environment: dict[str, str]) -> None:
    with live_run(tmp_path, environment) as run, open_app(tmp_path, "watch", run) as session:
        session.run_until_text("running")
        session.run_for(4.0)
        window = session.window(LIVE_S)
    table.at_most("live run, 2 updates/s: bytes", window.bytes_per_s, 800, "B/s")
    table.at_most("live run, 2 updates/s: CPU", window.cpu_percent, 2, "%")


def test_memory(
    table: BudgetTable,
    open_app: OpenApp,
    open_bare: Callable[[], TerminalSession],
    thousand_runs: Path,
) -> None:
    newest = next(thousand_runs.glob(f"*-{NEWEST}")).name
    # all three at once, so that the pages they share are divided by the same number
    with (
        open_bare() as bare,
        open_app(thousand_runs) as home,
        open_app(thousand_runs, "watch", newest) as run,
    ):
        bare.run_until_text("ready")
        home.run_until_text(NEWEST)
        run.run_until_text("Result")
        for session in (bare, home, run):
            session.run_for(1.0)
        least = bare.pss_bytes()
        for screen, session in (("home, 1,000 runs", home), ("run screen", run)):
            size = session.pss_bytes()
            note = f"{size / MIB:.1f} MB against {least / MIB:.1f}"
            table.at_most(f"memory (PSS): {screen}", size / least, 1.4, "x bare", note)


def test_keys(table: BudgetTable, open_app: OpenApp, thousand_runs: Path) -> None:
    keys = [DOWN] * 20 + [PAGE_DOWN] * 10 + [UP] * 10 + [PAGE_UP] * 8 + [DOWN] * 12
    with open_app(thousand_runs) as session:
        session.run_until_text(NEWEST)
        session.run_until_quiet(1.0)
        answers = [session.time_key(key) for key in keys]
    times = [1e3 * answer.settled_s for answer in answers if answer is not None]
    assert len(times) == len(keys), "a key that moves the cursor was not answered"
    table.at_most("key to redraw, home: p50", percentile(times, 50), 16, "ms", f"{len(times)} keys")
    table.at_most("key to redraw, home: p95", percentile(times, 95), 50, "ms", f"most {max(times):.0f}")


def test_keys_among_ten_thousand_runs(table: BudgetTable, open_app: OpenApp, ten_thousand_runs: Path) -> None:
    typed = [*"/demo zj", BACKSPACE, BACKSPACE, *"zz", BACKSPACE, *"no such run", CTRL_U]
    arranged = ["o"] * 7 + ["g"] * 6 + [" "] * 4
    moved = [DOWN] * 10 + [PAGE_DOWN] * 10 + [UP] * 5
    times: dict[str, list[float]] = {"moved": [], "filtered as typed": [], "sorted, grouped, marked": []}
    with open_app(ten_thousand_runs) as session:
        session.run_until_text("/10000", 60.0)
        session.run_until_quiet(1.0)
        for what, keys in zip(times, (moved, typed, arranged), strict=True):
            for key in keys:
                answer = session.time_key(key)
                assert answer is not None, f"{key!r} was not answered"
                times[what].append(1e3 * answer.settled_s)
    for what, found in times.items():
        note = f"{len(found)} keys, most {max(found):.0f}"
        table.at_most(f"10,000 runs {what}: p95", percentile(found, 95), 50, "ms", note)


class Timed(NamedTuple):
    """A key's name and its answer."""

    key: str
    answer: Answer


def _timed(session: TerminalSession, **keys: str) -> list[Timed]:
    """Time each key, from a still screen; the steps of the live run come 0.5 s apart."""
    found = []
    for name, key in keys.items():
        session.run_until_quiet(0.3, 3.0)
        answer = session.time_key(key, quiet_s=0.15)
        assert answer is not None, f"{name} was not answered"
        found.append(Timed(name, answer))
    return found


def test_slow_link(
    table: BudgetTable, open_app: OpenApp, thousand_runs: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Keys while a run is live; the last byte of the redraw counts, as it came over the link."""
    root = tmp_path / "runs"
    shutil.copytree(thousand_runs, root)
    with live_run(root, environment), open_app(root, link_bytes_per_s=LINK_BYTES_PER_S) as session:
        session.run_until_text("running")
        session.run_until_quiet(1.0)
        stays = _timed(session, down=DOWN, page_down=PAGE_DOWN, up=UP, page_up=PAGE_UP)
        switches = []
        for _ in range(2):
            session.press(HOME)  # to the live run, which is the newest
            switches += _timed(session, open_run=ENTER, help="?", help_off=ESCAPE, log="l", log_off="l")
            stays += _timed(session, stop="s", stop_withdrawn=ESCAPE)  # a question over the screen
            switches += _timed(session, back="q")
    for what, timed, limit in (("stays on the screen", stays, 0.5), ("switches", switches, 1.5)):
        key, slowest = max(timed, key=lambda one: one.answer.settled_s)
        middle = median([one.answer.settled_s for one in timed])
        note = f"{key}, {slowest.size} B; median {middle:.2f} s"
        table.at_most(f"9,600 B/s: a key that {what}, worst", slowest.settled_s, limit, "s", note)

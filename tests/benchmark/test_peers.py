"""Beside the tools of the field, in the same minutes on the same machine: W&B's LEET and TensorBoard.

Each pair is measured in turn, and what counts is the ratio. Without the extra `bench` there is nothing to
compare with: the table says so.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import process_cost
import pytest
from budget_table import BudgetTable, median
from foreign_writers import write_events, write_wandb
from terminal_session import TerminalSession

pytestmark = pytest.mark.benchmark

OpenApp = Callable[..., TerminalSession]
PAIRS = 5
STEPS = 100_000
MANY_STEPS = 1_000_000
SCALARS = 1_000_000
IDLE_S = 20.0
LIVE_S = 30.0
RUNS = 1_000
_WRITERS = Path(__file__).resolve().parents[1] / "foreign_writers.py"
_WANDB = shutil.which("wandb", path=str(Path(sys.executable).parent)) or shutil.which("wandb")
_NO_LEET = "– (the extra `bench` is not installed)"


def leet(path: Path, environment: dict[str, str]) -> TerminalSession:
    """LEET on a W&B folder, as its users start it; it sends nothing anywhere."""
    assert _WANDB is not None
    quiet = {
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_MODE": "offline",
        "WANDB_CONFIG_DIR": environment["HOME"],
    }
    return TerminalSession([_WANDB, "leet", str(path)], environment={**environment, **quiet})


def first_paint(session: TerminalSession) -> float:
    """When the first hundred letters stood on the screen."""
    at = session.run_until(lambda: len("".join(session.text.split())) > 100, 60.0)
    assert at is not None, session.text[-500:]
    return at


@contextmanager
def live_wandb(folder: Path, environment: dict[str, str], seconds: float) -> Iterator[Path]:
    """A W&B run of 1,000 steps that grows by two a second; yields its file."""
    command = [sys.executable, str(_WRITERS), "wandb", str(folder), "--steps", "1000", "--rate", "2",
               "--seconds", str(seconds)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield Path(process.stdout.readline().strip())
        finally:
            process.kill()


# --- W&B LEET ----------------------------------------------------------------------------------------


def test_first_frame_beside_leet(
    table: BudgetTable, open_app: OpenApp, thousand_runs: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    what = "first frame, 1,000 runs, beside `wandb leet`"
    if _WANDB is None:
        table.add(what, "≤ 0.6 x leet", _NO_LEET, None)
        return
    for number in range(RUNS):
        write_wandb(tmp_path / "wandb", 20, name=f"r{number:07d}")
    ours, theirs = [], []
    for pair in range(PAIRS + 1):
        with open_app(thousand_runs) as session:
            frame = first_paint(session)
        with leet(tmp_path / "wandb", environment) as session:
            peer = first_paint(session)
        if pair:  # the first one filled the caches
            ours.append(frame)
            theirs.append(peer)
    ratio = median([one / other for one, other in zip(ours, theirs, strict=True)])
    note = f"{1e3 * median(ours):.0f} ms against {1e3 * median(theirs):.0f}, median of {PAIRS}"
    table.at_most(what, ratio, 0.6, "x leet", note)


def test_a_finished_wandb_run_beside_leet(
    table: BudgetTable, open_app: OpenApp, tmp_path: Path, environment: dict[str, str]
) -> None:
    """CPU until the whole of 100,000 steps is shown; then what it costs to look at it."""
    run = write_wandb(tmp_path / "wandb", STEPS)
    what = f".wandb of {STEPS:,} steps, whole: CPU beside leet"
    ours, theirs = [], []
    idle: dict[str, list[float]] = {"ours": [], "leet": []}
    for _ in range(PAIRS):
        shutil.rmtree(Path(environment["HOME"]) / ".cache", ignore_errors=True)  # ours keeps what it read
        with open_app(tmp_path, "watch", str(run)) as session:
            session.run_until_text("finished", 120.0)
            ours.append(session.run_until_idle())
            idle["ours"].append(session.window(IDLE_S / PAIRS).cpu_percent)
        if _WANDB is None:
            continue
        with leet(run.parent, environment) as session:
            session.run_until_text("Finished", 300.0)
            theirs.append(session.cpu_s())
            session.run_for(3.0)
            idle["leet"].append(session.window(IDLE_S / PAIRS).cpu_percent)
    if not theirs:
        table.add(what, "≤ 0.1 x leet", f"{median(ours):.2f} CPU-s; leet {_NO_LEET}", None)
        return
    ratio = median([one / other for one, other in zip(ours, theirs, strict=True)])
    measured = (
        f"{ratio:.2g} x leet ({median(ours):.2f} CPU-s with the app's start, against {median(theirs):.1f})"
    )
    table.add(what, "(none)", measured, None)
    measured = f"{median(idle['ours']):.2f} % against {median(idle['leet']):.2f} %"
    table.add("  idle on it: CPU", "≤ 0.5 %", measured, median(idle["ours"]) <= 0.5)


def test_a_very_long_wandb_run_beside_leet(
    table: BudgetTable, open_app: OpenApp, tmp_path: Path, environment: dict[str, str]
) -> None:
    """A million steps: LEET is given ten times the CPU that ours took, and asked whether it is done."""
    run = write_wandb(tmp_path / "wandb", MANY_STEPS)
    with open_app(tmp_path, "watch", str(run)) as session:
        session.run_until_text("finished", 120.0)
        ours = session.run_until_idle()
    what = f".wandb of {MANY_STEPS:,} steps, whole: CPU beside leet"
    if _WANDB is None:
        table.add(what, "≤ 0.1 x leet", f"{ours:.1f} CPU-s; leet {_NO_LEET}", None)
        return
    with leet(run.parent, environment) as session:
        done = None
        while done is None and session.cpu_s() < 10 * ours and session.now < 400:
            done = session.run_until(lambda: "Finished" in session.text, 1.0)
        theirs = session.cpu_s()
    state = "done" if done is not None else "not done yet"
    measured = f"{ours:.1f} CPU-s; leet {state} after {theirs:.0f}"
    table.add(what, "≤ 0.1 x leet", measured, ours <= 0.1 * theirs)


def test_a_live_wandb_run_beside_leet(
    table: BudgetTable, open_app: OpenApp, tmp_path: Path, environment: dict[str, str]
) -> None:
    pairs = []
    for pair in range(2):
        windows = []
        for name in ("ours", "leet"):
            folder = tmp_path / f"{name}{pair}"
            if name == "leet" and _WANDB is None:
                continue
            with live_wandb(folder, environment, LIVE_S + 30) as run:
                started = (
                    open_app(tmp_path, "watch", str(run)) if name == "ours" else leet(run.parent, environment)
                )
                with started as session:
                    session.run_for(6.0)
                    windows.append(session.window(LIVE_S / 2))
        pairs.append(windows)
    ours = [windows[0] for windows in pairs]
    what = "live .wandb, 2 steps/s"
    table.at_most(f"{what}: bytes", median([one.bytes_per_s for one in ours]), 800, "B/s")
    table.at_most(f"{what}: CPU", median([one.cpu_percent for one in ours]), 2, "%")
    if _WANDB is None:
        table.add(f"{what}, beside leet", "≤ 0.3 x bytes, 0.15 x CPU", _NO_LEET, None)
        return
    sent = median([one.bytes_per_s / other.bytes_per_s for one, other in pairs])
    spent = median([one.cpu_percent / other.cpu_percent for one, other in pairs])
    theirs = [windows[1] for windows in pairs]
    note = f"leet {median([one.bytes_per_s for one in theirs]):.0f} B/s"
    table.at_most(f"{what}: bytes beside leet", sent, 0.3, "x leet", note)
    note = f"leet {median([one.cpu_percent for one in theirs]):.0f} %"
    table.at_most(f"{what}: CPU beside leet", spent, 0.15, "x leet", note)


# --- TensorBoard -------------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _served(logdir: Path, last_step: int, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and CPU seconds until TensorBoard serves the last step of a scalar."""
    port, began = _free_port(), time.monotonic()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--port", str(port)]
    url = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run=.&tag=train%2Floss"
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while time.monotonic() - began < 180:
                try:
                    with urllib.request.urlopen(url, timeout=10) as answer:
                        points = json.load(answer)
                except (urllib.error.URLError, ConnectionError, json.JSONDecodeError):
                    points = []
                if points and points[-1][1] >= last_step:
                    return time.monotonic() - began, process_cost.cpu_seconds(process.pid)
                time.sleep(0.05)
            raise AssertionError("TensorBoard never served the last step")
        finally:
            for member in reversed(process_cost.tree(process.pid)):
                if member != process.pid:
                    subprocess.run(["kill", str(member)], check=False)
            process.terminate()


def test_a_million_scalars_beside_tensorboard(
    table: BudgetTable, open_app: OpenApp, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = write_events(tmp_path / "logs", SCALARS // 4).parent
    has_peer = importlib.util.find_spec("tensorboard") is not None
    first, ours, spent, theirs, peer_spent = [], [], [], [], []
    for _ in range(PAIRS):
        shutil.rmtree(Path(environment["HOME"]) / ".cache", ignore_errors=True)
        with open_app(tmp_path, "watch", str(folder)) as session:
            painted = session.run_until(lambda: any("⠀" < letter <= "⣿" for letter in session.text), 60.0)
            assert painted is not None
            first.append(painted)
            spent.append(session.run_until_idle())
            ours.append(session.chunks[-1].at)  # nothing is painted once the last point is
        if has_peer:
            seconds, cpu = _served(folder, SCALARS // 4 - 1, environment)
            theirs.append(seconds)
            peer_spent.append(cpu)
    what = "event file of 1,000,000 scalars"
    table.at_most(f"{what}: whole app, CPU", median(spent), 2.5, "CPU-s", f"median of {PAIRS}")
    shown = f"first curve after {median(first):.1f} s, exact after {median(ours):.1f}"
    served = f"{median(theirs):.1f} ({median(peer_spent):.1f} CPU-s)" if theirs else _NO_LEET
    table.add("  beside TensorBoard, which samples", "(none)", f"{shown}; served after {served}", None)

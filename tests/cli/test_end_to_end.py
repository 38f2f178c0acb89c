"""Real commands, real detached processes, the real trainer: what a person does on the first day."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

LONG_RUN = ("--set", "training.max_steps=20000", "--set", "training.batch_size=1",
            "--set", "evaluation.every_steps=20000")  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with places of its own."""
    return os.environ | {
        "TUI_FT_RUNS": str(tmp_path / "runs"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def tui_ft(home: dict[str, str]) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Return a function that runs a command; whatever still runs at the end is ended."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tui_ft", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=home, timeout=120)

    yield run
    for state in Path(home["TUI_FT_RUNS"]).glob("*/state.json"):
        if json.loads(state.read_text())["status"] not in ("finished", "stopped", "failed"):
            run("stop", "--now", str(state.parent))


def listed(tui_ft: Any, run: str) -> dict[str, Any]:
    rows = json.loads(tui_ft("ls", "--json").stdout)
    return next(row for row in rows if row["id"] == run)


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for a condition; what it waited for is the message of its failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def processes(run: Path) -> dict[str, int]:
    return {p["role"]: p["pid"] for p in json.loads((run / "state.json").read_text())["processes"]}


def start_long(tui_ft: Any) -> Path:
    answer = json.loads(tui_ft("start", "demo", "--json", *LONG_RUN).stdout)
    assert answer["status"] == "starting"
    run = Path(answer["run"])
    until(lambda: len(rows_of(run / "metrics.jsonl")) > 3, "the first step")
    return run


def test_the_demo_teaches_its_model_and_every_command_tells_the_same(tui_ft: Any) -> None:
    done = tui_ft("demo", "--no-ui", "--json", "--steps", "120")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["steps"]) == ("finished", 120)
    assert answer["last_loss"] <= answer["first_loss"] / 2

    run = Path(answer["run"])
    losses = [row for row in rows_of(run / "metrics.jsonl") if "loss" in row]
    assert len(losses) == 120
    reading = json.loads(tui_ft("watch", run.name, "--json").stdout)
    series = reading["series"]["loss"]
    assert series["points"] == 120
    assert series["first"] == [1, losses[0]["loss"]]
    assert series["last"] == [120, losses[-1]["loss"]]
    assert reading["status"] == listed(tui_ft, run.name)["status"] == "finished"
    assert listed(tui_ft, run.name)["loss"] == losses[-1]["loss"]

    samples = [row for row in rows_of(run / "events.jsonl") if row["event"] == "sample"]
    after = [row for row in samples if row["when"] == "after"]
    before = [row for row in samples if row["when"] == "before"]
    assert all(row["answer"] != old["answer"] for row, old in zip(after, before, strict=True))

    assert tui_ft("stop", run.name).returncode == 1
    assert tui_ft("resume", run.name, "--no-ui").returncode != 0


def test_a_hung_up_terminal_does_not_end_the_run(home: dict[str, str], tui_ft: Any) -> None:
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "tui_ft", "start", "demo", "--no-ui", "--set", "training.max_steps=30"]
    process = subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, env=home, start_new_session=True
    )
    os.close(inside)
    run = until(lambda: next(iter(Path(home["TUI_FT_RUNS"]).glob("*/state.json")), None), "the start").parent
    os.close(terminal)  # the line is gone: the terminal's whole session is hung up
    process.wait(30)
    until(lambda: listed(tui_ft, run.name)["status"] == "finished", "the end of the run")
    assert listed(tui_ft, run.name)["step"] == 30


def test_a_killed_trainer_is_shown_failed_with_the_signal(tui_ft: Any) -> None:
    run = start_long(tui_ft)
    os.kill(processes(run)["trainer"], signal.SIGKILL)
    until(lambda: listed(tui_ft, run.name)["status"] == "failed", "the failure", seconds=5)
    end = json.loads((run / "state.json").read_text())["exit"]
    assert (end["cause"], end["signal"]) == ("killed", 9)


def test_a_run_outlives_its_supervisor_is_adopted_stopped_and_resumed(tui_ft: Any) -> None:
    run = start_long(tui_ft)
    first = processes(run)
    os.kill(first["supervisor"], signal.SIGKILL)
    seen = until(
        lambda: (row := listed(tui_ft, run.name))["reason"] == "unsupervised" and row, "the loss", seconds=5
    )
    assert seen["status"] == "running"
    until(lambda: processes(run)["supervisor"] != first["supervisor"], "the adoption", seconds=10)
    assert processes(run)["trainer"] == first["trainer"]
    assert tui_ft("resume", run.name, "--no-ui").returncode == 1

    assert tui_ft("stop", run.name).returncode == 0
    until(lambda: listed(tui_ft, run.name)["status"] == "stopped", "the stop")
    stopped_at = listed(tui_ft, run.name)["step"]
    assert (run / "checkpoints" / f"checkpoint-{stopped_at}").is_dir()

    assert tui_ft("resume", run.name, "--json").returncode == 0
    until(lambda: listed(tui_ft, run.name)["step"] > stopped_at, "the first step of attempt 2")
    steps = [row["step"] for row in rows_of(run / "metrics.jsonl") if "loss" in row]
    assert steps == list(range(1, len(steps) + 1))  # nothing is computed twice, nothing left out
    second = processes(run)
    for pid in (second["supervisor"], second["trainer"]):
        os.kill(pid, signal.SIGKILL)
    until(lambda: listed(tui_ft, run.name)["status"] == "lost", "the loss of both", seconds=5)

"""Runs with a trainer that is really started and really killed, but has no torch in it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_model import a_whole_model

from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.records import ProcessRecord
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")


def command(behaviour: str) -> list[str]:
    """The fake trainer's command; see its docstring for the behaviours."""
    return [sys.executable, str(FAKE_TRAINER), behaviour]


def wait_until(is_so: Callable[[], object], what: str | Callable[[], str], seconds: float = 15.0) -> None:
    """Ask again and again until `is_so`; after `seconds` fail and say `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


class Bench:
    """A runs root, and what a test does with the runs in it."""

    def __init__(self, root: Path, spec: RunSpec) -> None:
        self.root = root
        self.spec = spec

    def start(self, behaviour: str = "forever", until: str | None = "running") -> RunDirectory:
        run = launch.start(self.spec, self.root, trainer=command(behaviour))
        if until is not None:
            self.wait_for(run, until)
        return run

    def wait_for(self, run: RunDirectory, status: str, seconds: float = 15.0) -> None:
        wait_until(
            lambda: read_truth(run).status == status,
            lambda: f"{status}; it is {read_truth(run)}",
            seconds,
        )

    @staticmethod
    def wait_until(is_so: Callable[[], object], what: str, seconds: float = 15.0) -> None:
        wait_until(is_so, what, seconds)

    def process(self, run: RunDirectory, role: str) -> ProcessRecord:
        return next(process for process in read_state(run).processes if process.role == role)

    def kill(self, run: RunDirectory, role: str, number: int = signal.SIGKILL) -> ProcessRecord:
        """Signal the supervisor or the trainer, and wait until SIGKILL has done its work."""
        process = self.process(run, role)
        os.kill(process.pid, number)
        if number == signal.SIGKILL:
            wait_until(lambda: not processes.is_alive(process.pid, process.start_time), f"{role} dead")
        return process

    def steps(self, run: RunDirectory) -> int:
        try:
            return run.metrics.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def wait_for_step(self, run: RunDirectory) -> None:
        before = self.steps(run)
        wait_until(lambda: self.steps(run) > before, "another step")

    @staticmethod
    def lives(process: ProcessRecord) -> bool:
        return processes.is_alive(process.pid, process.start_time)

    def end_all(self) -> None:
        """Kill what a test left, so that no process outlives it."""
        for run in list_directories(self.root):
            while pids := self._pids(run):  # again: a dying supervisor may just have started a trainer
                for pid in pids:
                    try:
                        os.killpg(pid, signal.SIGKILL)
                    except (ProcessLookupError, PermissionError):
                        continue
                time.sleep(0.01)

    def _pids(self, run: RunDirectory) -> list[int]:
        try:
            recorded = read_state(run).processes
        except TuiFtError:
            recorded = []
        living = [record.pid for record in recorded if processes.is_alive(record.pid, record.start_time)]
        attempts = [entry.name for entry in (run.path / "attempts").iterdir()]
        unrecorded = [
            pid
            for number in attempts
            for pid in processes.find_by_arguments(["run", str(run.path), "--attempt", number])
        ]
        sessions = set()
        for pid in {*living, *unrecorded}:
            try:
                sessions.add(os.getsid(pid))
            except ProcessLookupError:
                continue  # it ended just now
        return [session for session in sessions if session != os.getsid(0)]


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    return a_whole_model(tmp_path / "model")


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    row = {"instruction": "Say yes.", "output": "Yes."}
    path.write_text(f"{json.dumps(row)}\n" * 8)
    return path


@pytest.fixture
def spec(model_folder: Path, data_file: Path) -> RunSpec:
    return overrides.apply(RunSpec(), [f"model.id={model_folder}", f"data.train={data_file}"])


@pytest.fixture
def bench(tmp_path: Path, spec: RunSpec) -> Iterator[Bench]:
    bench = Bench(tmp_path / "runs", spec)
    yield bench
    bench.end_all()

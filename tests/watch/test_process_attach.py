"""From a process to the one run that it writes: all its sources, and none of another run's."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.started import started, until
from tui_ft.watch.finding import find_runs
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.attach import found_run, run_of
from tui_ft.watch.processes.box import Group, Scanner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")

TRAINS = """
import sys, time
print("loading")
for step in range(1, 13):
    print(f"step {step} | loss: {4 / (1 + step):.6f} | lr: 1e-4")
sys.stdout.flush()
time.sleep(100)
"""

Train = Callable[..., Group]


def group_in(folder: Path) -> Group:
    return next(group for group in Scanner().scan().groups if group.cwd == folder)


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Train]:
    """Starts a training in `tmp_path` whose curve is on its standard output; returns its group."""
    with ExitStack() as stack:

        def start(*options: str, code: str = TRAINS) -> Group:
            (tmp_path / "train.py").write_text(code)
            log = tmp_path / "train.log"
            stack.enter_context(started([sys.executable, "train.py", *options], tmp_path, log))
            until(lambda: log.stat().st_size > 0, "its first lines")
            return group_in(tmp_path)

        yield start


def write_state(folder: Path, factor: float = 4.0, written_at: float | None = None) -> None:
    """A trainer's state as the script's, or with another factor another run's."""
    folder.mkdir(parents=True)
    rows = [{"step": k, "loss": round(factor / (1 + k), 6), "epoch": k / 12} for k in range(1, 13)]
    state = {"global_step": 12, "max_steps": 24, "epoch": 1.0, "log_history": rows}
    path = folder / "trainer_state.json"
    path.write_text(json.dumps(state))
    if written_at is not None:
        os.utime(path, (written_at, written_at))
        os.utime(folder, (written_at, written_at))


def formats(run: FoundRun | None) -> list[str]:
    return [place.format for place in run.places] if run is not None else []


def test_what_it_prints_is_its_run(tmp_path: Path, train: Train) -> None:
    group = train()
    run = run_of(group.pid, find_runs)
    assert run is not None
    assert formats(run) == ["stdout"]
    assert run.path == tmp_path / "train.log"


def test_its_output_folder_and_its_log_are_one_run(tmp_path: Path, train: Train) -> None:
    group = train("--output_dir", "out")
    write_state(tmp_path / "out" / "checkpoint-12")
    run = found_run(group, find_runs)
    assert sorted(formats(run)) == ["hf_trainer_state", "stdout"]


def test_an_older_run_in_its_output_folder_is_not_its_own(tmp_path: Path, train: Train) -> None:
    write_state(tmp_path / "out" / "checkpoint-12", 9.0, written_at=time.time() - 10_000)
    assert formats(found_run(train("--output_dir", "out"), find_runs)) == ["stdout"]


def test_what_lies_in_its_folder_is_its_own_unless_it_tells_of_another_run(
    tmp_path: Path, train: Train
) -> None:
    train()
    write_state(tmp_path / "mine" / "checkpoint-12")
    write_state(tmp_path / "other" / "checkpoint-12", 9.0)
    group = group_in(tmp_path)
    assert len(group.likely) == 2
    run = found_run(group, find_runs)
    assert run is not None
    folders = {place.path for place in run.places if place.format == "hf_trainer_state"}
    assert folders == {tmp_path / "mine"}


def test_a_process_that_has_only_begun_writes_no_run_yet(tmp_path: Path, train: Train) -> None:
    group = train("--output_dir", "out", code="import time\nprint('loading', flush=True)\ntime.sleep(100)")
    assert found_run(group, find_runs) is None
    assert run_of(group.pid, find_runs) is None
    assert run_of(os.getpid(), find_runs) is None
    assert run_of(1 << 30, find_runs) is None


def test_a_log_without_a_curve_belongs_to_the_run_whose_process_prints_it(
    tmp_path: Path, train: Train
) -> None:
    group = train("--output_dir", "out", code="import time\nprint('loading', flush=True)\ntime.sleep(100)")
    write_state(tmp_path / "out" / "checkpoint-12")
    assert formats(found_run(group, find_runs)) == ["hf_trainer_state", "stdout"]

"""Scripts that know nothing of tui-ft: found among the processes, attached, followed to each kind of end."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import foreign_scripts
from tests.started import started, until
from tui_ft.watch.finding import find_runs
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.processes.attach import run_of
from tui_ft.watch.processes.box import scan
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc")

STEPS, GATE = 240, 200
"""At the gate even a log that nobody flushes has lines: a pipe's or file's buffer holds 8 KiB."""
ENDS = ("finish", "fail", "kill")
LIMIT_S = 90.0


class Started:
    """One script that runs in a folder of its own."""

    def __init__(self, folder: Path, child: subprocess.Popen[bytes], end: str) -> None:
        self.folder, self.child, self.end = folder, child, end
        self.source: Source | None = None

    def attach(self) -> Reading:
        """Find it by its process, and poll until it is seen running at the gate."""
        pid = self.child.pid
        until(
            lambda: any(pid in group.pids for group in scan(with_gpus=False).groups), "the process", LIMIT_S
        )
        found = until(lambda: run_of(pid, find_runs), "what the process writes", LIMIT_S)
        source = self.source = open_run(found)
        return until(lambda: self._seen(source, GATE - 5), "the run at its gate", LIMIT_S)

    def _seen(self, source: Source, step: int) -> Reading | None:
        source.poll()
        known = source.reading
        loss = known.series.get("loss")
        is_seen = loss is not None and len(loss) > 0 and (known.step or 0) >= step
        return known if is_seen and self.child.pid in known.pids else None

    def let_end(self) -> None:
        """Let it come to its end: the last step, an exception, or kill -9."""
        if self.end == "kill":
            os.kill(self.child.pid, signal.SIGKILL)
            return
        if self.end == "fail":
            (self.folder / "fail").touch()
        (self.folder / "go").touch()

    def ended(self) -> Reading:
        """Poll the attached source until it says that the run is over."""
        self.child.wait()
        source = self.source
        assert source is not None

        def over() -> Reading | None:
            source.poll()
            return source.reading if source.reading.status not in ("running", "quiet") else None

        return until(over, f"the end of the one that was to {self.end}", 30.0)

    def opened_anew(self) -> Reading:
        """What somebody reads who comes only afterwards, once the files are no longer fresh from the pen."""

        def over() -> Reading | None:
            written = max(file.stat().st_mtime for file in self.folder.rglob("*") if file.is_file())
            if time.time() - written < RESTED_S:
                return None
            source = open_run(find_runs(self.folder)[0])
            while source.poll() or not source.reading.is_complete:
                pass
            return source.reading if source.reading.status != "running" else None

        return until(over, f"the state of the one that was to {self.end}", 30.0)


RESTED_S = 3.0
"""What was written just now may still be written by somebody unseen: nothing is said of it yet."""


@contextmanager
def three(folder: Path, text: str) -> Iterator[dict[str, Started]]:
    """Start the script three times, side by side, one for each kind of end."""
    with ExitStack() as stack:
        runs = {}
        for end in ENDS:
            place = folder / end
            place.mkdir()
            (place / "my_script.py").write_text(foreign_scripts.script(text, steps=STEPS, gate=GATE))
            command = [sys.executable, "my_script.py"]
            child = stack.enter_context(started(command, place, place / "train.log", PYTHONUNBUFFERED=""))
            runs[end] = Started(place, child, end)
        yield runs


def follow(
    folder: Path, text: str, anew: tuple[str, ...] = ENDS
) -> tuple[dict[str, Reading], dict[str, Reading]]:
    """Follow the script to its three ends; what the attached app said then, and what one opened anew says.

    `anew` are the ends that files alone tell, without anybody having seen the process.
    """
    with three(folder, text) as runs:
        live = {end: run.attach() for end, run in runs.items()}
        for end, known in live.items():
            assert known.status == "running", (end, known.reason)
            assert len(set(known.series["loss"].steps)) >= GATE // 2, end
        for run in runs.values():
            run.let_end()
        return (
            {end: run.ended() for end, run in runs.items()},
            {end: runs[end].opened_anew() for end in anew},
        )


def needs(*packages: str) -> None:
    """Skip where the script's own packages are missing; they are imported in its process alone."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the script needs {', '.join(missing)}: pip install 'tui-ft[train,bench]'")


def statuses(readings: dict[str, Reading]) -> tuple[str, ...]:
    return tuple(reading.status for reading in readings.values())


def kernel_tells_exits() -> bool:
    major, _, rest = os.uname().release.partition(".")
    return (int(major), int(rest.partition(".")[0])) >= (6, 15)


def test_a_loop_of_ones_own_with_tensorboard(tmp_path: Path) -> None:
    needs("torch", "tensorboard")
    ended, anew = follow(tmp_path, foreign_scripts.TENSORBOARD)
    if kernel_tells_exits():
        assert statuses(ended) == ("finished", "failed", "lost")
    assert len(ended["finish"].series["loss"]) == STEPS
    silent = anew["finish"].status, anew["kill"].status
    assert silent == ("unknown", "unknown"), "event files hold no mark of an end"
    assert ended["finish"].pids == ()


def test_wandb_offline(tmp_path: Path) -> None:
    needs("wandb")
    ended, anew = follow(tmp_path, foreign_scripts.WANDB, ("finish", "fail"))
    assert statuses(ended) == ("finished", "failed", "lost")
    assert statuses(anew) == ("finished", "failed")
    loss = ended["finish"].series["loss"]
    assert len(loss) == STEPS
    assert loss.last == (STEPS, 4.0 / (1 + 0.01 * STEPS))


@pytest.mark.train
def test_a_plain_trainer(tmp_path: Path) -> None:
    needs("transformers", "accelerate")
    ended, anew = follow(tmp_path, foreign_scripts.TRAINER, ("finish", "fail"))
    assert statuses(ended) == ("finished", "failed", "lost")
    assert statuses(anew) == ("finished", "failed")
    assert (ended["finish"].step, ended["finish"].total_steps) == (STEPS, STEPS)
    state = json.loads((tmp_path / "finish/out" / f"checkpoint-{STEPS}" / "trainer_state.json").read_text())
    logged = {row["step"]: row["loss"] for row in state["log_history"] if "loss" in row}
    loss = ended["finish"].series["loss"]
    seen = dict(zip(loss.steps, loss.values, strict=True))
    assert seen == pytest.approx(logged, rel=6e-4), "every step has its own loss, in four digits at least"
    assert "row 17" in ended["fail"].reason


@pytest.mark.train
def test_a_trl_script(tmp_path: Path) -> None:
    needs("trl", "tensorboard")
    ended, anew = follow(tmp_path, foreign_scripts.TRL)
    assert statuses(ended) == ("finished", "failed", "lost")
    assert statuses(anew) == ("finished", "failed", "lost")
    assert (ended["finish"].step, len(ended["finish"].series["loss"])) == (STEPS, STEPS)
    assert "mean_token_accuracy" in ended["finish"].series

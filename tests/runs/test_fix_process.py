"""A fix is carried out by a process of its own: nobody needs to stay for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Fix
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.fixes import fix_process, fixing
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import toml

CLIP = Fix(name="clip", title="clip harder", how="resume", changes=["training.max_grad_norm=0.3"])
FAKE = [sys.executable, str(Path(__file__).with_name("fake_trainer.py"))]

LEAVES = """
import os, sys
from pathlib import Path
from tui_ft.health.finding import Fix
from tui_ft.runs.fixes import fix_process, fixing
from tui_ft.runs.directory import RunDirectory
run = RunDirectory(Path(sys.argv[1]))
fix = Fix(name="clip", title="clip harder", how="resume", changes=["training.max_grad_norm=0.3"])
fix_process.begin(run, fixing.plan(run, fix), run.path.parent, by="ann", trainer=sys.argv[2:])
os._exit(0)
"""


def until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "never came to be"
        time.sleep(0.05)


def words_of(process: fix_process.FixProcess) -> list[fix_process.Word]:
    words: list[fix_process.Word] = []
    until(lambda: words.extend(process.look()) or (words and (words[-1].run or words[-1].error)))
    return words


def test_it_is_done_though_whoever_began_it_is_gone(bench: Any) -> None:
    run: RunDirectory = bench.start("forever")
    subprocess.run([sys.executable, "-c", LEAVES, str(run.path), *FAKE, "forever"], check=True)
    until(lambda: read_state(run).attempt == 2 and read_truth(run).status == "running")
    assert toml.load(run.attempt(2).spec).training.max_grad_norm == 0.3


def test_what_it_does_is_heard_while_somebody_stays(bench: Any) -> None:
    run: RunDirectory = bench.start("forever")
    made = fixing.plan(run, CLIP)
    process = fix_process.begin(run, made, run.path.parent, by="ann", trainer=[*FAKE, "forever"])
    words = words_of(process)
    assert [word.said for word in words[:2]] == ["The run saves a checkpoint and stops.", "The run goes on."]
    assert words[-1].run == str(run.path)


def test_what_goes_wrong_is_said_and_stands_in_the_log(bench: Any) -> None:
    run: RunDirectory = bench.start("deaf")
    process = fix_process.begin(run, fixing.plan(run, CLIP), run.path.parent, by="ann", patience_s=-1.0)
    words = words_of(process)
    assert words[-1].error is not None
    assert "has not stopped within" in words[-1].error
    until(lambda: "the fix clip was not carried out" in run.output.read_text())


def test_a_command_is_never_begun(bench: Any, tmp_path: Path) -> None:
    fix = Fix(name="rm", title="remove", how="command", command="rm -r /")
    run = RunDirectory(tmp_path)
    with pytest.raises(TuiFtError, match="for you to do"):
        fix_process.begin(run, fixing.plan(run, fix), tmp_path, by="ann")

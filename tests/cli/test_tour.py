"""`tui-ft demo --tour` as a person without a terminal goes through it, with the real trainer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train


def tour(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui_ft", "demo", "--tour", *options],
        capture_output=True,
        text=True,
        env=os.environ | {"TUI_FT_RUNS": str(root), "XDG_CONFIG_HOME": str(root), "OMP_NUM_THREADS": "1"},
        timeout=600,
    )


def test_the_tour_teaches_what_it_says(tmp_path: Path) -> None:
    done = tour(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "finished"
    assert found["questions"] == 24
    assert found["right_before"] <= 2
    assert found["right_after"] >= 20
    assert found["last_loss"] < found["first_loss"] / 4
    report = Path(found["report"])
    assert report.parent == Path(found["run"]) / "result"
    assert f"{found['right_before']} before, {found['right_after']} after" in report.read_text("utf-8")


def test_as_text_it_walks_through_every_page(tmp_path: Path) -> None:
    done = tour(tmp_path, "--no-ui", "--steps", "1")
    assert done.returncode == 0, done.stderr
    titles = [f"{n} of 6: " for n in range(1, 7)]
    assert [line[:8] for line in done.stdout.splitlines() if line[1:6] == " of 6"] == titles
    assert "1. It asks the model 24 questions" in done.stdout
    assert "2. It trains 1 step." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(tmp_path))


def test_its_method_is_lora(tmp_path: Path) -> None:
    done = tour(tmp_path, "--no-ui", "--method", "full")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The tour is about LoRA" in done.stderr


def test_a_setting_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    done = tour(tmp_path, "--no-ui", "--set", "training.max_steps=-1")
    assert done.returncode == 2
    assert "training.max_steps" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout

"""What follows an end follows, whatever the disk says and whoever is killed on the way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from ended_run import an_ended_run, deeds, with_result
from settings_written import write_settings


def aftermath(run: Path, *arguments: str, errors: str = "/dev/null") -> int:
    """The process that follows an end, to its own end."""
    command = [sys.executable, "-m", "tui_ft.runs.after.aftermath", str(run), *arguments]
    with open(errors, "wb") as output:
        return subprocess.run(command, stdout=output, stderr=output, timeout=60, check=False).returncode


def test_a_full_disk_does_not_end_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its standard error is output.log, which takes not a line more."""
    hook = f'command = "touch {tmp_path / "ran"}"\nat_once = true\n'
    write_settings(tmp_path, monkeypatch, f"[hooks.mark]\n{hook}")
    after = f'hook = "mark"\ncopy_to = "{tmp_path / "copies"}"\n'
    run = with_result(an_ended_run(tmp_path / "runs", time.time(), after))
    aftermath(run.path, "--attempt", "1", errors="/dev/full")
    assert (tmp_path / "copies" / run.id).is_dir() and (tmp_path / "ran").exists()
    assert [row.deed for row in deeds(run)] == ["copy", "hook", "hook"]

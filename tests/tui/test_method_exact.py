"""Exact mode on the Method screen: a process in the background, its progress, its end, and calling it off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from home_world import until
from method_world import at_method, half_a_gpu

from tui_ft.tui.screens.home import HomeScreen

STAND_IN = """#!{python}
import json, os, pathlib, sys, time
folder = pathlib.Path({folder!r})
json.load(sys.stdin)
(folder / "pid").write_text(str(os.getpid()))
print(json.dumps({{"step": "building", "done": 3, "total": 7}}), file=sys.stderr, flush=True)
while not (folder / "go").exists():
    time.sleep(0.01)
answer = (folder / "go").read_text()
if not answer:
    print(json.dumps({{"error": "No C++ compiler is here.", "hint": "Install g++."}}), file=sys.stderr)
    sys.exit(2)
print(answer)
"""
"""A trainer's interpreter that simulates nothing: it answers what the test wrote, when the test wrote it."""

ANSWER = (
    '{"schema": 1, "parts_bytes": {"weights": 3000000000, "activations": 2000000000}, "allocated_bytes":'
    ' 5000000000, "reserved_bytes": 5200000000, "capacity_bytes": 5100000000, "peak_phase": "backward",'
    ' "trainable_parameters": 43646976}'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in and the test leave each other notes; it is the trainer's interpreter here."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    script = tmp_path / "python"
    script.write_text(STAND_IN.format(python=sys.executable, folder=str(tmp_path)))
    script.chmod(0o700)
    (tmp_path / "config" / "tui-ft").mkdir(parents=True)
    (tmp_path / "config" / "tui-ft" / "settings.toml").write_text(f'trainer_python = "{script}"\n')
    return tmp_path


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_progress_is_shown_and_the_exact_number_takes_the_place(
    folder: Path, size: tuple[int, int]
) -> None:
    async with at_method(half_a_gpu(1), size=size) as at:
        await at.press("x")
        await at.sees("Simulating QLoRA r16 with the trainer's code: building 3 of 7 … x cancels")
        await at.press("up")  # the screen goes on meanwhile
        await until(at.pilot, lambda: at.row("LoRA r16").startswith("▸"))
        (folder / "answer").write_text(ANSWER)
        (folder / "answer").rename(folder / "go")
        await until(at.pilot, lambda: "= ▚▚" in at.row("QLoRA r16"))
        await at.press("down", "e")
        await at.sees(
            "weights 2.79 GiB", "activations 1.86 GiB", "= allocated 4.66 GiB", "= exact: simulated"
        )
        assert "Simulating" not in at.text


async def test_a_simulation_is_called_off_and_its_process_ends(folder: Path) -> None:
    async with at_method(half_a_gpu(1)) as at:
        await at.press("x")
        await at.sees("building 3 of 7")
        pid = int((folder / "pid").read_text())
        await at.press("x")
        await until(at.pilot, lambda: "imulat" not in at.text)
        await until(at.pilot, lambda: not Path(f"/proc/{pid}").exists())
        assert "✗" not in at.lines[-2]


async def test_leaving_the_screen_ends_the_simulation(folder: Path) -> None:
    async with at_method(half_a_gpu(1)) as at:
        await at.press("x")
        await at.sees("building 3 of 7")
        pid = int((folder / "pid").read_text())
        await at.press("q")
        await until(at.pilot, lambda: isinstance(at.pilot.app.screen, HomeScreen))
        await until(at.pilot, lambda: not Path(f"/proc/{pid}").exists())


async def test_what_cannot_be_simulated_is_a_sentence(folder: Path) -> None:
    (folder / "go").write_text("")
    async with at_method(half_a_gpu(os.getpid())) as at:
        await at.press("x")
        await at.sees("✗ No C++ compiler is here. Install g++.")
        assert "✓ fits" in at.row("QLoRA r16")

"""Training on a real GPU: each method on a billion weights, stop and resume, and what NVML sees of it."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from random_model import free_memory
from training import MakeRun, add_attempt, events, metrics, steps

from tui_ft.hardware.gpu import Gpu, read_gpus
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.records import RequestRecord, decode_hardware
from tui_ft.runs.requests import put_request
from tui_ft.runs.state import read_state
from tui_ft.watch.sources.tui_ft import TuiFtSource

# the libraries' own warnings are theirs to mend
pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default")]

GIB = 1024**3
_TREE = Path(__file__).resolve().parents[2]
BATCH = ("training.batch_size=4", "training.gradient_accumulation=1", "data.max_length=256",
         "training.warmup=0", 'evaluation.prompts=["Give Uma three white apples, please."]')  # fmt: skip
"""One prompt, because a model with random weights never ends its answers."""
FULL_NEEDS_BYTES = 20 * GIB
"""fp32 weights, gradients and both moments of Adam of a billion parameters, and the activations."""


def train(run: RunDirectory, attempt: int = 1) -> int:
    from tui_ft.train.entry import run_attempt

    return run_attempt(run.path, attempt)


def peak_gib(run: RunDirectory) -> float:
    return max(float(row["gpu_memory_gib"]) for row in steps(run))


def check_trained(run: RunDirectory, count: int) -> None:
    """Every step has its row, finite numbers and the allocator's memory; the run really was on the GPU."""
    rows = steps(run)
    assert [row["step"] for row in rows] == list(range(1, count + 1))
    for row in rows:
        assert math.isfinite(row["loss"])
        assert math.isfinite(row["grad_norm"])
        assert row["gpu_reserved_gib"] >= row["gpu_memory_gib"] > 0
    assert any(row["grad_norm"] > 0 for row in rows)
    environment = json.loads(run.attempt(1).environment.read_text())
    assert environment["device"].startswith("cuda")
    assert environment["gpu"]["total_bytes"] > GIB
    end = events(run, "end")[-1]
    assert (end["cause"], end["step"]) == ("finished", count), end["message"]
    assert end["result_bytes"] > 0


def test_lora_and_qlora_train_a_1b_model(make_run: MakeRun, model_1b: Path) -> None:
    peaks = {}
    for kind in ("lora", "qlora"):
        run = make_run(f"model.id={model_1b}", f"method.kind={kind}", "training.learning_rate=0.001",
                       "training.max_steps=8", *BATCH)  # fmt: skip
        assert train(run) == 0, events(run, "end")[-1]["message"]
        check_trained(run, 8)
        peaks[kind] = peak_gib(run)
        free_memory()
    assert 1.5 < peaks["lora"] < 24
    # a billion weights at half a byte instead of two
    assert peaks["qlora"] < peaks["lora"] - 0.7


def test_full_trains_a_1b_model(make_run: MakeRun, model_1b: Path, tmp_path: Path) -> None:
    import torch

    total = torch.cuda.mem_get_info()[0]
    if total < FULL_NEEDS_BYTES:
        pytest.skip(f"{total / GIB:.0f} GiB of GPU memory are free, {FULL_NEEDS_BYTES / GIB:.0f} are needed")
    if shutil.disk_usage(tmp_path).free < 2 * FULL_NEEDS_BYTES:
        pytest.skip("the disk has no room for a checkpoint with its optimizer")
    run = make_run(f"model.id={model_1b}", "method.kind=full", "training.learning_rate=0.0001",
                   "training.max_steps=6", "checkpoints.keep=1", *BATCH)  # fmt: skip
    assert train(run) == 0, events(run, "end")[-1]["message"]
    check_trained(run, 6)
    rows = steps(run)
    assert abs(rows[0]["loss"] - math.log(640)) < 1.5  # it knows nothing yet
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert peak_gib(run) > 12  # weights, gradients and two moments in fp32


@pytest.mark.parametrize("kind", ["lora", "qlora", "full"])
def test_a_resumed_run_repeats_the_undisturbed_one_to_the_last_bit(
    make_run: MakeRun, request: pytest.FixtureRequest, kind: str
) -> None:
    # the whole model's checkpoints hold its optimizer too: 12 GB each for a billion weights
    model = request.getfixturevalue("model_100m" if kind == "full" else "model_1b")
    dropout = () if kind == "full" else ("method.dropout=0.1",)
    changes = (f"model.id={model}", f"method.kind={kind}", "training.learning_rate=0.0005",
               "training.max_steps=10", *dropout, *BATCH)  # fmt: skip
    undisturbed, again, stopped = make_run(*changes), make_run(*changes), make_run(*changes)
    assert train(undisturbed) == train(again) == 0
    assert curve(again) == curve(undisturbed), "two runs that nobody disturbed differ already"

    asking = when_step(stopped, 4, lambda: ask_to_stop(stopped))
    assert train(stopped) == 0
    asking.join()
    assert events(stopped, "end")[-1]["cause"] == "stopped"
    at = steps(stopped)[-1]["step"]
    assert 4 <= at < 10

    add_attempt(stopped, 2, *changes)
    assert train(stopped, 2) == 0, events(stopped, "end")[-1]["message"]
    opened = events(stopped, "attempt")[-1]
    assert (opened["attempt"], opened["step"]) == (2, at)
    assert curve(stopped) == curve(undisturbed)
    assert weights(stopped) == weights(undisturbed)


def curve(run: RunDirectory) -> list[tuple[Any, ...]]:
    keys = ("step", "loss", "grad_norm", "learning_rate", "tokens")
    return [tuple(row[key] for key in keys) for row in steps(run)]


def weights(run: RunDirectory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(run.result.glob("*.safetensors"))}


def ask_to_stop(run: RunDirectory) -> None:
    put_request(run, RequestRecord(request="stop", time=time.time(), by="test"))


def when_step(run: RunDirectory, step: int, act: Callable[[], None]) -> threading.Thread:
    """Do `act` as soon as `step` stands in the metrics."""

    def wait() -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if run.metrics.exists() and any(row["step"] >= step for row in metrics(run)):
                act()
                return
            time.sleep(0.002)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_the_memory_panel_sees_a_run_that_was_started_as_a_user_does(
    runs_root: Path, model_1b: Path, tmp_path: Path
) -> None:
    before = {gpu.uuid: gpu for gpu in read_gpus().gpus}
    assert before, read_gpus().problem
    starting, run = start_as_a_user(runs_root, model_1b, tmp_path)
    try:
        seen = watch_training(run, starting)
        output, errors = starting.communicate(timeout=300)
    finally:
        if starting.poll() is None:
            ask_to_stop(run)
            starting.communicate(timeout=60)
    assert starting.returncode == 0, errors
    assert json.loads(output)["status"] == "finished"

    uuid = read_state(run).gpus[0]
    allocated = peak_gib(run) * GIB
    assert seen, "NVML was never asked while it trained"
    grown = max(gpu.used_bytes or 0 for gpu in seen if gpu.uuid == uuid) - (before[uuid].used_bytes or 0)
    assert grown > 0.8 * allocated

    rows = [row for row in map(decode_hardware, run.hardware.read_bytes().splitlines()) if row.gpus]
    assert rows, "no row of hardware.jsonl has a GPU"
    assert {gpu.uuid for row in rows for gpu in row.gpus} == {uuid}
    assert max(row.gpus[0].used_bytes or 0 for row in rows) > 0.8 * allocated
    assert all(row.gpus[0].total_bytes == before[uuid].total_bytes for row in rows)

    source = TuiFtSource(run)
    while not source.reading.is_complete:
        source.poll()
    memory = source.reading.memory
    assert memory is not None
    assert memory.is_gpu
    assert memory.total_gib == pytest.approx((before[uuid].total_bytes or 0) / GIB)
    assert (memory.used_gib or 0) + (memory.free_gib or 0) == pytest.approx(memory.total_gib)


def start_as_a_user(root: Path, model: Path, folder: Path) -> tuple[subprocess.Popen[str], RunDirectory]:
    """`tui-ft start --wait` with a spec file; returns it and the run that it made."""
    spec = folder / "spec.toml"
    spec.write_text(
        f'schema = 1\n[model]\nid = "{model}"\n[data]\ntrain = "demo"\nmax_length = 256\n'
        '[method]\nkind = "lora"\n[training]\nmax_steps = 60\nbatch_size = 8\ngradient_accumulation = 1\n'
        '[evaluation]\nprompts = ["Give Uma three white apples, please."]\n'
    )
    environment = {**os.environ, "PYTHONPATH": str(_TREE), "XDG_CONFIG_HOME": str(folder)}
    starting = subprocess.Popen(
        [sys.executable, "-m", "tui_ft", "--runs-root", str(root), "start", str(spec), "--wait", "--json"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (found := list_directories(root)) or not found[0].state.exists():
        if starting.poll() is not None or time.monotonic() > deadline:
            starting.kill()
            pytest.fail(f"it made no run: {starting.communicate()[1]}")
        time.sleep(0.05)
    return starting, found[0]


def watch_training(run: RunDirectory, starting: subprocess.Popen[str]) -> list[Gpu]:
    """Ask NVML while the run makes its steps; return all that it said of all GPUs."""
    seen: list[Gpu] = []
    while starting.poll() is None:
        if run.metrics.exists() and run.metrics.stat().st_size:
            seen += read_gpus().gpus
        time.sleep(0.1)
    return seen

"""The runs of `real_faults.py`: which fault each has, what must be found, and within what."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from health import fault_bounds as bounds
from health.fault_bounds import LIMITS, Bound, evaluations, told, within_steps
from health.ill_trainer import NOISE_EVERY, note_provoked
from health.played_box import TOO_HOT, PlayedBox, memory

from tui_ft.runs import control
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import complete_lines
from tui_ft.runs.state import read_state

PATIENCE_S = 120.0
_LOOKED_ON_S = 75.0
"""Longer than the longest minute that a detector of the machine looks at."""


@dataclass(frozen=True)
class Stage:
    """What a fault is done to: the run, and the played box where the case has one."""

    run: RunDirectory
    box: PlayedBox

    @property
    def trainer_pid(self) -> int:
        return next(one.pid for one in read_state(self.run).processes if one.role == "trainer")

    def wait_for_steps(self, steps: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and len(rows_of(self.run.metrics)) < steps:
            time.sleep(0.2)


def rows_of(path: Path) -> list[bytes]:
    try:
        return list(complete_lines(path.read_bytes()))
    except FileNotFoundError:
        return []


@dataclass
class Case:
    """A run and what it must be found to have: `code` at `level` within `bound`; "" for a healthy one."""

    code: str
    how: str
    changes: Sequence[str] = ()
    fault: str = ""
    level: str = ""
    bound: Bound | None = None
    played: str = ""
    """What of it is no real fault, and what stands in for it."""
    meanwhile: Callable[[Stage], None] | None = None
    then: Sequence[str] = ()
    """Changes with which it is resumed once it has ended."""
    data: Callable[[Path], Sequence[str]] | None = None
    stop_after_s: float | None = None
    tmpfs: str = ""
    """Mount options of a small disk of its own, in a user namespace."""
    settings: str = ""
    """Lines of the user's settings.toml."""
    has_played_gpu: bool = False
    shift_s: float = 0.0
    """By how much the box's clock is set while it runs."""
    title: str = ""

    @property
    def name(self) -> str:
        return self.code or self.title


# --- faults that are done from outside -------------------------------------------------------------------


def stop_by_signal(stage: Stage) -> None:
    stage.wait_for_steps(5)
    note_provoked(stage.run.path)
    os.kill(stage.trainer_pid, signal.SIGSTOP)


def fill_the_disk(stage: Stage) -> None:
    """Leave less room than the next checkpoint takes, once one was written."""
    run = stage.run
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and not run.list_checkpoints():
        time.sleep(0.1)
    note_provoked(run.path)
    room = os.statvfs(run.path)
    (run.path.parent / "filler").write_bytes(b"x" * max(room.f_bavail * room.f_frsize - (1 << 20), 0))


def use_up_inodes(stage: Stage) -> None:
    """Make empty files until 3 % of the inodes are left: more than the trainer's own pause asks for."""
    stage.wait_for_steps(5)
    note_provoked(stage.run.path)
    folder = stage.run.path.parent / "many"
    folder.mkdir()
    room = os.statvfs(stage.run.path)
    for number in range(max(room.f_favail - int(room.f_files * 0.03), 0)):
        (folder / str(number)).touch()


def leak(stage: Stage) -> None:
    """A process that is really dead holds 12 GiB, by what the driver says; from after the first look on."""
    stage.wait_for_steps(50)
    dead = subprocess.Popen(["true"])
    dead.wait()
    note_provoked(stage.run.path)
    compute = [[stage.trainer_pid, memory(24, 10)[2]], [dead.pid, memory(24, 12)[2]]]
    stage.box.set_gpu(memory=memory(24, 23), compute=compute)


def heat(stage: Stage) -> None:
    stage.wait_for_steps(5)
    note_provoked(stage.run.path)
    stage.box.set_gpu(reasons=TOO_HOT, heat=95)


def set_the_clock(seconds: float) -> Callable[[Stage], None]:
    def set_it(stage: Stage) -> None:
        stage.wait_for_steps(20)
        note_provoked(stage.run.path)
        stage.box.set_clock(seconds)

    return set_it


def look_on(stage: Stage) -> None:
    """A card at full work, that our trainer alone holds: nothing to say in more than a minute."""
    stage.wait_for_steps(1)
    stage.box.set_gpu(util=99, compute=[[stage.trainer_pid, memory(80, 20)[2]]])
    time.sleep(_LOOKED_ON_S)
    control.request(stage.run, "stop", "a test")


# --- data ------------------------------------------------------------------------------------------------


def gibberish(folder: Path) -> Sequence[str]:
    """A file of rows of another kind than the demo's, and the demo's own as the probe."""
    from tui_ft.demo.paths import data_file

    chance = random.Random(3)
    words = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=6)) for _ in range(40)]
    rows = [
        {"instruction": " ".join(chance.choices(words, k=6)), "output": " ".join(chance.choices(words, k=12))}
        for _ in range(200)
    ]
    return [f"data.train={_written(folder / 'other.jsonl', rows)}", f"evaluation.probe={data_file()}"]


def easy_rows(folder: Path) -> Sequence[str]:
    rows = [{"instruction": "Say yes.", "output": "Yes."}] * 480
    return [f"data.train={_written(folder / 'easy.jsonl', rows)}", "data.eval_fraction=0"]


def _written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


# --- the cases -------------------------------------------------------------------------------------------

_WORDS = "the GPU: torch's own error is raised"
_NVML = "the GPU, at the door of NVML"
_CLOCK = "the clock of supervisor and trainer"

HEALTHY = (
    Case("", "LoRA, the demo as it is", ["training.max_steps=150"], title="healthy lora"),
    Case("", "full fine-tuning", ["method.kind=full", "training.max_steps=100",
                                  "training.learning_rate=1e-4"], title="healthy full"),
    Case("", "the last layers", ["method.kind=last_layers", "training.max_steps=100",
                                 "training.learning_rate=1e-4"], title="healthy last_layers"),
    Case("", "DoRA with dropout", ["method.variant=dora", "method.dropout=0.1", "training.max_steps=80"],
         title="healthy dora"),
    Case("", "LoRA with packing", ["data.packing=true", "data.max_length=256", "training.max_steps=60"],
         title="healthy packing"),
    Case("", "stopped and resumed", ["training.max_steps=400"], stop_after_s=12,
         then=("training.epochs=3",), title="healthy resume"),
    Case("", "a GPU at work, for more than a minute", ["training.max_steps=4000", "data.eval_fraction=0"],
         played=_NVML, has_played_gpu=True, meanwhile=look_on, title="healthy gpu"),
)  # fmt: skip

ILL = (
    Case("nonfinite", "a weight becomes NaN after step 10", ["training.max_steps=60"], "nan_weights=10",
         "error", within_steps(LIMITS.nonfinite_rows, bounds.as_provoked, "nonfinite_rows")),
    Case("divergence", "the rate becomes 0.3 after step 20", [
        "method.kind=full", "training.learning_rate=1e-4", "training.max_grad_norm=0",
        "training.max_steps=80"], "high_rate=20", "error",
         within_steps(1 + LIMITS.divergence_loss_rows, bounds.as_provoked,
                      "the step that takes the rate + divergence_loss_rows")),
    Case("divergence", "full fine-tuning at a rate of 0.3", [
        "method.kind=full", "training.learning_rate=0.3", "training.max_grad_norm=0", "training.max_steps=80",
        "training.warmup=10"], "", "error",
         within_steps(LIMITS.divergence_rows, bounds.before_the_rise, "divergence_rows")),
    Case("grad_spikes", f"every {NOISE_EVERY}th batch of easy data is noise after step 40", [
        "method.kind=full", "training.learning_rate=1e-3", "training.batch_size=1", "training.max_steps=200",
        "training.max_grad_norm=0.3", "training.warmup=0"], "noise=40", "warning",
         within_steps(1 + LIMITS.spike_count * NOISE_EVERY, bounds.as_provoked,
                      "the first after spike_count spikes"),
         data=easy_rows),
    Case("not_learning", "a rate of 1e-12", ["training.learning_rate=1e-12", "training.max_steps=150"],
         "", "warning", bounds.NOT_LEARNING),
    Case("not_learning", "gradients that are zero", ["training.max_steps=60"], "zero_gradients", "error",
         within_steps(LIMITS.learning_zero_rows, bounds.at_the_start, "learning_zero_rows")),
    Case("plateau", "a rate of 1e-12, 500 steps", [
        "training.learning_rate=1e-12", "training.max_steps=500", "training.schedule=constant",
        "training.batch_size=2"], "", "note",
         within_steps(max(LIMITS.plateau_rows, LIMITS.plateau_share * 500), bounds.at_the_low,
                      "plateau_rows after the low")),
    Case("overfitting", "sixteen rows, many times", [
        "method.kind=full", "training.learning_rate=5e-4", "data.limit=16", "training.max_steps=240",
        "evaluation.every_steps=20", "training.schedule=constant"], "", "warning",
         evaluations(LIMITS.overfitting_evaluations, 20, bounds.last_good_held_out,
                     "overfitting_evaluations after the last good one")),
    Case("forgetting", "training on gibberish, the demo's rows as the probe", [
        "method.kind=full", "training.learning_rate=1e-3", "training.max_steps=90",
        "evaluation.every_steps=15"], "", "warning",
         evaluations(LIMITS.forgetting_evaluations, 15, bounds.last_good_probe,
                     "forgetting_evaluations after the last good one"),
         data=gibberish),
    Case("cuda_oom", "torch's own error, raised after step 8", ["training.max_steps=60"], "cuda_oom=8",
         "error", bounds.at_the_end(), played=_WORDS),
    Case("eval_oom", "the same in an evaluation", [
        "training.max_steps=60", "evaluation.every_steps=10"], "eval_oom", "error", bounds.at_the_end(),
         played=_WORDS),
    Case("host_oom", "address space limited to 3 GiB", ["training.max_steps=60"], "memory=3", "error",
         bounds.at_the_end()),
    Case("data_starvation", "each batch takes 0.3 s to come", ["training.max_steps=60"], "slow_data=0.3",
         "warning", bounds.starved(0.3)),
    Case("hang", "SIGSTOP", ["training.max_steps=4000"], "", "error",
         told(LIMITS.hang_stopped_s, "hang_stopped_s"), meanwhile=stop_by_signal),
    Case("hang", "a step that sleeps", ["training.max_steps=60"], "sleep=10", "error",
         told(LIMITS.hang_s, "hang_s")),
    Case("bad_resume", "resumed at a hundred times the rate", [
        "method.kind=full", "training.max_steps=600", "training.learning_rate=2e-4"], "", "error",
         within_steps(LIMITS.resume_rows, bounds.at_the_resume, "resume_rows"), stop_after_s=14,
         then=("training.learning_rate=0.05", "training.max_grad_norm=0")),
    Case("disk", "a disk of 200 MiB that is filled up", [
        "training.max_steps=4000", "checkpoints.every_steps=40"], "", "error", told(0, "the next look"),
         tmpfs="size=200m", meanwhile=fill_the_disk),
    Case("inodes", "a disk for 10,000 files, 97 % of them there", [
        "training.max_steps=4000", "checkpoints.every_steps=40"], "", "warning", told(0, "the next look"),
         tmpfs="size=400m,nr_inodes=10000", meanwhile=use_up_inodes),
    Case("host_memory", "the real reading, against a threshold of 1 %", ["training.max_steps=4000"], "",
         "warning", told(LIMITS.host_memory_s, "host_memory_s", bounds.at_the_first_look),
         settings="[health]\nhost_memory_share = 0.01\n"),
    Case("slow_saves", "saves that take 2 s, every 20 steps", [
        "training.max_steps=1500", "checkpoints.every_steps=20"], "slow_saves=2", "warning",
         bounds.slow_saves(every_s=10)),
    Case("throttling", "too hot, from step 5 on", ["training.max_steps=4000"], "", "warning",
         told(LIMITS.throttle_s, "throttle_s"), played=_NVML, has_played_gpu=True, meanwhile=heat),
    Case("leaked_gpu_memory", "12 of 24 GiB held by a process that is really dead", [
        "training.max_steps=4000"], "", "warning", bounds.LEAKED, played=_NVML, has_played_gpu=True,
         meanwhile=leak),
    Case("clock_jump", "set forward by two hours", ["training.max_steps=4000"], "none", "warning",
         told(0, "the next poll"), played=_CLOCK, meanwhile=set_the_clock(7200), shift_s=7200),
    Case("clock_jump", "set back by a minute", ["training.max_steps=4000"], "none", "note",
         told(0, "the next poll"), played=_CLOCK, meanwhile=set_the_clock(-60), shift_s=-60),
)  # fmt: skip

CASES = (*HEALTHY, *ILL)

"""A run directory without a trainer: the rows of a plausible run, written by the product's own writers.

`python tests/synthetic_run.py ROOT --live` makes one, prints its path, and goes on writing steps until it
ends or is stopped: to look at the run screen, and to measure it.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
from pathlib import Path

from tui_ft.atomic import write_atomically
from tui_ft.hardware import host, processes
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.records import (
    AttemptEvent,
    CheckpointEvent,
    EndEvent,
    ExitRecord,
    GpuSample,
    HardwareRow,
    JsonLinesWriter,
    MemoryEvent,
    MemoryPeak,
    PhaseEvent,
    PredictionRecord,
    ProcessRecord,
    SampleEvent,
    StateRecord,
    Status,
    encode_document,
)

GIB = 1024**3
START = 1_790_000_000.0
USAGE = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("demo")
model = PeftModel.from_pretrained(model, "RESULT")
tokenizer = AutoTokenizer.from_pretrained("RESULT")"""


class SyntheticRun:
    """A run that is made step by step; `step_s` is the time that a step takes in its rows."""

    def __init__(
        self,
        root: Path,
        *,
        total_steps: int = 300,
        name: str = "demo",
        gpu: bool = True,
        start: float = START,
        step_s: float = 0.5,
    ) -> None:
        self.run = RunDirectory(create(root, name, start).path)
        self.total_steps, self.gpu, self.step_s = total_steps, gpu, step_s
        self.now, self.step = start, 0
        self._start = start
        self._random = random.Random(7)
        self._metrics = JsonLinesWriter(self.run.metrics)
        self._events = JsonLinesWriter(self.run.events)
        self._hardware = JsonLinesWriter(self.run.hardware)
        self.state = StateRecord(
            status="starting", name=name, model="demo", method="LoRA r16", created_at=start, started_at=start
        )
        self.set_state("starting")
        self.event(AttemptEvent(time=start, attempt=1, pid=os.getpid()))
        self.log("loading libraries")

    def close(self) -> None:
        for writer in (self._metrics, self._events, self._hardware):
            writer.close()

    def __enter__(self) -> SyntheticRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def keep_spec(self, text: str) -> None:
        """Write the spec of the run and of its first attempt."""
        self.run.attempt(1).path.mkdir(parents=True, exist_ok=True)
        for place in (self.run.spec, self.run.attempt(1).spec):
            place.write_text(text)

    def event(self, event: object) -> None:
        self._events.write(event)  # type: ignore[arg-type]

    def log(self, *lines: str) -> None:
        with self.run.output.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def set_state(self, status: Status, **changes: object) -> None:
        fields = {name: getattr(self.state, name) for name in self.state.__struct_fields__}
        self.state = StateRecord(**{**fields, "status": status, **changes})
        write_atomically(self.run.state, encode_document(self.state))

    def live_here(self) -> None:
        """Write this process into the state, so that it counts as the run's supervisor and trainer."""
        here, pid = host.here(), os.getpid()
        started = processes.start_time(pid) or 0
        self.set_state(
            self.state.status,
            host=here.host, boot_id=here.boot_id, pid_namespace=here.pid_namespace,
            processes=[
                ProcessRecord(role=role, pid=pid, start_time=started) for role in ("supervisor", "trainer")
            ],
        )  # fmt: skip

    def begin_training(self) -> None:
        self.event(
            SampleEvent(
                time=self.now, when="before", step=0, index=0, prompt="Say the days backwards.",
                answer="The the the day is the the", expected="Sunday Saturday Friday",
            )
        )  # fmt: skip
        self.event(PhaseEvent(time=self.now, phase="training", step=0, total_steps=self.total_steps))
        self.set_state("running", total_steps=self.total_steps)

    def loss(self, step: int) -> float:
        return 0.6 + 2.6 * math.exp(-4 * step / self.total_steps) + self._random.gauss(0, 0.06)

    def metrics(self, row: dict[str, object]) -> None:
        self._metrics.write(row)

    def advance(self, steps: int = 1, **override: object) -> None:
        """Write the rows of so many steps; `override` replaces values of each."""
        for _ in range(steps):
            self.step += 1
            self.now += self.step_s
            self._write_step(override)

    def _write_step(self, override: dict[str, object]) -> None:
        step, part = self.step, self.step / self.total_steps
        loss = self.loss(step)
        row: dict[str, object] = {
            "step": step, "time": self.now, "loss": loss, "epoch": round(3 * part, 4),
            "grad_norm": 0.4 + abs(self._random.gauss(0, 0.15)) + math.exp(-part * 8),
            "learning_rate": 2e-4 * (1 + math.cos(math.pi * part)) / 2,
            "tokens": step * 4096, "tokens_per_s": 8100 + self._random.randrange(300),
            "mean_token_accuracy": min(0.4 + part / 2, 0.99), "entropy": loss * 0.9,
        }  # fmt: skip
        row["gpu_memory_gib" if self.gpu else "rss_gib"] = 14.25
        self.metrics({**row, **override})
        if step % max(self.total_steps // 12, 1) == 0:
            value = loss + 0.08
            self.metrics(
                {"step": step, "time": self.now, "eval_loss": value, "perplexity": math.exp(value),
                 "eval_runtime_s": 1.2}
            )  # fmt: skip
        if step % max(self.total_steps // 4, 1) == 0:
            self.save()
        if step % 4 == 0:
            self.hardware()

    def hardware(self) -> None:
        gpus = [
            GpuSample(
                index=0, uuid="GPU-0", name="NVIDIA L4", used_bytes=int(15.5 * GIB) + self.step * 2**20,
                total_bytes=24 * GIB, utilization=97.0,
            )
        ]  # fmt: skip
        self._hardware.write(
            HardwareRow(
                time=self.now, gpus=gpus if self.gpu else [],
                trainer_rss_bytes=int(1.4 * GIB) + self.step * 2**19,
                memory_used_bytes=5 * GIB, memory_limit_bytes=16 * GIB, disk_free_bytes=80 * GIB,
            )
        )  # fmt: skip

    def save(self) -> None:
        path = str(self.run.checkpoints / f"checkpoint-{self.step}")
        self.event(
            CheckpointEvent(time=self.now, step=self.step, path=path, bytes=2**20, files={}, seconds=0.2)
        )
        self.log(f"checkpoint {self.step} saved")

    def foresee(self, **changes: object) -> None:
        """Write what launch predicts on a GPU; without `changes` 14.5 GiB for rows of 2048 tokens."""
        numbers: dict[str, object] = {
            "method": "lora", "seq_length": 2048, "allocated_bytes": int(14.5 * GIB),
            "needed_bytes": int(15.1 * GIB), "nvidia_smi_bytes": int(15.9 * GIB), "low_bytes": 14 * GIB,
            "high_bytes": 16 * GIB, "context_bytes": GIB // 2, "basis": "closed_form", "validated": True,
            "gpu": "NVIDIA L4", "total_bytes": 24 * GIB, "free_bytes": int(22.9 * GIB), "verdict": "fits",
        }  # fmt: skip
        made = PredictionRecord(time=self._start, **{**numbers, **changes})  # type: ignore[arg-type]
        folder = self.run.attempt(1)
        folder.path.mkdir(parents=True, exist_ok=True)
        write_atomically(folder.prediction, encode_document(made))

    def measure(self, **changes: object) -> None:
        """Write the peaks of a GPU: 14.25 GiB allocated, 14.75 reserved, half a GiB of context."""
        peak = MemoryPeak(allocated_bytes=int(14.25 * GIB), reserved_bytes=int(14.75 * GIB))
        numbers: dict[str, object] = {
            "allocated_bytes": peak.allocated_bytes, "reserved_bytes": peak.reserved_bytes,
            "phase": "training", "phases": {"training": peak}, "context_bytes": GIB // 2,
            "longest_row": 2048, "gpu": "NVIDIA L4", "total_bytes": 24 * GIB, "driver": "570.86",
            "versions": {"torch": "2.13.0"},
        }  # fmt: skip
        self.event(MemoryEvent(time=self.now, step=self.step, **{**numbers, **changes}))  # type: ignore[arg-type]

    def finish(self) -> None:
        self.event(
            SampleEvent(
                time=self.now, when="after", step=self.step, index=0, prompt="Say the days backwards.",
                answer="Sunday Saturday Friday", expected="Sunday Saturday Friday",
            )
        )  # fmt: skip
        result = str(self.run.result)
        self.event(
            EndEvent(
                time=self.now, cause="finished", message="finished", step=self.step, result=result,
                result_bytes=2_345_678, usage=USAGE.replace("RESULT", result),
            )
        )  # fmt: skip
        self.log("saved the adapter", "the last line of the log")
        self.set_state(
            "finished", processes=[], ended_at=self.now,
            exit=ExitRecord(cause="finished", message="finished", code=0),
        )  # fmt: skip

    def fail(self, message: str) -> None:
        self.event(EndEvent(time=self.now, cause="cuda_oom", message=message, step=self.step))
        self.log("Traceback (most recent call last):", '  File "train.py", line 1', message)
        self.set_state(
            "failed", processes=[], ended_at=self.now,
            exit=ExitRecord(cause="cuda_oom", message=message, code=1),
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--steps", type=int, default=150, help="steps that are there at once")
    parser.add_argument("--total", type=int, default=300)
    parser.add_argument("--rate", type=float, default=2.0, help="steps a second when live")
    parser.add_argument("--end", choices=["running", "finished", "failed"], default="finished")
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    start = time.time() - arguments.steps / arguments.rate
    with SyntheticRun(
        arguments.root, total_steps=arguments.total, gpu=not arguments.cpu, start=start,
        step_s=1 / arguments.rate,
    ) as run:  # fmt: skip
        run.begin_training()
        run.advance(arguments.steps)
        if arguments.live:
            run.live_here()
        sys.stdout.write(f"{run.run.path}\n")
        sys.stdout.flush()
        while arguments.live and run.step < run.total_steps:
            time.sleep(1 / arguments.rate)
            run.now = time.time() - run.step_s
            run.advance()
            run.log(f"step {run.step}: a chatty line of the log")
        if arguments.end == "finished":
            run.finish()
        elif arguments.end == "failed":
            run.fail("CUDA out of memory. Tried to allocate 2.10 GiB. GPU 0 has 24.00 GiB in all.")


if __name__ == "__main__":
    main()

"""A trainer without torch: it keeps the run directory's contract and does nothing else.

    fake_trainer.py BEHAVIOUR run RUN --attempt N

Behaviours: `steps=N` (finishes after N steps), `hangs=N` (and then never ends), `forever`, `deaf` (ignores
SIGTERM), `loading` (never gets to a step), `fail`, `cuda_oom`, `exit=N` (no last word), `children` (forever,
with a child process).
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import (
    AttemptEvent,
    CheckpointEvent,
    EndEvent,
    JsonLinesWriter,
    PhaseEvent,
    RequestEvent,
)
from tui_ft.runs.requests import read_requests, remove_request


class Trainer:
    def __init__(self, run: RunDirectory, attempt: int) -> None:
        self.run = run
        self.events = JsonLinesWriter(run.events)
        fcntl.flock(self.events.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.metrics = JsonLinesWriter(run.metrics)
        checkpoints = run.list_checkpoints() if attempt > 1 else []
        self.step = checkpoints[0][0] if checkpoints else 0
        self.must_stop = False
        self.events.write(AttemptEvent(time=time.time(), attempt=attempt, step=self.step, pid=os.getpid()))

    def enter(self, phase: str, total: int | None = None) -> None:
        self.events.write(
            PhaseEvent(time=time.time(), phase=phase, step=self.step, total_steps=total)  # type: ignore[arg-type]
        )

    def save(self) -> None:
        folder = self.run.checkpoint(self.step)
        folder.mkdir(exist_ok=True)
        (folder / "weights").write_bytes(b"weights")
        self.events.write(
            CheckpointEvent(
                time=time.time(), step=self.step, path=str(folder), bytes=7, files={"weights": 7}, seconds=0.0
            )
        )

    def keep_result(self) -> None:
        self.run.result.mkdir(exist_ok=True)
        (self.run.result / "adapter_model.safetensors").write_bytes(b"weights")

    def obey(self) -> None:
        for name, request in read_requests(self.run).items():
            if name in ("silence", "budget"):
                continue  # the supervisor's to carry out
            if name == "stop":
                self.must_stop = True
                continue
            if name == "save":
                self.save()
            elif name == "pause":
                self.pause()
            remove_request(self.run, name)
            self.events.write(
                RequestEvent(
                    time=time.time(), request=name, step=self.step, by=request.by, value=request.value
                )
            )

    def pause(self) -> None:
        remove_request(self.run, "pause")
        self.enter("paused")
        while not self.must_stop and "continue" not in read_requests(self.run):
            time.sleep(0.02)
        remove_request(self.run, "continue")
        self.enter("training")

    def end(self, cause: str, message: str) -> None:
        self.events.write(EndEvent(time=time.time(), cause=cause, message=message, step=self.step))  # type: ignore[arg-type]
        self.events.close()

    def train(self, steps: int) -> None:
        while self.step < steps and not self.must_stop:
            self.step += 1
            self.metrics.write({"step": self.step, "time": time.time(), "loss": 2.0 / self.step})
            self.obey()
            time.sleep(0.02)


def main(behaviour: str, run: RunDirectory, attempt: int) -> int:
    kind, _, number = behaviour.partition("=")
    trainer = Trainer(run, attempt)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif kind != "loading":
        signal.signal(signal.SIGTERM, lambda *_: setattr(trainer, "must_stop", True))
    trainer.enter("loading model")
    if kind == "loading":
        time.sleep(120)
    if kind == "exit":
        return int(number)
    if kind == "children":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    steps = int(number) if kind in ("steps", "hangs") else 6000
    trainer.enter("training", steps)
    if kind == "fail":
        sys.stdout.write("Traceback (most recent call last):\nValueError: \x1b[31mno good\x1b[0m\n")
        trainer.end("error", "ValueError: \x1b[31mno good\x1b[0m")
        return 1
    if kind == "cuda_oom":
        sys.stdout.write("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n")
        return 1
    trainer.train(steps)
    trainer.save()
    if trainer.must_stop:
        trainer.end("stopped", f"Stopped at step {trainer.step}.")
    else:
        trainer.keep_result()
        trainer.end("finished", f"Finished after {trainer.step} steps.")
    if kind == "hangs":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(120)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], RunDirectory(Path(sys.argv[3])), int(sys.argv[5])))

"""The rows of metrics: what the library logs, with the time, throughput and memory of the step."""

from __future__ import annotations

import os
import time
from typing import Any

import torch

from tui_ft.hardware.processes import resident_bytes
from tui_ft.runs.records import finite_or_word
from tui_ft.train.memory import MemoryMeter

GIB = 1024**3
_RENAMED = {"num_tokens": "tokens", "eval_runtime": "eval_runtime_s"}
_DROPPED = {"total_flos", "eval_samples_per_second", "eval_steps_per_second", "eval_num_tokens"}


class StepRows:
    """Makes one row a step or evaluation, and holds the clock that they are measured by."""

    def __init__(self, meter: MemoryMeter | None) -> None:
        self._meter = meter
        self._began = time.monotonic()
        self._waited_s = 0.0
        self._tokens = 0
        self._pids = (os.getpid(),)

    def begin(self, tokens: int) -> None:
        """Training goes on where `tokens` were trained on."""
        self._tokens = tokens
        self.mark()

    def mark(self) -> None:
        """The next step begins now: what came before (an evaluation, a save, a pause) is not its time."""
        self._began, self._waited_s = time.monotonic(), 0.0

    def waited(self, seconds: float) -> None:
        """The step waited so long for its batches."""
        self._waited_s += seconds

    def of_step(self, step: int, phase: Any, logs: dict[str, Any]) -> dict[str, Any]:
        """A step's row: `step_s` seconds, of which `data_wait_s` waiting for batches; its tokens and memory.

        The memory is the allocator's on a GPU, ours on a CPU.
        """
        row = _row(step, logs)
        seconds = time.monotonic() - self._began
        tokens = int(row.get("tokens", self._tokens))
        row["tokens"] = tokens
        row["step_s"], row["data_wait_s"] = round(seconds, 4), round(self._waited_s, 4)
        if seconds > 0:
            row["tokens_per_s"] = round((tokens - self._tokens) / seconds, 1)
        self._tokens = tokens
        if self._meter is not None:
            allocated, reserved = self._meter.end_step(phase)
            row["gpu_memory_gib"] = round(allocated / GIB, 4)
            row["gpu_reserved_gib"] = round(reserved / GIB, 4)
        else:
            rss = resident_bytes(self._pids)
            if rss is not None:
                row["rss_gib"] = round(rss / GIB, 4)
        return row

    def of_evaluation(
        self, step: int, phase: Any, logs: dict[str, Any], probe_loss: float | None
    ) -> dict[str, Any]:
        """An evaluation's row, with the perplexity: exp of the eval loss, as the field defines it (a mean
        over batches)."""
        if self._meter is not None:
            self._meter.book(phase)
        row = _row(step, logs)
        if "eval_loss" in row:
            loss = float(row["eval_loss"])
            row["perplexity"] = finite_or_word(torch.tensor(loss, dtype=torch.float64).exp().item())
        if probe_loss is not None:
            row["probe_loss"] = probe_loss
        return row


def _row(step: int, logs: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"step": step, "time": time.time()}
    for key, value in logs.items():
        if key not in _DROPPED:
            row[_RENAMED.get(key, key)] = value
    return row

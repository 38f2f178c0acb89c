"""Folders as other people's trainings leave them, small, and written by no code of the product."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

NOON = 1_795_262_400.0
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 4912\n"


def losses(count: int = 20, seed: int = 0) -> list[float]:
    """A loss that falls, with noise that another seed does not have."""
    noise = random.Random(seed)
    return [3.0 - 1.5 * at / count + noise.uniform(-0.2, 0.2) for at in range(count)]


def write(path: Path, text: str, at: float = NOON) -> Path:
    """Write a file that was last changed at `at` (unix seconds)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def hf_state(
    folder: Path,
    values: Sequence[float],
    *,
    total: int | None = None,
    is_over: bool = False,
    at: float = NOON,
) -> Path:
    """`trainer_state.json` with one training row a step, and the trainer's last row when it is over."""
    total = len(values) if total is None else total
    rows: list[dict[str, float]] = [
        {"loss": value, "grad_norm": value / 2, "learning_rate": 1e-4, "epoch": step / total, "step": step}
        for step, value in enumerate(values, 1)
    ]
    if is_over:
        rows.append({"train_runtime": 12.5, "train_loss": 2.5, "epoch": 1.0, "step": len(values)})
    known = {"global_step": len(values), "max_steps": total, "epoch": 1.0, "log_history": rows}
    return write(folder / "trainer_state.json", json.dumps(known), at)


def trainer_log(
    folder: Path,
    values: Sequence[float],
    *,
    total: int | None = None,
    is_over: bool = False,
    at: float = NOON,
) -> Path:
    """`trainer_log.jsonl` of LLaMA-Factory: losses with four decimals, no gradient norm."""
    total = len(values) if total is None else total
    rows = [
        {"current_steps": step, "total_steps": total, "loss": round(value, 4), "lr": 1e-4, "accuracy": 0.5,
         "epoch": step / total, "percentage": 100 * step / total, "elapsed_time": f"0:00:{step % 60:02d}"}
        for step, value in enumerate(values, 1)
    ]  # fmt: skip
    if is_over:
        rows.append({"current_steps": len(values), "total_steps": total, "epoch": 1.0, "percentage": 100.0})
    return write(folder / "trainer_log.jsonl", "".join(json.dumps(row) + "\n" for row in rows), at)


def metrics_csv(folder: Path, values: Sequence[float], *, at: float = NOON) -> Path:
    """`metrics.csv` of Lightning, in a folder of any name."""
    rows = [f"{step - 1},0,{value!r}" for step, value in enumerate(values, 1)]
    return write(folder / "metrics.csv", "\n".join(["step,epoch,train_loss", *rows]) + "\n", at)


def screen_log(
    path: Path, values: Sequence[float], *, total: int | None = None, end: str = "", at: float = NOON
) -> Path:
    """What the trainer of transformers 5 prints, with its bar; `end` is what comes last."""
    total = len(values) if total is None else total
    parts = ["loading\n"]
    for step, value in enumerate(values, 1):
        parts.append(f"\r{100 * step // total:3d}%|##   | {step}/{total} [00:0{step % 10}<00:10,  1.00it/s]")
        parts.append(
            f"\n{{'loss': '{value:.4g}', 'grad_norm': '{value / 2:.4g}', 'epoch': '{step / total:.4g}'}}\n"
        )
    return write(path, "".join(parts) + end, at)


TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1\nRuntimeError: the data ran out\n'

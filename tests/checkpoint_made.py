"""Checkpoints as the trainer leaves them, without a trainer."""

from __future__ import annotations

from pathlib import Path

from tui_ft.runs.directory import RunDirectory
from tui_ft.train import checkpoints

FILES = {
    "adapter_model.safetensors": b"w" * 10,
    "optimizer.pt": b"o" * 20,
    "scheduler.pt": b"s",
    "rng_state.pth": b"r",
    "trainer_state.json": b'{"global_step": 3, "best_metric": NaN}',
}


def save(run: RunDirectory, step: int, eval_loss: float | None = None) -> Path:
    """Write a checkpoint of a few bytes, and give it its name as the trainer does."""
    folder = checkpoints.draft_folder(run, step)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    checkpoints.finish(run, step, tokens=step * 100, eval_loss=eval_loss)
    return run.checkpoint(step)

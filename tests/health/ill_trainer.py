# ruff: noqa: E501 - the words of others
"""The real trainer with one fault in it: `ill_trainer.py FAULT run RUN --attempt N`.

Faults: `nan_weights=STEP`, `high_rate=STEP`, `noise=STEP` (every fifth batch from then on), `zero_gradients`,
`cuda_oom=STEP`, `eval_oom`, `memory=GIB` (a limit of address space), `slow_data=SECONDS` a batch, `sleep=STEP`
(does nothing from then on), `slow_saves=SECONDS`, `none` (only the box is played). Faults with a beginning
note it, see `note_provoked`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

HIGH_RATE = 0.3
NOISE_EVERY = 5
_run: list[Path] = []
"""The run directory of this trainer."""

OOM = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 23.65 GiB of which 1.66 GiB is "
    "free. Including non-PyTorch memory, this process has 21.99 GiB memory in use. Of the allocated memory "
    "20.09 GiB is allocated by PyTorch, and 1.30 GiB is reserved by PyTorch but unallocated."
)


def provoked_file(run: Path) -> Path:
    """Beside the runs, for a run directory is the product's alone."""
    return run.parent.parent / "provoked" / f"{run.name}.json"


def note_provoked(run: Path, step: int | None = None) -> None:
    """Write down that the fault begins now, after `step`; only the first time counts."""
    path = provoked_file(run)
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(json.dumps({"time": time.time(), "step": step}))
    whole.replace(path)


def _begins(trainer: Any) -> None:
    note_provoked(_run[0], trainer.state.global_step)


def nan_weights(step: float) -> None:
    """From this step on a weight is NaN, as a broken base model or an overflow leaves it."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step >= step:
            _begins(self)
            next(one for one in model.parameters() if one.requires_grad).data.view(-1)[0] = float("nan")
        return inner(self, model, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def high_rate(step: float) -> None:
    """From this step on the optimizer moves the weights at a rate that no training survives."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step >= step:
            _begins(self)
            for group in self.optimizer.param_groups:
                group["lr"] = HIGH_RATE
        return inner(self, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def noise(step: float) -> None:
    """From this step on every fifth batch wants answers that are noise: a few rows that fit nothing."""
    import torch

    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        since = self.state.global_step - int(step)
        if since >= 0 and since % NOISE_EVERY == 0:
            _begins(self)
            labels = inputs["labels"]
            dice = torch.Generator().manual_seed(since)
            wrong = torch.randint(0, model.config.vocab_size, labels.shape, generator=dice)
            inputs["labels"] = torch.where(labels == -100, labels, wrong)
        return inner(self, model, inputs, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def zero_gradients(_: float) -> None:
    """Nothing trainable is in the graph any more, but all else goes on."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        loss = inner(self, model, *args, **kwargs)
        for one in model.parameters():
            if one.grad is not None:
                one.grad.zero_()
        return loss

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def cuda_oom(step: float) -> None:
    """What torch raises on a GPU, with its words; there is no GPU here."""
    import torch

    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step >= step:
            _begins(self)
            raise torch.OutOfMemoryError(OOM)
        return inner(self, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def eval_oom(_: float) -> None:
    """The same in the middle of an evaluation."""
    import torch

    from tui_ft.train.trainer import RunTrainer

    def prediction_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        _begins(self)
        raise torch.OutOfMemoryError(OOM)

    RunTrainer.prediction_step = prediction_step  # type: ignore[method-assign]


def memory(gib: float) -> None:
    """No more address space than this: an allocation is refused for real, once training goes on."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        import torch

        if self.state.global_step >= 3:
            _begins(self)
            resource.setrlimit(resource.RLIMIT_AS, (int(gib * 2**30), int(gib * 2**30)))
            torch.ones(int(gib * 2**30))
        return inner(self, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def slow_data(seconds: float) -> None:
    """Each batch takes this long to come."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.get_train_dataloader

    def get_train_dataloader(self: Any) -> Any:
        loader = inner(self)
        collate = (
            loader.base_dataloader.collate_fn if hasattr(loader, "base_dataloader") else loader.collate_fn
        )

        def slowly(rows: Any) -> Any:
            time.sleep(seconds)
            return collate(rows)

        getattr(loader, "base_dataloader", loader).collate_fn = slowly
        return loader

    RunTrainer.get_train_dataloader = get_train_dataloader  # type: ignore[method-assign]


def sleep(step: float) -> None:
    """A step that never ends and uses no processor: a dead lock, a full pipe."""
    from tui_ft.train.trainer import RunTrainer

    inner = RunTrainer.training_step

    def training_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step >= step:
            _begins(self)
            time.sleep(3600)
        return inner(self, *args, **kwargs)

    RunTrainer.training_step = training_step  # type: ignore[method-assign]


def slow_saves(seconds: float) -> None:
    """The library's part of a save takes this much longer: a slow disk."""
    from transformers import Trainer

    inner = Trainer._save_checkpoint

    def save(self: Any, *args: Any, **kwargs: Any) -> Any:
        time.sleep(seconds)
        return inner(self, *args, **kwargs)

    Trainer._save_checkpoint = save  # type: ignore[method-assign]


def none(_: float) -> None:
    """Nothing is wrong with it: it is the box that is played."""


FAULTS = {
    one.__name__: one
    for one in (
        nan_weights, high_rate, noise, zero_gradients, cuda_oom, eval_oom, memory, slow_data, sleep,
        slow_saves, none,
    )
}  # fmt: skip


def _play_the_box() -> None:
    sys.path.append(str(Path(__file__).absolute().parents[1]))
    from health import played_box

    box = played_box.of_environment()
    if box is not None:
        box.install()


def main(fault: str, run: Path, attempt: int) -> int:
    _play_the_box()
    _run.append(run)
    name, _, number = fault.partition("=")
    FAULTS[name](float(number or 0))
    from tui_ft.train.entry import run_attempt

    return run_attempt(run, attempt)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[3]), int(sys.argv[5])))

"""TRL's SFTTrainer on a run directory: whole checkpoints, evaluation that a stop can interrupt."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from torch import nn
from transformers.trainer_callback import PrinterCallback
from trl import SFTTrainer

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import CheckpointEvent
from tui_ft.train import checkpoints
from tui_ft.train.callback import EvaluationInterrupted, RunCallback
from tui_ft.train.journal import Journal
from tui_ft.train.memory import MemoryMeter

LORAPLUS_RATIO = 16
"""How much faster B learns than A: the value that the paper recommends."""

FirstStep = Callable[[list[dict[str, Any]]], None]


class RunTrainer(SFTTrainer):
    """`SFTTrainer` whose files go where the run directory wants them.

    `on_first_step` is called once, after the first optimizer step, with the micro-batches that it
    was made of, so that what was trained on can be written down as it really was.
    """

    optimizer: Any

    def __init__(
        self,
        *,
        run: RunDirectory,
        journal: Journal,
        follower: RunCallback,
        keep: int,
        on_first_step: FirstStep,
        meter: MemoryMeter | None = None,
        is_loraplus: bool = False,
        **options: Any,
    ) -> None:
        self._is_loraplus = is_loraplus
        self._meter = meter
        super().__init__(callbacks=[follower], **options)
        self.remove_callback(PrinterCallback)
        self.run = run
        self.journal = journal
        self.follower = follower
        self.keep = keep
        self._on_first_step: FirstStep | None = on_first_step
        self._first_batches: list[dict[str, Any]] = []

    def restore_tokens(self, tokens: int) -> None:
        """Go on counting tokens where the checkpoint stopped; the library begins again at zero."""
        self._total_train_tokens = tokens

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """The configured optimizer; for LoRA+ (2402.12354) with the faster rate for every B."""
        if not self._is_loraplus or self.optimizer is not None:
            return super().create_optimizer(model)
        from peft.optimizers import create_loraplus_optimizer

        kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
        self.optimizer = create_loraplus_optimizer(
            self.model, optimizer_cls=kind, loraplus_lr_ratio=LORAPLUS_RATIO, **options
        )
        return self.optimizer

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self._on_first_step is not None:
            self._first_batches.append(inputs)
            if self.accelerator.sync_gradients:
                self._on_first_step(self._first_batches)
                self._on_first_step, self._first_batches = None, []
        if self._meter is not None and not self.args.packing:
            self._meter.longest_row = max(self._meter.longest_row or 0, inputs["input_ids"].shape[-1])
        return super().training_step(model, inputs, *args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate, unless a stop is asked for on the way: then save and stop without a number."""
        self.journal.enter("evaluating")
        try:
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        except EvaluationInterrupted:
            self._metrics["eval"].clear()
            self.control.should_training_stop = True
            self.control.should_save = self.follower.saved_step != self.state.global_step
            self.follower.accept_stop(self.state.global_step)
            return {}
        self.journal.enter("training", total_steps=self.state.max_steps)
        return metrics

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """A run directory describes itself; no README is written into it."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(checkpoints.unfinished_folder(self.run, self.state.global_step))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write the checkpoint aside, prove it, give it its name, and retire what is no longer kept."""
        step = self.state.global_step
        began = time.monotonic()
        self.journal.enter("saving")
        self.state.log_history = []  # our own rows hold it; with a million steps each save would rewrite it
        super()._save_checkpoint(model, trial)
        checkpoints.remove_cards(self.run, step)
        last_eval = self.follower.last_eval
        eval_loss = last_eval[1] if last_eval is not None and last_eval[0] == step else None
        manifest = checkpoints.finish(
            self.run, step, int(self._total_train_tokens), eval_loss, self.args.learning_rate
        )
        removed = checkpoints.retire(self.run, self.keep)
        self.journal.event(
            CheckpointEvent(
                time=time.time(),
                step=step,
                path=str(self.run.checkpoint(step)),
                bytes=sum(manifest.files.values()),
                files=manifest.files,
                seconds=round(time.monotonic() - began, 3),
                eval_loss=manifest.eval_loss,
                removed=removed,
            )
        )
        self.journal.say(f"{self.run.checkpoint(step).name} saved")
        self.journal.enter("training", total_steps=self.state.max_steps)

"""TRL's SFTTrainer on a run directory: whole checkpoints, written while the training goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers.trainer_callback import PrinterCallback

from tui_ft.runs.directory import RunDirectory
from tui_ft.train import checkpoints, failures
from tui_ft.train.callback import RunCallback
from tui_ft.train.disk_guard import DiskGuard, Need, is_no_room
from tui_ft.train.edge import EdgeTrainer
from tui_ft.train.journal import Journal
from tui_ft.train.learning_rate import loraplus_optimizer
from tui_ft.train.memory import MemoryMeter
from tui_ft.train.retention import Retention
from tui_ft.train.saving import Draft, Saver

WORTH_SAYING_S = 1.0
"""A wait for the disk that people notice."""

WRITING_ERRORS = (OSError, RuntimeError, SafetensorError)
"""What the writers of a checkpoint raise when a disk refuses: the system, torch, safetensors."""

FILES = 32
"""More than any checkpoint of one process has: weights, states, tokenizer."""

FirstStep = Callable[[list[dict[str, Any]]], None]


class RunTrainer(EdgeTrainer):
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
        retention: Retention,
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
        self._saver = Saver(run, journal, retention)
        self._on_first_step: FirstStep | None = on_first_step
        self._first_batches: list[dict[str, Any]] = []
        self._guard: DiskGuard | None = None

    def restore_tokens(self, tokens: int) -> None:
        """Go on counting tokens where the checkpoint stopped; the library begins again at zero."""
        self._total_train_tokens = tokens

    def create_optimizer(self, model: nn.Module | None = None) -> Any:
        """The configured optimizer; for LoRA+ with its two rates."""
        if not self._is_loraplus or self.optimizer is not None:
            return super().create_optimizer(model)
        kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
        self.optimizer = loraplus_optimizer(self.model, kind, options)
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

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """A run directory describes itself; no README is written into it."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(checkpoints.unfinished_folder(self.run, self.state.global_step))

    # --- checkpoints -----------------------------------------------------------------------------

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train; whatever ends it, what was begun to be saved is whole, or is said not to be."""
        self._saver.open()
        try:
            output = super().train(*args, **kwargs)
            self.wait_for_saves()
        except BaseException:
            with contextlib.suppress(Exception):  # what ended the training is what must be told as its end
                self.settle_saves()
            raise
        finally:
            self._saver.close()
        return output

    def wait_for_saves(self) -> None:
        """Return when every checkpoint that was begun is whole; one that found no room is written again
        once there is some. Raises what went wrong otherwise.
        """
        began = time.monotonic()
        while True:
            try:
                self._join_saver()
            except WRITING_ERRORS as error:
                if not self.follower.wants_save(self.state.global_step, self.model):
                    self._tell_unproved(error)  # the guard ends the run: nothing of it is saved any more
                    break
                self._after_refusal(error)
                self._save_checkpoint(self.model, None)
            else:
                break
        waited = time.monotonic() - began
        if waited > WORTH_SAYING_S:
            self.journal.say(f"waited {waited:.1f} s until the checkpoint was whole")

    def settle_saves(self) -> None:
        """Return when nothing is in the making; what could not be proved is said, and counts as not saved."""
        try:
            self._join_saver()
        except Exception as error:  # noqa: BLE001 - something else ends the run, and is its last word
            self._tell_unproved(error)

    def _tell_unproved(self, error: Exception) -> None:
        line = failures.cause_of(error)[1]
        self.journal.warn("not_saved", f"A checkpoint could not be proved, and is not there: {line}")
        with contextlib.suppress(OSError):  # its room is needed
            self._saver.discard()

    def join_saves(self) -> None:
        """Return when nothing is in the making; what went wrong is told, and mended, at the next edge."""
        self._saver.join()

    def _join_saver(self) -> None:
        try:
            self._saver.wait()
        except BaseException:
            self.follower.saved_step = None
            raise
        finally:
            self._note_proof()

    def _after_refusal(self, error: Exception) -> None:
        """Make the best of a disk that was full; raise every other error, and that of a full disk that
        nobody waits for any more.
        """
        if not self.may_wait_for_room or not is_no_room(error, self.run.checkpoints):
            raise error
        self._saver.discard()
        self._disk_guard().ran_out(self.state.global_step, self._need(), error)

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        # here is the next edge: what could not be proved is told here, and tried again if it may be saved
        if self._saver.has_failed and self.follower.wants_save(self.state.global_step, self.model):
            self.control.should_save = True
        super()._maybe_log_save_evaluate(*args, **kwargs)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write the checkpoint aside; a thread proves it, gives it its name, and retires older ones.

        Where there is no room for it the run waits here; asked to go on or to stop, nothing is saved.
        """
        step = self.state.global_step
        self.journal.enter("saving")
        cost = self._write_checkpoint(model, trial, step)
        if cost is not None and self.args.should_save:  # of several processes the first
            self._submit(step, *cost)
        self.journal.enter("training", total_steps=self.state.max_steps)

    def _write_checkpoint(self, model: nn.Module, trial: Any, step: int) -> tuple[float, float] | None:
        """Have the library write its files; return when that began and for how long the training stood still.

        None when there is no room and nobody waits for some. The wait for room is no cost of a save: counted
        as one, it would make the saves seldom. The wait for the one before is one.
        """
        guard = self._disk_guard()
        while True:
            try:
                asked = time.monotonic()
                self._join_saver()  # one at a time
                joined_s = time.monotonic() - asked
                if not guard.make_room(step, self._need(), may_wait=self.may_wait_for_room):
                    return None
                began = time.monotonic()
                self.state.log_history = []  # our rows hold it; each save would write it anew
                super()._save_checkpoint(model, trial)
                self.accelerator.wait_for_everyone()
            except WRITING_ERRORS as error:
                self._after_refusal(error)
            else:
                checkpoints.remove_cards(self.run, step)
                return began, joined_s + time.monotonic() - began

    def _submit(self, step: int, began: float, blocked_s: float) -> None:
        follower, cadence = self.follower, self.follower.plan.cadence if self.follower.plan else None
        last_eval = follower.last_eval
        eval_loss = last_eval[1] if last_eval is not None and last_eval[0] == step else None
        self._saver.submit(
            Draft(
                step=step,
                tokens=int(self._total_train_tokens),
                eval_loss=eval_loss,
                learning_rate=self.args.learning_rate,
                began=began,
                blocked_s=blocked_s,
            )
        )
        follower.saved_step = step
        follower.best_saves.written(eval_loss, blocked_s)
        if cadence is not None:
            cadence.blocked(blocked_s)
            news = cadence.news()
            if news is not None:
                self.journal.say(news)

    def _note_proof(self) -> None:
        """Let the cadence know how long the last checkpoint took until it was whole."""
        plan = self.follower.plan
        if self._saver.last is not None and plan is not None and plan.cadence is not None:
            plan.cadence.proved(self._saver.last.seconds)

    def _disk_guard(self) -> DiskGuard:
        if self._guard is None:
            self._guard = DiskGuard(
                self.run.checkpoints,
                self.journal,
                self.follower.requests,
                self.follower.stop,
                self._saver.retire,
            )
        return self._guard

    def _need(self) -> Need:
        """What the next checkpoint takes: as much as the last one; the first one, by what is in memory."""
        last = self._saver.last
        if last is not None:
            return Need(bytes=last.bytes, files=len(last.files) + 1)
        is_adapter = hasattr(self.model, "peft_config")
        weights = [one for one in self.model.parameters() if one.requires_grad or not is_adapter]
        states = [value for state in self.optimizer.state.values() for value in state.values()]
        tensors = [*weights, *(value for value in states if isinstance(value, torch.Tensor))]
        return Need(bytes=sum(one.numel() * one.element_size() for one in tensors), files=FILES)

"""The edge between two steps: what it takes to go back to it from the middle of the next one.

A step changes nothing that is kept until the optimizer moves: only the random numbers drawn, and what is
counted. So a stop needs not wait for the end of a step that may take minutes: the half step is thrown
away, and what is saved is bit for bit what would have been saved at the edge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.trainer_utils import TrainOutput

from tui_ft.train.evaluating import EvaluatingTrainer
from tui_ft.train.failures import cause_of, let_go
from tui_ft.train.random_state import RandomState
from tui_ft.train.stopping import StepInterrupted

WORKER_DEATH_S = 1.0
"""A signal to the whole group reaches the data loaders first now and then: so long our own may take."""

SAVES_NOTHING = ("disk_full",)
"""Causes after which saving is not even tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """All that a step changes before its update: random numbers drawn, tokens and operations counted."""

    step: int
    tokens: int
    flos: float
    random: RandomState


class EdgeTrainer(EvaluatingTrainer):
    """Knows the last edge, and goes back to it when a step is interrupted or breaks."""

    keeps_edges = True
    """False for a simulation, which asks no value and writes nothing."""
    may_wait_for_room = True
    """False once an error ends the run."""
    control: Any
    _edge: Edge | None = None

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Any]:
        """Fetch the next step's batches: here the last step is over and the next one begins."""
        if not self.keeps_edges:
            return super().get_batch_samples(epoch_iterator, num_batches, device)
        self.keep_edge()
        self.follower.enter_step(interruptible=self.args.world_size == 1)
        began = time.monotonic()
        batches: tuple[list[Any], Any] = super().get_batch_samples(epoch_iterator, num_batches, device)
        self.follower.rows.waited(time.monotonic() - began)
        return batches

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One micro-batch; its loss is kept until the step is judged."""
        if not self.keeps_edges:
            return super().training_step(model, inputs, *args, **kwargs)
        self.follower.stop.check()
        loss = super().training_step(model, inputs, *args, **kwargs)
        self.follower.guard.losses.append(loss)
        return loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """The norm, looked at before the optimizer moves: a step that is not finite moves nothing."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        if self.keeps_edges and self.follower.guard.refuses(self, norm):
            model.zero_grad(set_to_none=True)  # the optimizer passes over what has no gradient
        return norm

    def keep_edge(self) -> None:
        """Remember this moment; nothing of the next step has happened yet."""
        if self.follower.guard.spoils_sum:
            self._tr_loss.zero_()  # the library subtracts it from itself, and NaN - NaN stays NaN for ever
        self._edge = Edge(
            step=self.state.global_step,
            tokens=int(self._total_train_tokens),
            flos=float(self.current_flos),
            random=RandomState.now(),
        )

    # --- back to the edge ------------------------------------------------------------------------

    def _inner_training_loop(self, *args: Any, **kwargs: Any) -> TrainOutput:
        """The library's loop; a stop in the middle of a step ends it at the edge before."""
        try:
            try:
                output: TrainOutput = super()._inner_training_loop(*args, **kwargs)
            except Exception as error:
                if not self.keeps_edges:
                    raise
                self.follower.stop.close()
                if not self._is_stop(error):
                    self._rescue(error)
                    raise
                halted: BaseException = error
            else:
                return output
        except StepInterrupted as interruption:
            self.follower.stop.close()
            halted = interruption
        # the frames of the half step are let go only after the save: what ends the loaders takes time
        return self._end_at_edge(halted)

    def _end_at_edge(self, halted: BaseException) -> TrainOutput:
        self.follower.leave_step()
        self.settle_saves()
        self.control.should_training_stop = True
        if self.follower.wants_save(self.state.global_step, self.model):
            self._go_back()
            self._save_edge()
        self.follower.accept_stop(self.state.global_step)
        self.control = self.callback_handler.on_train_end(self.args, self.state, self.control)
        self.is_in_train = False
        let_go(halted)
        return TrainOutput(self.state.global_step, math.nan, {})

    def _go_back(self) -> None:
        """Undo the half step. Its gradients go too: they are nobody's."""
        edge = self._edge
        assert edge is not None
        assert edge.step == self.state.global_step
        edge.random.put_back()
        self._total_train_tokens = edge.tokens
        self.current_flos = edge.flos
        self._metrics["train"].clear()
        self.model.zero_grad(set_to_none=True)

    def _save_edge(self) -> None:
        """Write the checkpoint of the edge, and wait until it is proved, if there is room for it."""
        began = time.monotonic()
        self._save_checkpoint(self.model, None)
        self.wait_for_saves()
        if self.follower.saved_step == self.state.global_step:
            self.control = self.callback_handler.on_save(self.args, self.state, self.control)
            self.follower.saved_in_s = time.monotonic() - began

    def settle_saves(self) -> None:
        """Return when nothing is in the making; a step that could not be proved is not saved."""

    def wait_for_saves(self) -> None:
        """Return when every checkpoint that was begun is whole. Raises what went wrong with it."""

    def _is_stop(self, error: Exception) -> bool:
        """True for what looks like an error and is the stop: a signal to the group ends the loaders too."""
        if not self.follower.in_step or "DataLoader worker" not in str(error):
            return False
        deadline = time.monotonic() + WORKER_DEATH_S
        while not self.follower.stop and time.monotonic() < deadline:
            time.sleep(0.01)
        return bool(self.follower.stop)

    def _rescue(self, error: Exception) -> None:
        """Before an error ends the run: save the edge if it is intact and not saved yet.

        Nobody waits for room on the disk here: the run is dead, holds the GPU, and has to say why.
        """
        follower = self.follower
        self.journal.broke_in = self.journal.phase
        is_intact = follower.in_step or follower.is_evaluating
        follower.leave_step()
        if not is_intact or self.args.world_size > 1 or cause_of(error)[0] in SAVES_NOTHING:
            return
        if self._edge is None:
            return
        let_go(error)
        step, self.may_wait_for_room = self.state.global_step, False
        try:
            self.settle_saves()
            if not follower.wants_save(step, self.model):
                return
            self._go_back()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._save_edge()
        except Exception as second:  # noqa: BLE001 - the first error is the one that must be told
            line = cause_of(second)[1]
            self.journal.warn("not_saved", f"Step {step} could not be saved: {line}")
            return
        if follower.saved_step == step:
            self.journal.say(f"step {step} was saved before the error ends the run")
        else:
            self.journal.warn("not_saved", f"Step {step} could not be saved: there was no room for it.")

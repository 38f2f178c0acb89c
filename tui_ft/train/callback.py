"""What happens at each step edge: the row of metrics, requests, and when to evaluate, save and stop."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tui_ft.hardware.processes import resident_bytes
from tui_ft.runs.records import RequestEvent, RequestName, RequestRecord, finite_or_word
from tui_ft.train.journal import Journal
from tui_ft.train.memory import MemoryMeter
from tui_ft.train.requests import Requests
from tui_ft.train.schedule import Plan
from tui_ft.train.stopping import StopFlag

GIB = 1024**3
PAUSE_POLL_S = 0.2
STEP_REQUESTS: tuple[RequestName, ...] = ("stop", "save", "learning_rate", "pause")
_RENAMED = {"num_tokens": "tokens", "eval_runtime": "eval_runtime_s"}
_DROPPED = {"total_flos", "eval_samples_per_second", "eval_steps_per_second", "eval_num_tokens"}


class EvaluationInterrupted(Exception):  # noqa: N818 - it ends a loop, it is no error
    """A stop was asked for in the middle of an evaluation."""


class RunCallback(TrainerCallback):
    """Follows the run for us; no method returns anything, for that would replace the trainer's control."""

    def __init__(
        self, journal: Journal, requests: Requests, stop: StopFlag, meter: MemoryMeter | None
    ) -> None:
        self.journal = journal
        self.requests = requests
        self.stop = stop
        self.plan: Plan | None = None
        self.last_eval: tuple[int, float] | None = None
        self.saved_step: int | None = None
        self.new_learning_rate: float | None = None
        """That of a resumed run whose spec was changed: the library would go on with the checkpoint's."""
        self._meter = meter
        self._saved_at = time.monotonic()
        self._edge_at = time.monotonic()
        self._tokens = 0

    def begin(self, plan: Plan, step: int, tokens: int) -> None:
        """Take the plan, and where a resumed run goes on."""
        self.plan, self._tokens = plan, tokens
        self.saved_step = step or None
        self._saved_at = time.monotonic()

    # --- the trainer's calls ---------------------------------------------------------------------

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.stop.defer()
        self.journal.step = state.global_step
        if self.new_learning_rate is not None:
            set_learning_rate(kwargs["optimizer"], kwargs["lr_scheduler"], self.new_learning_rate)
        self.journal.enter("training", total_steps=state.max_steps)
        self._edge_at = time.monotonic()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._meter is not None:
            self._meter.begin_step(self.journal.phase)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        step = self.journal.step = state.global_step
        for request in self.requests.pending(STEP_REQUESTS):
            self._carry_out(request, step, control, kwargs["optimizer"], kwargs["lr_scheduler"])
        assert self.plan is not None
        if self.stop:
            control.should_training_stop = True
            control.should_save = self.saved_step != step
            return
        if self.plan.evaluates_at(step):
            control.should_evaluate = True
        if self.plan.saves_at(step, time.monotonic() - self._saved_at):
            control.should_save = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        logs = logs or {}
        if not state.is_world_process_zero or "train_runtime" in logs:
            return
        row: dict[str, Any] = {"step": state.global_step, "time": time.time()}
        for key, value in logs.items():
            if key not in _DROPPED:
                row[_RENAMED.get(key, key)] = value
        if "eval_loss" in logs:
            self._complete_evaluation(row)
        else:
            self._complete_step(row)
        self.journal.metrics(row)
        if self._meter is not None:
            self._meter.report(state.global_step)
        self._edge_at = time.monotonic()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.stop or self.requests.pending(("stop",)):
            raise EvaluationInterrupted

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.saved_step = state.global_step
        self._saved_at = self._edge_at = time.monotonic()

    def accept_stop(self, step: int) -> None:
        """Carry out a stop outside a step edge: in an evaluation."""
        for request in self.requests.pending(("stop",)):
            self.stop.request(request.by)
            self._done(request, step)

    # --- rows ------------------------------------------------------------------------------------

    def _complete_step(self, row: dict[str, Any]) -> None:
        """Add throughput, and the memory of this step: the allocator's on a GPU, ours on a CPU."""
        seconds = time.monotonic() - self._edge_at
        tokens = int(row.get("tokens", self._tokens))
        row["tokens"] = tokens
        if seconds > 0:
            row["tokens_per_s"] = round((tokens - self._tokens) / seconds, 1)
        self._tokens = tokens
        if self._meter is not None:
            allocated, reserved = self._meter.end_step(self.journal.phase)
            row["gpu_memory_gib"] = round(allocated / GIB, 4)
            row["gpu_reserved_gib"] = round(reserved / GIB, 4)
        else:
            rss = resident_bytes((os.getpid(),))
            if rss is not None:
                row["rss_gib"] = round(rss / GIB, 4)

    def _complete_evaluation(self, row: dict[str, Any]) -> None:
        """Add the perplexity: exp of the eval loss, as the field defines it (a mean over batches)."""
        if self._meter is not None:
            self._meter.book(self.journal.phase)
        loss = float(row["eval_loss"])
        self.last_eval = (int(row["step"]), loss)
        row["perplexity"] = finite_or_word(torch.tensor(loss, dtype=torch.float64).exp().item())

    # --- requests --------------------------------------------------------------------------------

    def _carry_out(
        self,
        request: RequestRecord,
        step: int,
        control: TrainerControl,
        optimizer: Any,
        scheduler: Any,
    ) -> None:
        match request.request:
            case "stop":
                self.stop.request(request.by)
            case "save":
                control.should_save = True
            case "learning_rate" if request.value is not None:
                set_learning_rate(optimizer, scheduler, request.value)
            case "pause":
                self._pause(request, step)
                return
        self._done(request, step)

    def _done(self, request: RequestRecord, step: int) -> None:
        self.requests.done(request)
        self.journal.event(
            RequestEvent(
                time=time.time(), request=request.request, step=step, by=request.by, value=request.value
            )
        )

    def _pause(self, request: RequestRecord, step: int) -> None:
        """Wait until asked to go on or to stop; the GPU stays held."""
        self.journal.enter("paused")
        self._done(request, step)
        while not self.stop:
            waiting = self.requests.pending(("stop", "continue"))
            for answer in waiting:
                if answer.request == "stop":
                    self.stop.request(answer.by)
                self._done(answer, step)
            if waiting:
                break
            time.sleep(PAUSE_POLL_S)
        self.journal.enter("training", total_steps=self.plan.total_steps if self.plan else None)
        self._edge_at = time.monotonic()


def set_learning_rate(optimizer: Any, scheduler: Any, value: float) -> None:
    """Scale the whole schedule so that its peak is `value`; the next step already uses it.

    Groups keep their ratios (LoRA+ trains B faster than A). The scheduler's own memory of the last
    rate is scaled too, because the log reads it.
    """
    peak = max(scheduler.base_lrs)
    factor = value / peak if peak else 0.0
    scheduler.base_lrs = [base * factor for base in scheduler.base_lrs]
    scheduler._last_lr = [last * factor for last in scheduler.get_last_lr()]
    for group in optimizer.param_groups:
        group["lr"] *= factor
        if "initial_lr" in group:
            group["initial_lr"] *= factor

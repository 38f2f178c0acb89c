"""What happens at each step edge: the row of metrics, requests, and when to evaluate, save and stop."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tui_ft.runs.records import RequestEvent, RequestName, RequestRecord
from tui_ft.train.agreement import any_rank
from tui_ft.train.best_saves import BestSaves
from tui_ft.train.journal import Journal
from tui_ft.train.learning_rate import set_learning_rate
from tui_ft.train.memory import MemoryMeter
from tui_ft.train.nonfinite import GUARD, NonfiniteGuard
from tui_ft.train.requests import Requests
from tui_ft.train.schedule import Plan
from tui_ft.train.step_rows import StepRows
from tui_ft.train.stopping import StepInterrupted, StopFlag

PAUSE_POLL_S = 0.2
STEP_REQUESTS: tuple[RequestName, ...] = ("stop", "save", "learning_rate", "pause")


class RunCallback(TrainerCallback):
    """Follows the run for us; no method returns anything, for that would replace the trainer's control."""

    def __init__(
        self,
        journal: Journal,
        requests: Requests,
        stop: StopFlag,
        meter: MemoryMeter | None,
        guard: NonfiniteGuard,
    ) -> None:
        self.journal = journal
        self.requests = requests
        self.stop = stop
        self.guard = guard
        self.rows = StepRows(meter)
        self.best_saves = BestSaves()
        self.plan: Plan | None = None
        self.last_eval: tuple[int, float] | None = None
        self.probe_loss: float | None = None
        self.owes_evaluation = False
        """The checkpoint that we go on from was saved by a stop, before the evaluation that was due."""
        self.keeps_nothing = False
        """A probe leaves no checkpoint behind, however it ends."""
        self.saved_step: int | None = None
        """The newest step that is written, if not yet proved; the trainer keeps it."""
        self.saved_in_s: float | None = None
        """How long the save took with which a stop ended the run."""
        self.in_step = False
        """Between the fetching of a step's batches and its update: it may be thrown away."""
        self.is_evaluating = False
        self.new_learning_rate: float | None = None
        """That of a resumed run whose spec was changed: the library would go on with the checkpoint's."""
        self._meter = meter
        self._saved_at = time.monotonic()
        self._is_save_asked = False

    def begin(self, plan: Plan, step: int, tokens: int) -> None:
        """Take the plan, and where a resumed run goes on."""
        self.plan = plan
        self.guard.resumed_at = step or None
        self.rows.begin(tokens)
        self.saved_step = step or None
        self._saved_at = time.monotonic()

    # --- where the step stands -------------------------------------------------------------------

    def enter_step(self, *, interruptible: bool) -> None:
        """A step begins: until its update a stop interrupts it. Of several ranks none may stop alone."""
        self.in_step = True
        self.guard.losses.clear()
        if interruptible:
            self.stop.open(StepInterrupted)

    def leave_step(self) -> None:
        """The update begins, or the step is given up: from here on a stop waits for the edge."""
        self.stop.close()
        self.in_step = False

    def wants_save(self, step: int, model: Any) -> bool:
        """True when a stop at this edge has something to save that is not saved yet, and may be.

        After a step that was left out the weights are those of the edge before: better than none.
        """
        if self.guard.verdict is not None or self.keeps_nothing or not 0 < step != self.saved_step:
            return False
        return self.guard.weights_are_finite(model, step)

    # --- the trainer's calls ---------------------------------------------------------------------

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.stop.defer()
        self.journal.step = state.global_step
        if self.new_learning_rate is not None:
            set_learning_rate(kwargs["optimizer"], kwargs["lr_scheduler"], self.new_learning_rate)
        self.journal.enter("training", total_steps=state.max_steps)
        args.eval_on_start = self.owes_evaluation
        self.rows.mark()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._meter is not None:
            self._meter.begin_step(self.journal.phase)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.leave_step()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        step = self.journal.step = state.global_step
        for request in self.requests.pending(STEP_REQUESTS):
            self._carry_out(request, step, kwargs["optimizer"], kwargs["lr_scheduler"])
        if self.guard.verdict is not None:
            self._stop_for(self.guard.verdict, step)
        if any_rank(args, bool(self.stop)):
            self.stop.request("another rank")
        assert self.plan is not None
        if self.stop:
            control.should_training_stop = True
        elif self.plan.evaluates_at(step):
            control.should_evaluate = True
        if self._is_to_be_saved(step):
            control.should_save = self._may_be_saved(step, kwargs["model"])
        if self.stop:  # perhaps only now, for the weights are no numbers
            control.should_training_stop, control.should_evaluate = True, False
            self.accept_stop(step)

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
        step, phase = state.global_step, self.journal.phase
        if "eval_loss" in logs or "probe_loss" in logs:
            row = self.rows.of_evaluation(step, phase, logs, self.probe_loss)
            if "eval_loss" in logs:
                self.last_eval = (step, float(logs["eval_loss"]))
        else:
            row = self.rows.of_step(step, phase, logs)
        self.journal.metrics(row)
        if self._meter is not None:
            self._meter.report(step)
        self.rows.mark()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.stop.check()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """A new best is saved at once where saves go by time, for hardly one of those falls on it."""
        if self.plan is None or self.plan.cadence is None or control.should_save or self.guard.in_a_row:
            return
        step, (measured_at, loss) = state.global_step, self.last_eval or (None, 0.0)
        if measured_at != step or not self.best_saves.is_worth(loss):
            return
        if self.wants_save(step, kwargs["model"]):
            self.best_saves.ask()
            control.should_save = True
            self.journal.say(f"saving step {step}: its eval loss of {loss:.4g} is the best so far")

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._saved_at = time.monotonic()
        self.rows.mark()

    def accept_stop(self, step: int) -> None:
        """Take the request of a stop that is carried out: nobody need ask again."""
        for request in self.requests.pending(("stop",)):
            self.stop.request(request.by)
            self._done(request, step)

    # --- saving ----------------------------------------------------------------------------------

    def _is_to_be_saved(self, step: int) -> bool:
        assert self.plan is not None
        if self.stop:
            return self.guard.verdict is None and step != self.saved_step
        if self.guard.in_a_row and step < self.plan.total_steps:
            return False  # whether the weights are sound shows in the next step
        return self._is_save_asked or self.plan.saves_at(step, time.monotonic() - self._saved_at)

    def _may_be_saved(self, step: int, model: Any) -> bool:
        """True when the weights are numbers; if not, the run may end here."""
        if not self.guard.weights_are_finite(model, step):
            if self.guard.verdict is not None:
                self._stop_for(self.guard.verdict, step)
            return False
        self._is_save_asked = False
        return True

    def _stop_for(self, verdict: str, step: int) -> None:
        """The guard ends the run: what it was asked by stands where a person's name would stand."""
        if not self.stop:
            self.stop.request(GUARD)
            self.journal.event(RequestEvent(time=time.time(), request="stop", step=step, by=GUARD))

    # --- requests --------------------------------------------------------------------------------

    def _carry_out(
        self,
        request: RequestRecord,
        step: int,
        optimizer: Any,
        scheduler: Any,
    ) -> None:
        match request.request:
            case "stop":
                self.stop.request(request.by)
            case "save":
                self._is_save_asked = True
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
        self.rows.mark()

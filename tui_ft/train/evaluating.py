"""Evaluation beside the training: it moves nothing of it, and a stop interrupts it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from trl import SFTTrainer

from tui_ft.train import failures
from tui_ft.train.journal import Journal
from tui_ft.train.random_state import RandomState
from tui_ft.train.stopping import EvaluationInterrupted

if TYPE_CHECKING:
    from datasets import Dataset

    from tui_ft.train.callback import RunCallback


class EvaluatingTrainer(SFTTrainer):
    """`SFTTrainer` that evaluates on the held-out rows and on a probe of other rows.

    `probe_dataset` is what `evaluation.probe` names: its loss is written beside the eval loss and never
    chooses a checkpoint.
    """

    follower: RunCallback
    journal: Journal
    probe_dataset: Dataset | None = None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate, unless a stop is asked for on the way: then save and stop without a number.

        The random numbers of the training stand afterwards where they stood before, so that a run that is
        stopped in an evaluation goes on as if it had never been evaluated.
        """
        follower, step = self.follower, self.state.global_step
        self.journal.enter("evaluating")
        self.keep_edge()
        before = RandomState.now()
        follower.is_evaluating = True
        try:
            with self._window():
                metrics = self._measured(*args, **kwargs)
        except EvaluationInterrupted:
            follower.is_evaluating = False
            self._metrics["eval"].clear()
            self.control.should_training_stop, self.control.should_evaluate = True, False
            self.control.should_save = follower.wants_save(step, self.model)
            follower.accept_stop(step)
            return {}
        finally:
            before.put_back()
        follower.is_evaluating = False
        self.journal.enter("training", total_steps=self.state.max_steps)
        return metrics

    def _window(self) -> AbstractContextManager[None]:
        """A stop interrupts an evaluation; of several ranks none may leave it alone."""
        if self.args.world_size > 1:
            return nullcontext()
        return self.follower.stop.opened(EvaluationInterrupted)

    def keep_edge(self) -> None:
        """The step before is over: whoever can go back to this moment remembers it."""

    def _measured(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate; out of memory, once more a row at a time, as it then stays for the rest of the run."""
        try:
            return self._measure(*args, **kwargs)
        except Exception as error:
            trouble = failures.out_of_memory(error, "evaluating", self.state.global_step)
            if trouble is None or self.args.per_device_eval_batch_size == 1:
                raise
            failures.let_go(error)
        self._metrics["eval"].clear()
        self.args.per_device_eval_batch_size = 1
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.journal.event(trouble.survived())
        return self._measure(*args, **kwargs)

    def _measure(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        self.follower.probe_loss = None
        if self.probe_dataset is not None:
            self.follower.probe_loss = self._measure_probe()
        is_baseline = self.state.global_step == 0
        if self.eval_dataset is None or is_baseline:
            self.log({"probe_loss": self.follower.probe_loss or 0.0})
            return {}
        return super().evaluate(*args, **kwargs)

    def _measure_probe(self) -> float:
        loader = self.get_eval_dataloader(self.probe_dataset)
        output = self.evaluation_loop(
            loader, description="Probe", prediction_loss_only=True, metric_key_prefix="probe"
        )
        self._metrics["eval"].clear()
        return float(output.metrics["probe_loss"])

"""A loss or a gradient that is no number: seen before it reaches the weights, and never saved."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tui_ft.health.finding import Evidence, Scalar
from tui_ft.health.thresholds import Thresholds
from tui_ft.runs.records import WarningEvent, finite_or_word
from tui_ft.spec.running import HealthSection
from tui_ft.train.agreement import any_rank
from tui_ft.train.journal import Journal

if TYPE_CHECKING:
    from tui_ft.train.edge import EdgeTrainer

CODE = "nonfinite"
GUARD = f"the guard: {CODE}"

IN_A_ROW = int(Thresholds().nonfinite_rows)
"""One such step is a warning, so many in a row stop the run (domain facts, T3)."""

SCALER_SKIPS = int(Thresholds().nonfinite_scaler_rows)
"""fp16 overflows in a row from which on they are no search of its scaler any more."""

ROWS_NAMED = 64
"""So many rows of a step are named; a step may hold thousands."""

RowsOf = Callable[[int, "list[int] | None"], list[Scalar]]
"""The rows of a step, or of some of its micro-batches, as people know them."""


class NonfiniteGuard:
    """Judges each step by its loss and gradient norm, before its update.

    `losses` are those of the step's micro-batches, so that the rows of the bad ones can be named.
    """

    def __init__(self, journal: Journal, health: HealthSection, precision: str) -> None:
        self._journal = journal
        self._is_silent = CODE in health.silence
        self._may_stop = CODE in health.stop_on if health.stop_on is not None else not self._is_silent
        self._precision = precision
        self._skips = 0
        self._last_loss: torch.Tensor | None = None
        self._last_good: int | None = None
        self.rows_of: RowsOf | None = None
        self.last_checkpoint: Callable[[int], int | None] = _no_checkpoint
        """The newest whole checkpoint up to a step."""
        self.losses: list[torch.Tensor] = []
        self.in_a_row = 0
        self.spoils_sum = False
        self.resumed_at: int | None = None
        self.verdict: str | None = None
        """Why the run has to stop; None while it may go on."""

    def refuses(self, trainer: EdgeTrainer, norm: Any) -> bool:
        """True when the step's update must be left out.

        One number is fetched from the device, and only if that is bad the others.
        """
        losses, self.losses = self.losses, []
        loss = torch.stack(losses).sum() if losses else torch.zeros(())
        norm = torch.as_tensor(norm, dtype=torch.float32, device=loss.device)
        if not any_rank(trainer.args, not math.isfinite((loss + norm).item())):
            self._last_loss, self._last_good = loss, trainer.state.global_step + 1
            self.in_a_row = self._skips = 0
            self.spoils_sum = False
            return False
        return self._judge(trainer, losses, norm.item())

    def _judge(self, trainer: EdgeTrainer, losses: list[torch.Tensor], norm: float) -> bool:
        values = torch.stack(losses).tolist() if losses else []
        loss = sum(values)
        if trainer.args.world_size == 1 and math.isfinite(loss) and math.isfinite(norm):
            return False  # the sum alone was too large for a float
        self.spoils_sum = not math.isfinite(loss)
        if getattr(trainer.accelerator, "scaler", None) is not None and math.isfinite(loss):
            self._skips += 1
            if self._skips < SCALER_SKIPS:
                return False  # the scaler leaves the update out itself
        self.in_a_row += 1
        bad = [index for index, value in enumerate(values) if not math.isfinite(value)]
        what = "loss" if bad else "grad_norm"
        self._tell(trainer, what, loss, norm, bad)
        return True

    def weights_are_finite(self, model: nn.Module, step: int) -> bool:
        """False when a trained weight is no number: such a state must not be saved. It ends the run."""
        weights = [weight.detach() for weight in model.parameters() if weight.requires_grad]
        if not weights:
            return True
        norms = [norm.float().to(weights[0].device) for norm in torch._foreach_norm(weights)]
        if math.isfinite(torch.stack(norms).sum().item()):
            return True
        if all(bool(torch.isfinite(weight).all()) for weight in weights):
            return True  # large, but numbers all the same
        self._event(step, self._poisoned(step), {"what": "weights", "update_skipped": False})
        return False

    # --- what is said ----------------------------------------------------------------------------

    def _tell(self, trainer: EdgeTrainer, what: str, loss: float, norm: float, bad: list[int]) -> None:
        step = trainer.state.global_step + 1
        rows = self._rows(step, bad)
        evidence: Evidence = {
            "what": what,
            "loss": finite_or_word(loss),
            "grad_norm": finite_or_word(norm),
            "rows": rows[:ROWS_NAMED],
            "rows_in_all": len(rows),
            "learning_rate": float(trainer._get_learning_rate()),
            "update_skipped": True,
        }
        name = "loss" if what == "loss" else "gradient norm"
        value = finite_or_word(loss if what == "loss" else norm)
        message = f"The {name} of step {step} is {value}: its update was left out. {_rows_line(rows)}"
        is_poisoned = not self.weights_are_finite(trainer.model, step)
        if not is_poisoned and self._may_stop and self.in_a_row >= IN_A_ROW:
            self.verdict = (
                f"the {name} was {value} in {self.in_a_row} steps in a row, the last one step {step}. "
                f"Nothing was saved of it; {self._good()}."
            )
            message += f" It is the {_nth(self.in_a_row)} in a row: the run stops; {self._good()}."
        self._event(step, message, evidence)

    def _rows(self, step: int, bad: list[int]) -> list[Scalar]:
        if self.rows_of is None:
            return []
        try:
            return self.rows_of(step, bad or None)
        except Exception as error:  # noqa: BLE001 - a run must not end because its rows cannot be named
            self._journal.say(
                f"the rows of step {step} cannot be worked out: {type(error).__name__}: {error}"
            )
            return []

    def _poisoned(self, step: int) -> str:
        line = f"weights are no numbers any more at step {step}. They were not saved; {self._good()}"
        self.verdict = f"{line}."  # whatever the spec says: no step can mend them
        return f"Trained {line}."

    def _good(self) -> str:
        if self._last_good is None and self.resumed_at is not None:
            here = f"checkpoint-{self.resumed_at}"
            return f"{here}, which it went on from, may be spoiled already: go back further"
        checkpoint = self.last_checkpoint(self._last_good or 0)
        if checkpoint is None:
            return "there is no checkpoint from before"
        return f"checkpoint-{checkpoint} is the last good one"

    def _event(self, step: int, message: str, evidence: Evidence) -> None:
        if self._is_silent or (self.verdict is None and self.in_a_row & (self.in_a_row - 1)):
            return  # a run that is to go on regardless says it at 1, 2, 4, 8 … in a row
        last = None if self._last_loss is None else float(self._last_loss)
        self._journal.event(
            WarningEvent(
                time=time.time(),
                code=CODE,
                message=message,
                step=step,
                evidence={
                    **evidence,
                    "in_a_row": self.in_a_row,
                    "last_finite_loss": last,
                    "last_good_step": self._last_good,
                    "last_good_checkpoint": self.last_checkpoint(self._last_good or 0),
                    "precision": self._precision,
                },
            )
        )
        self._journal.say(message)


def _no_checkpoint(step: int) -> int | None:
    return None


def _nth(count: int) -> str:
    return {2: "second", 3: "third"}.get(count, f"{count}th")


def _rows_line(rows: list[Scalar]) -> str:
    if not rows:
        return "Which rows it was made of is not known."
    shown = ", ".join(str(row) for row in rows[:8])
    return f"It was made of row{'s' if len(rows) > 1 else ''} {shown}{' …' if len(rows) > 8 else ''}."

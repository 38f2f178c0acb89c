"""A session of which only the memory counts: a few steps and an evaluation, on the heaviest batches."""

from __future__ import annotations

from typing import Any

import msgspec
import transformers

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import download
from tui_ft.train.dataset import prepare
from tui_ft.train.longest_rows import STEPS, Rows, longest_rows, made_up_rows
from tui_ft.train.model import load_tokenizer, model_source
from tui_ft.train.schedule import Plan
from tui_ft.train.session import Session

MOST_ACCUMULATED = 2
"""With two micro-batches the second one finds gradients in memory; a third would find the same."""


class NothingSaved(Plan):
    """A plan without checkpoints: a probe leaves nothing behind."""

    def saves_at(self, step: int, seconds_since_save: float) -> bool:
        return False


class ProbeSession(Session):
    """Goes through the phases of an attempt up to its second step, and measures them."""

    def __init__(self, *given: Any) -> None:
        run, attempt, spec, *others = given
        super().__init__(run, attempt, shortened(spec), *others)
        if self.meter is None:
            raise TuiFtError(
                "A probe needs a GPU, and torch sees none here.", "Without --probe the memory is estimated."
            )
        self.is_made_up = not self.spec.data.train

    def measure(self) -> None:
        """Load, make the steps, evaluate. Raises what goes wrong."""
        transformers.set_seed(self.spec.training.seed)
        self._require_weights()
        self.tokenizer = load_tokenizer(self.spec)
        self.journal.enter("preparing data")
        self.data: Any = self._rows()
        self.journal.enter("loading model")
        self.trainer = self._build_trainer()
        self.follower.keeps_nothing = True
        self.trainer.args.train_sampling_strategy = "sequential"
        self.plan = NothingSaved(
            total_steps=STEPS,
            steps_per_epoch=STEPS,
            evaluate_every=STEPS if self.data.eval is not None else None,
            save_every=None,
            save_every_s=None,
        )
        self.follower.begin(self.plan, 0, 0)
        self.trainer.train()

    def _require_weights(self) -> None:
        """A probe fetches nothing: tens of gigabytes are not left behind by a question."""
        source = model_source(self.spec)
        if download.is_hub_id(source) and not download.is_here(source, self.spec.model.revision):
            raise TuiFtError(
                f"The weights of {source} are not here yet, and a probe needs them.",
                f"Fetch them with `hf download {source}`, or ask without --probe.",
            )

    def _rows(self) -> Rows:
        batch = self.spec.training.batch_size
        length = self.spec.data.max_length
        if self.is_made_up:
            made_up = made_up_rows(len(self.tokenizer), length, batch)
            rows = Rows(train=made_up, eval=made_up)
        else:
            prepared = prepare(self.spec, self.tokenizer, self.journal)
            rows = Rows(train=prepared.train, eval=prepared.eval)
        return longest_rows(
            rows,
            batch_size=batch,
            accumulation=self.spec.training.gradient_accumulation,
            packed_length=length if self.spec.data.packing else None,
        )

    def _write_first_step(self, batches: list[dict[str, Any]]) -> None:
        """Nobody will read it."""


def shortened(spec: RunSpec) -> RunSpec:
    """The same run as far as memory goes, in a few steps of at most two micro-batches."""
    accumulated = min(spec.training.gradient_accumulation, MOST_ACCUMULATED)
    training = msgspec.structs.replace(
        spec.training, max_steps=STEPS, gradient_accumulation=accumulated, warmup=0, dataloader_workers=0
    )
    tracking = msgspec.structs.replace(spec.tracking, report_to=[])
    return msgspec.structs.replace(spec, training=training, tracking=tracking)

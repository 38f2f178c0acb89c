"""One attempt from spec to result: data, model, method, training, samples, result."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import torch
import transformers

from tui_ft.atomic import write_atomically
from tui_ft.runs.checkpoints import best, read_manifest, whole
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import EndEvent, encode_document
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import require_runnable
from tui_ft.train import download, environment, memory, quantized, result, same_data, samples
from tui_ft.train.assembly import assemble
from tui_ft.train.callback import RunCallback
from tui_ft.train.dataset import prepare
from tui_ft.train.first_step import described
from tui_ft.train.journal import Journal
from tui_ft.train.memory import MemoryMeter
from tui_ft.train.methods import count_parameters
from tui_ft.train.model import load_model, load_tokenizer, model_source
from tui_ft.train.nonfinite import GUARD, NonfiniteGuard
from tui_ft.train.precision import decide, training_device
from tui_ft.train.requests import Requests
from tui_ft.train.resume_point import launch_record
from tui_ft.train.row_ids import rows_of_step
from tui_ft.train.schedule import make_plan
from tui_ft.train.stopping import StopFlag
from tui_ft.train.trainer import RunTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Session:
    """Carries one attempt through its phases. Raises what goes wrong; `entry` writes it down."""

    def __init__(
        self,
        run: RunDirectory,
        attempt: int,
        spec: RunSpec,
        checkpoint: Path | None,
        journal: Journal,
        stop: StopFlag,
    ) -> None:
        require_runnable(spec)
        self.run_directory = run
        self.number = attempt
        self.attempt = run.attempt(attempt)
        self.spec = resolve(spec)
        self.checkpoint = checkpoint
        self.journal = journal
        self.stop = stop
        self.device = training_device()
        self.meter = self._meter()
        environment.require_compiler(self.device)
        self.precision = decide(self.spec, self.device)
        datasets.disable_progress_bars()
        transformers.utils.logging.disable_progress_bar()

    def run(self) -> EndEvent:
        """Do the work; return the last word of a run that finished or was stopped."""
        transformers.set_seed(self.spec.training.seed)
        self._describe_environment()
        self._download()
        self.tokenizer = load_tokenizer(self.spec)
        self.journal.enter("preparing data")
        self.data = prepare(self.spec, self.tokenizer, self.journal)
        self._write_data_report()
        self.journal.enter("loading model")
        self.trainer = self._build_trainer()
        self.trainer.probe_dataset = self.data.probe
        self._brief(self.follower.guard)
        if not samples.has_first(self.run_directory):
            self._sample("before")
        self._train()
        step, total = self.trainer.state.global_step, self.plan.total_steps
        if step < total or self.follower.guard.verdict is not None:
            return self._stopped(step, total)
        return self._finish(step)

    def close(self) -> None:
        """The attempt is over, however it ended: the last word on its memory."""
        if self.meter is None:
            return
        with contextlib.suppress(RuntimeError):  # a GPU that fell away must not hide why the run ended
            self.meter.book(self.journal.phase)
            self.meter.report(self.journal.step, is_last=True)

    # --- before training -------------------------------------------------------------------------

    def _meter(self) -> MemoryMeter | None:
        counters = memory.counters(self.device)
        if counters is None:
            return None
        meter = MemoryMeter(counters, self.journal.event)
        self.journal.on_leave = meter.leave
        return meter

    def _describe_environment(self, **more: Any) -> None:
        facts = environment.describe(self.device, self.precision, self.spec) | more
        write_atomically(self.attempt.environment, encode_document(facts))

    def _download(self) -> None:
        source = model_source(self.spec)
        if not download.is_hub_id(source):
            return
        self.journal.enter("downloading", detail=source)
        wanted = download.plan(source, self.spec.model.revision)
        if wanted is not None:
            download.check_room(wanted, self.spec, self.run_directory.path.parent)
            download.fetch(wanted, self.journal)

    def _write_data_report(self) -> None:
        same_data.require(self.run_directory, self.number, self.data.report)
        write_atomically(self.attempt.data, encode_document(self.data.report_document()))
        for message in self.data.report.warnings():
            self.journal.warn("data", message)
            self.journal.say(message)
        report = self.data.report
        self.journal.say(
            f"{report.train_rows} rows to train on, {report.eval_rows} held out; "
            f"all that were read have {report.tokens} tokens"
        )

    def _build_trainer(self) -> RunTrainer:
        spec = self.spec
        if self.device.type == "cuda" and spec.hardware.memory_fraction is not None:
            torch.cuda.set_per_process_memory_fraction(spec.hardware.memory_fraction)
        model: PreTrainedModel = load_model(spec, self.precision, self.device)
        precision = str(self.precision.compute).removeprefix("torch.")
        guard = NonfiniteGuard(self.journal, spec.health, precision)
        requests = Requests(self.run_directory)
        self.follower = RunCallback(self.journal, requests, self.stop, self.meter, guard)
        trainer = assemble(
            spec,
            model,
            self.precision,
            self.device,
            self.run_directory.path,
            run=self.run_directory,
            journal=self.journal,
            follower=self.follower,
            on_first_step=self._write_first_step,
            meter=self.meter,
            train_dataset=self.data.train,
            eval_dataset=self.data.eval,
            processing_class=self.tokenizer,
        )
        trained, whole = count_parameters(trainer.model)
        self._describe_environment(parameters=whole, trainable_parameters=trained)
        self.journal.say(
            f"{type(model).__name__} on {self.device}: {trained:,} of {whole:,} parameters are trained"
        )
        return trainer

    def _brief(self, guard: NonfiniteGuard) -> None:
        """Tell the guard what it says when it finds something: which rows, and what is left to go back to."""
        trainer, numbers = self.trainer, self.data.numbers
        guard.rows_of = lambda step, batches: rows_of_step(trainer, numbers, step, batches)
        guard.last_checkpoint = self._newest_checkpoint

    # --- training --------------------------------------------------------------------------------

    def _train(self) -> None:
        training = self.spec.training
        batches = math.ceil(len(self.trainer.train_dataset) / training.batch_size)
        steps_per_epoch = math.ceil(batches / training.gradient_accumulation)
        self.plan = make_plan(
            self.spec,
            total_steps=training.max_steps or math.ceil(training.epochs * steps_per_epoch),
            steps_per_epoch=steps_per_epoch,
            has_eval=self.data.eval is not None or self.data.probe is not None,
            launch=launch_record(self.run_directory, self.number),
        )
        tokens = 0
        # what is forgotten shows by the beginning
        self.follower.owes_evaluation = self.data.probe is not None
        if self.checkpoint is not None:
            manifest = read_manifest(self.checkpoint)
            tokens = manifest.tokens
            has_eval = self.data.eval is not None and manifest.eval_loss is not None
            self.follower.owes_evaluation = self.plan.evaluates_at(manifest.step) and not has_eval
            if manifest.learning_rate not in (None, training.learning_rate):
                self.follower.new_learning_rate = training.learning_rate
        self.trainer.restore_tokens(tokens)
        self.follower.begin(self.plan, self.journal.step, tokens)
        top = best(whole(self.run_directory))
        self.follower.best_saves.begin(top.eval_loss if top is not None else None)
        resume_from = str(self.checkpoint) if self.checkpoint is not None else None
        if resume_from is not None and self.journal.step >= self.plan.total_steps:
            # every step is made; only the end is missing, and `train` would compute one step more
            self.stop.defer()
            self.trainer._load_from_checkpoint(resume_from)
            self.trainer.state.global_step = self.journal.step
            return
        self.journal.say(f"training to step {self.plan.total_steps}")
        self.trainer.train(resume_from_checkpoint=resume_from)

    def _write_first_step(self, batches: list[dict[str, Any]]) -> None:
        """Add to `data.json` what the first step trains on: the tokens that the loss counts, decoded."""
        report = self.data.report_document() | {
            "first_step": {
                "step": self.journal.step + 1,
                "micro_batches": len(batches),
                "rows": described(batches, self.tokenizer),
            }
        }
        write_atomically(self.attempt.data, encode_document(report))

    # --- after training --------------------------------------------------------------------------

    def _sample(self, when: Any) -> None:
        self.journal.enter("sampling")
        samples.sample_all(
            self.trainer.model,
            self.tokenizer,
            self.data.prompts,
            when=when,
            step=self.trainer.state.global_step,
            journal=self.journal,
            stop=self.stop,
            autocast=self.precision.autocast(self.device) if when == "before" else None,
        )

    def _newest_checkpoint(self, step: int) -> int | None:
        """The newest checkpoint of `step` or before; those in the making are waited for.

        The guard asks in the middle of a step: one that could not be proved is not tried again from there.
        """
        self.trainer.join_saves()
        return next((found for found, _ in self.run_directory.list_checkpoints() if found <= step), None)

    def _stopped(self, step: int, total: int) -> EndEvent:
        verdict = self.follower.guard.verdict
        if verdict is not None:
            message = f"Stopped by {GUARD}: {verdict}"
        else:
            message = f"Stopped at step {step} of {total}; {self._kept(step)}"
        return EndEvent(time=time.time(), cause="stopped", message=message, step=step)

    def _kept(self, step: int) -> str:
        """What a stop left to resume from."""
        newest = self._newest_checkpoint(step)
        if newest is None:
            return "there was nothing to save."
        if newest < step:
            return f"it could not be saved. The newest checkpoint is that of step {newest}."
        took_s = self.follower.saved_in_s
        took = f", saved in {took_s:.1f} s," if took_s is not None else ""
        return f"its checkpoint{took} is whole and can be resumed."

    def _finish(self, step: int) -> EndEvent:
        self.stop.disregard()
        # the library's wrapper computes under autocast, which nobody has who loads the result
        model = self.trainer.accelerator.unwrap_model(self.trainer.model, keep_fp32_wrapper=False)
        quantized.allow_packing(model)
        result.lower_precision(model, self.spec, self.precision)
        self._sample("after")
        self.journal.enter("saving", detail="result")
        saved = result.save(self.run_directory, self.spec, model, self.tokenizer, self.precision)
        return EndEvent(
            time=time.time(),
            cause="finished",
            message=f"Finished {step} steps.",
            step=step,
            result=saved.path,
            result_bytes=saved.bytes,
            usage=saved.usage,
        )

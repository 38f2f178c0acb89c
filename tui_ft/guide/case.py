"""A question with its plans: each method's spec and estimate, made when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tui_ft.errors import TuiFtError
from tui_ft.guide.question import Plan, Question
from tui_ft.guide.switching import kind_of, method_of, smaller_batches, switch
from tui_ft.spec import overrides
from tui_ft.spec.resolve import METHOD_KEYS, resolve
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.bounds import check_bounds
from tui_ft.vram.calibration import correct
from tui_ft.vram.estimate import estimate as closed_form
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.situation import Pricing
from tui_ft.vram.targets import adapted
from tui_ft.vram.verdict import judge
from tui_ft.vram.workload import Workload, from_spec

CHECKPOINTING = "training.gradient_checkpointing=true"

FURTHER_GPU_SHARE = 0.85
"""Of the memory of each further GPU this much counts: shards are uneven and buffers are kept twice
(unsloth, vram_estimation.py)."""


def pricing(question: Question) -> Pricing:
    """The closed form, corrected by what was measured on the question's GPU."""
    known = question.calibration
    if known is None:
        return closed_form

    def price(shape: ModelShape, workload: Workload) -> Estimate:
        return correct(closed_form(shape, workload), known, workload.label)

    return price


class Case:
    """The question, what the rules have set so far, and every plan that has been asked for."""

    def __init__(self, question: Question, settings: Iterable[str], price: Pricing) -> None:
        self.question = question
        self.plans: dict[str, Plan] = {}
        self._settings = tuple(settings)
        self._price = price
        self._refused: set[str] = set()
        self.problem: TuiFtError | None = None

    def base_spec(self) -> RunSpec:
        """The question's spec with what the rules set, its method left as it is."""
        method = method_of(self.question.spec)
        used = [change for change in self._settings if _is_used(change, method)]
        return overrides.apply(self.question.spec, used)

    def plan(self, method: str, name: str = "", extra: tuple[str, ...] = ()) -> Plan | None:
        """The plan for `method` with its own start values, kept under `name`; None where it cannot be."""
        name = name or method
        if name not in self.plans and name not in self._refused:
            made = self.make(method, extra)
            if made is None:
                self._refused.add(name)
            else:
                self.plans[name] = made
        return self.plans.get(name)

    def make(self, method: str, extra: tuple[str, ...] = (), gpus: int = 1) -> Plan | None:
        """Make a plan without keeping it."""
        question = self.question
        changes = switch(question.spec, question.shape, method)
        changes += tuple(change for change in self._settings if _is_used(change, method))
        changes += extra
        try:
            spec = overrides.apply(question.spec, changes)
            workload = from_spec(spec, capability=question.capability, longest_row=question.longest_row)
            check_bounds(question.shape, workload)
            made = self._price(question.shape, workload)
        except TuiFtError as error:
            self.problem = error
            return None
        judged = judge(made, question.free_bytes if gpus == 1 else self._pooled(gpus))
        return Plan(method=method, spec=spec, overrides=changes, estimate=made, verdict=judged, gpus=gpus)

    def reduced(self, method: str) -> Plan | None:
        """The first that fits of: fewer rows at a time, those with gradient checkpointing where it is off,
        8-bit optimizer, where it is tight half the length.

        The effective batch stays. None where nothing fits, or where it fits without.
        """
        name = f"{method}, reduced"
        if name not in self.plans and name not in self._refused:
            found = next((plan for plan in self._reductions(method) if plan.verdict == "fits"), None)
            if found is None or self.fits(method):
                self._refused.add(name)
            else:
                self.plans[name] = found
        return self.plans.get(name)

    def best(self, method: str) -> Plan | None:
        """The method as set if it fits or nothing is known, else reduced so that it fits, else None."""
        as_set = self.plan(method)
        if as_set is None or as_set.verdict in ("fits", "unknown"):
            return as_set
        return self.reduced(method)

    def least(self, method: str) -> Plan | None:
        """The method with one row at a time and checkpoints: the least that it needs without cutting rows."""
        batches = smaller_batches(self.question.spec)
        changes = (*(batches[-1] if batches else ()), *self._checkpoints(method))
        return self.plan(method, f"{method}, one row", changes) if changes else self.plan(method)

    def fits(self, method: str) -> bool:
        """True when `method` as set surely fits; None known is False."""
        plan = self.plan(method)
        return plan is not None and plan.verdict == "fits"

    def adapts_experts(self) -> bool:
        """True where LoRA adapts fused experts of a mixture, too."""
        try:
            targets = resolve(self.question.spec).method.targets or "all-linear"
            return any(found.experts > 1 for found in adapted(self.question.shape, targets))
        except TuiFtError:
            return False

    def is_unknown(self) -> bool:
        return self.question.free_bytes is None

    def frugal(self) -> str:
        """What needs least, one row at a time: QLoRA, or LoRA (for a trial prompt tuning) if that is less."""
        other = "prompt" if self.question.is_trial else "lora"
        quantised, plain = self.least("qlora"), self.least(other)
        if quantised is None or (plain is not None and plain.needed_bytes < quantised.needed_bytes):
            return other
        return "qlora"

    def sharded(self) -> Plan | None:
        """The frugal method on the fewest GPUs that hold it together; None where they do not."""
        if "sharded" not in self.plans:
            shared = (self.shared(gpus) for gpus in range(2, self.question.gpus + 1))
            found = next((plan for plan in shared if plan is not None and plan.verdict == "fits"), None)
            if found is not None:
                self.plans["sharded"] = found
        return self.plans.get("sharded")

    def shared(self, gpus: int) -> Plan | None:
        """The frugal method on so many GPUs; None where the effective batch cannot be split among them."""
        training = self.question.spec.training
        each, rest = divmod(training.batch_size * training.gradient_accumulation, gpus)
        if rest:
            return None
        sizes = [size for size in range(min(training.batch_size, each), 0, -1) if each % size == 0]
        plan = None
        for size in (sizes[0], sizes[-1]):
            extra = (
                f"hardware.gpus={gpus}",
                "hardware.strategy=fsdp",
                f"training.batch_size={size}",
                f"training.gradient_accumulation={each // size}",
            )
            plan = self.make(self.frugal(), extra, gpus)
            if plan is not None and plan.verdict == "fits":
                break
        return plan

    def for_model(self, shape: ModelShape, hub_id: str) -> Plan | None:
        """The plan that surely fits for another model: LoRA if it can be, else the frugal method."""
        question = self.question
        spec = overrides.apply(question.spec, (f"model.id={hub_id}", "model.revision="))
        other = Case(replace(question, shape=shape, spec=spec), self._settings, self._price)
        plans = (other.best("lora"), other.best(other.frugal()))
        return next((plan for plan in plans if plan is not None and plan.verdict == "fits"), None)

    def _reductions(self, method: str) -> Iterator[Plan]:
        smaller = smaller_batches(self.question.spec)
        checkpoints = self._checkpoints(method)
        changes = list(smaller)
        if checkpoints:
            changes += [(*change, *checkpoints) for change in ((), *smaller)]
        as_set = self.plan(method)
        if method == "lora":
            least = (*(smaller[-1] if smaller else ()), *checkpoints)
            small = (*least, "training.optimizer=adamw_bnb_8bit")
            changes.append(small)
            if as_set is not None and as_set.verdict == "tight":
                half = max(self.question.spec.data.max_length // 2, 8)
                changes.append((*small, f"data.max_length={half}"))
        for change in changes:
            plan = self.make(method, change)
            if plan is not None:
                yield plan

    def _checkpoints(self, method: str) -> tuple[str, ...]:
        """The override for gradient checkpointing where it is off; prefix tuning cannot have it."""
        if self.question.spec.training.gradient_checkpointing or method == "prefix":
            return ()
        return (CHECKPOINTING,)

    def _pooled(self, gpus: int) -> int | None:
        """Free memory that counts on each of `gpus` GPUs that share a run, in bytes."""
        first, further = self.question.free_bytes, self.question.further_free_bytes[: gpus - 1]
        if first is None:
            return None
        pooled = (first + FURTHER_GPU_SHARE * sum(further)) / gpus
        return int(min(pooled, *further))


def _is_used(change: str, method: str) -> bool:
    """False for a key of [method] that `method` does not have."""
    section, _, rest = change.partition(".")
    return section != "method" or rest.partition("=")[0] in METHOD_KEYS[kind_of(method)]

"""What the guide is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tui_ft.spec.learning import ObjectiveKind
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.calibration import Calibration
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.verdict import Verdict

Link = Literal["nvlink", "pcie"]

LEAST_ROWS = 100
FEW_ROWS = 1000
"""Below the first fine-tuning teaches little that a prompt with examples would not; below the second it
overfits easily (student notes)."""

TRIAL_ROWS = 500
"""Above, a quick trial is better made with LoRA (our own number)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A model, a wish, some data and a GPU. None is "not known".

    `spec` holds the settings that are already chosen (length, batch, …); a method that is not its own
    takes that method's defaults. `goals` are words of `tui_ft.guide.goals`. `free_bytes` is the free
    memory of the emptiest GPU, `further_free_bytes` that of the others, emptiest first; `link` is how
    they are joined. `longest_row` is in tokens. `calibration` is what was measured on such a GPU before.
    `notes` are sentences about the GPU and the model: who holds memory, what is not known.
    """

    shape: ModelShape
    spec: RunSpec
    goals: frozenset[str] = frozenset({"sft"})
    rows: int | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None
    further_free_bytes: tuple[int, ...] = ()
    link: Link | None = None
    capability: tuple[int, int] | None = None
    longest_row: int | None = None
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()

    @property
    def gpus(self) -> int:
        return 1 + len(self.further_free_bytes)

    @property
    def is_trial(self) -> bool:
        """Only a first look is asked for, or the rows are good for no more than that."""
        rows = self.rows
        if self.wants("rl"):  # generation cannot carry a soft prompt
            return False
        if rows is not None and rows < LEAST_ROWS:
            return True
        return self.wants("quick-trial") and (rows is None or rows < TRIAL_ROWS)

    def wants(self, *goals: str) -> bool:
        return not self.goals.isdisjoint(goals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: the rule's id and a sentence, and what more is to be said about it.

    `numbers` are the bytes that stand in `text`, by the name of the plan whose estimate they are
    (`Recommendation.plans`); `free` is the free memory of the question.
    """

    rule: str
    text: str
    more: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to do it: the method, the spec that it makes, and what that needs of the GPU.

    `method` is a kind of method, "qlora", or "qat", which no spec can say yet (its spec is that of full
    fine-tuning, the least it would need). `overrides` make `spec` of the question's spec.
    """

    method: str
    spec: RunSpec
    overrides: tuple[str, ...]
    estimate: Estimate
    verdict: Verdict
    gpus: int = 1

    @property
    def objective(self) -> ObjectiveKind:
        return self.spec.objective.kind

    @property
    def needed_bytes(self) -> int:
        return self.estimate.needed_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another way, or None of a plan where it is another machine; `text` says when it is the better one."""

    title: str
    text: str
    needed_bytes: int
    verdict: Verdict
    plan: Plan | None = None
    is_runnable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether to fine-tune at all: `stop` names what to do instead. Warnings let one pass."""

    verdict: Literal["go", "stop"]
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The answer. The first reason is the one that decided the method.

    `is_runnable` is False where this version cannot start it, for the reason `why_not`; then `next_best`
    is what it can start. `plans` are all that were weighed, by name ("lora", "lora, reduced", …).
    `base_spec` are the question's settings with the objective and what the rules set, before a method was
    chosen: to compare all methods by.
    """

    plan: Plan
    base_spec: RunSpec
    gate: Gate
    reasons: tuple[Reason, ...]
    alternatives: tuple[Alternative, ...]
    plans: Mapping[str, Plan]
    is_runnable: bool
    why_not: str = ""
    next_best: Alternative | None = None

    @property
    def method(self) -> str:
        return self.plan.method

    @property
    def objective(self) -> ObjectiveKind:
        return self.plan.objective

    @property
    def verdict(self) -> Verdict:
        return self.plan.verdict

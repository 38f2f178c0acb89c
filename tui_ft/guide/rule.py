"""What a rule is, and how its sentence gets its numbers from the estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tui_ft.guide.case import CHECKPOINTING, Case
from tui_ft.guide.question import Plan, Reason
from tui_ft.spec.learning import ObjectiveKind
from tui_ft.spec.resolve import resolve
from tui_ft.vram.holders import gib_text

Decides = Literal["stop", "warning", "objective", "settings", "method"]


def always(_: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table of rules.

    Of the rules that decide the same thing (the objective; the method) the first that `holds` does;
    of those that set something, warn or stop, all that hold. `condition` and `outcome` say it in words.
    `start` are overrides, which go into the specs that are estimated. `plan` is the way to go of a rule
    that decides the method. `reason` is short enough for a line; `more` says the rest. `instead` tells
    what this version can do where it cannot do this.
    """

    id: str
    decides: Decides
    condition: str
    outcome: str
    holds: Callable[[Case], bool]
    reason: str
    source: str
    more: str = ""
    objective: ObjectiveKind | None = None
    plan: Callable[[Case], Plan | None] | None = None
    start: tuple[str, ...] = ()
    learning_rate_factor: float = 1.0
    instead: str = ""

    def because(self, case: Case, plan: Plan | None = None) -> Reason:
        """The reason in this case, its numbers filled in."""
        numbers = _Numbers(case, plan)
        text = self.reason.format_map(numbers)
        return Reason(
            rule=self.id,
            text=text,
            more=self.more.format_map(numbers),
            numbers=dict(numbers.used),
            source=self.source,
        )


METHOD_NAMES: Mapping[str, str] = {
    "full": "Full fine-tuning", "last_layers": "Training the last layers", "lora": "LoRA", "qlora": "QLoRA",
    "adalora": "AdaLoRA", "adapter": "Bottleneck adapters", "prefix": "Prefix tuning",
    "prompt": "Prompt tuning", "p_tuning": "P-tuning", "ia3": "IA3", "qat": "Quantisation-aware training",
}  # fmt: skip

OBJECTIVE_NAMES: Mapping[ObjectiveKind, str] = {
    "sft": "SFT", "dpo": "DPO", "kto": "KTO", "orpo": "ORPO", "reward": "a reward model", "rloo": "RLOO",
    "grpo": "GRPO", "distill": "distillation",
}  # fmt: skip


class _Numbers(Mapping[str, str]):
    """The values of a template, looked up when it asks; `used` are the bytes that were asked for."""

    def __init__(self, case: Case, plan: Plan | None) -> None:
        self._case = case
        self._plan = plan
        self.used: dict[str, int] = {}

    def __getitem__(self, key: str) -> str:
        if key in _WORDS:
            return _WORDS[key](self._case, self._plan)
        name, size = self._bytes(key)
        if size is None:
            return "–"
        self.used[name] = size
        return gib_text(size)

    def __iter__(self) -> Iterator[str]:
        return iter(_WORDS)

    def __len__(self) -> int:
        return len(_WORDS)

    def _bytes(self, key: str) -> tuple[str, int | None]:
        """The name of a plan and what it needs; `free` is what the GPU has."""
        case = self._case
        if key == "free":
            return key, case.question.free_bytes
        if key == "needed":
            plan = self._plan
        elif key == "least":
            plan = case.least(case.frugal())
        else:
            plan = case.plan(key)
        names = [name for name, known in case.plans.items() if known is plan]
        return (names[0] if names else key), plan.needed_bytes if plan else None


def _rows(case: Case, _: Plan | None) -> str:
    rows = case.question.rows
    return "an unknown number of" if rows is None else f"{rows:,}"


def _batch(_: Case, plan: Plan | None) -> str:
    if plan is None:
        return "a smaller batch"
    training = plan.spec.training
    words = f"batch {training.batch_size} × {training.gradient_accumulation}"
    if CHECKPOINTING in plan.overrides:
        words += ", gradient checkpointing"
    if training.optimizer == "adamw_bnb_8bit":
        words += ", 8-bit optimizer"
    if any(change.startswith("data.max_length") for change in plan.overrides):
        words += f", {plan.spec.data.max_length} tokens"
    return words


def _capability(case: Case, _: Plan | None) -> str:
    found = case.question.capability
    return "unknown" if found is None else f"{found[0]}.{found[1]}"


def _link(case: Case, _: Plan | None) -> str:
    if case.question.link == "nvlink":
        return "They are joined by NVLink, so LoRA in 16 bit over more of them is the alternative if it fits."
    return "Without NVLink every step waits for the bus, so as few of them as hold it take part."


_WORDS: Mapping[str, Callable[[Case, Plan | None], str]] = {
    "rows": _rows,
    "batch": _batch,
    "capability": _capability,
    "link": _link,
    "model": lambda case, _: case.question.shape.name,
    "parameters": lambda case, _: f"{case.question.shape.parameters / 1e9:.2f} billion",
    "tokens": lambda _, plan: str(resolve(plan.spec).method.virtual_tokens) if plan else "20",
    "gpus": lambda _, plan: str(plan.gpus if plan else 1),
    "least_method": lambda case, _: METHOD_NAMES[case.frugal()],
}
"""What a template may name besides bytes."""

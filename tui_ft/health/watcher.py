"""All detectors on one run: rows and events go in, what is found and what is over comes out."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.health.clock import ClockJump
from tui_ft.health.detector import Cleared, Detector, Said
from tui_ft.health.divergence import Divergence
from tui_ft.health.endings import CudaOom, EvaluationOom, HostOom
from tui_ft.health.evaluations import Forgetting, Overfitting
from tui_ft.health.facts import RunFacts, warmup_steps
from tui_ft.health.finding import Code, Evidence, Finding, Level
from tui_ft.health.hang import Hang
from tui_ft.health.learning import NotLearning, Plateau
from tui_ft.health.memory import HostMemory, LeakedGpuMemory
from tui_ft.health.nonfinite import Nonfinite
from tui_ft.health.pace import DataStarvation, SlowSaves
from tui_ft.health.resumption import BadResume
from tui_ft.health.room import Disk, Inodes
from tui_ft.health.rows import Evaluation, Machine, Step, read_row
from tui_ft.health.spikes import GradientSpikes
from tui_ft.health.thresholds import Thresholds
from tui_ft.health.throttling import Throttling

DETECTORS: tuple[type[Detector], ...] = (
    Nonfinite, Divergence, GradientSpikes, NotLearning, Plateau, Overfitting, Forgetting, CudaOom,
    EvaluationOom, HostOom, HostMemory, DataStarvation, Throttling, Hang, LeakedGpuMemory, Disk, Inodes,
    ClockJump, BadResume, SlowSaves,
)  # fmt: skip
"""Every detector; a new one is a line here."""

OUR_CODES: frozenset[Code] = frozenset(kind.code for kind in DETECTORS)
"""The codes that detectors say; the others are found by whoever counts money or waits for the end."""

OF_SERIES: tuple[type[Detector], ...] = (
    Nonfinite, Divergence, GradientSpikes, NotLearning, Plateau, Overfitting, Forgetting,
)  # fmt: skip
"""Those that need nothing but rows: they judge runs of others, too."""

STOPS_AT: Mapping[Code, Level] = {
    "nonfinite": "error",
    "divergence": "error",
    "hang": "error",
    "disk": "error",
}
"""From which level on a code in `[health] stop_on` stops the run; all others from the first word on."""


class Watcher:
    """Feeds every detector; each method returns what is new. At a constant cost a row."""

    def __init__(
        self, facts: RunFacts, limits: Thresholds | None = None, kinds: tuple[type[Detector], ...] = DETECTORS
    ) -> None:
        self.facts = facts
        self.limits = limits or Thresholds()
        self._all = [kind(facts, self.limits) for kind in kinds]
        self._of = {
            hook: [one for one in self._all if getattr(type(one), hook) is not getattr(Detector, hook)]
            for hook in (
                "step", "evaluation", "machine", "phase", "checkpoint", "warning", "resumed", "tick", "ended",
            )
        }  # fmt: skip
        self._hang = next((one for one in self._all if isinstance(one, Hang)), None)

    @property
    def open(self) -> dict[Code, Finding]:
        """What is not well now, by code."""
        return {one.code: one.open for one in self._all if one.open is not None}

    def close_all(self) -> None:
        """Forget what is open without a word: it was another attempt's."""
        for one in self._all:
            one.open = None

    def restore(self, finding: Finding) -> None:
        """Take as open what another watcher found: its detector says when it is over."""
        for one in self._all:
            if one.code == finding.code and one.open is None:
                one.open = finding

    def learn(self, facts: RunFacts) -> None:
        """Take what became known later: the number of steps, the dtype of the arithmetic."""
        self.facts = facts
        for one in self._all:
            one.facts = facts

    def learn_total(self, total_steps: int | None) -> None:
        """Take the number of steps."""
        if total_steps is None or total_steps == self.facts.total_steps:
            return
        import msgspec

        warmup = self.facts.warmup_steps
        if self.facts.spec is not None:
            warmup = warmup_steps(self.facts.spec.training.warmup, total_steps)
        self.learn(msgspec.structs.replace(self.facts, total_steps=total_steps, warmup_steps=warmup))

    def row(self, row: Mapping[str, object], now: float) -> list[Finding | Cleared]:
        """A row of metrics.jsonl."""
        read = read_row(row)
        if isinstance(read, Step):
            return self.step(read, now)
        return self.evaluation(read, now) if read is not None else []

    def step(self, row: Step, now: float) -> list[Finding | Cleared]:
        return _said([one.step(row, now) for one in self._of["step"]])

    def evaluation(self, row: Evaluation, now: float) -> list[Finding | Cleared]:
        return _said([one.evaluation(row, now) for one in self._of["evaluation"]])

    def machine(self, seen: Machine) -> list[Finding | Cleared]:
        return _said([one.machine(seen) for one in self._of["machine"]])

    def phase(self, name: str, now: float, detail: str = "") -> list[Finding | Cleared]:
        return _said([one.phase(name, now, detail) for one in self._of["phase"]])

    def progress(self, now: float) -> list[Finding | Cleared]:
        return _said([self._hang.progress(now)]) if self._hang is not None else []

    def checkpoint(
        self, step: int, gib: float, blocked_s: float | None, now: float
    ) -> list[Finding | Cleared]:
        return _said([one.checkpoint(step, gib, blocked_s, now) for one in self._of["checkpoint"]])

    def warning(
        self, code: str, message: str, step: int | None, evidence: Evidence, now: float
    ) -> list[Finding | Cleared]:
        return _said([one.warning(code, message, step, evidence, now) for one in self._of["warning"]])

    def resumed(self, step: int, now: float) -> list[Finding | Cleared]:
        return _said([one.resumed(step, now) for one in self._of["resumed"]])

    def tick(self, now: float, monotonic: float) -> list[Finding | Cleared]:
        return _said([one.tick(now, monotonic) for one in self._of["tick"]])

    def ended(self, cause: str, message: str, tail: str, now: float) -> list[Finding | Cleared]:
        return _said([one.ended(cause, message, tail, now) for one in self._of["ended"]])

    def watch_process(self, pid: int | None) -> None:
        """Name the trainer in what is said of it."""
        if self._hang is not None:
            self._hang.pid = pid


def _said(said: list[Said]) -> list[Finding | Cleared]:
    return [one for one in said if one is not None]

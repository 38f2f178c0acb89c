"""Ends for want of memory: the GPU's in training (T6, T7), in an evaluation (T8), the machine's (T10)."""

from __future__ import annotations

from tui_ft.health.detector import Detector, Said
from tui_ft.health.finding import Evidence
from tui_ft.health.fixes import fitting, lighter_evaluations, no_workers, smaller_steps
from tui_ft.health.oom import parse_cuda_oom, parse_host_oom
from tui_ft.health.rows import Evaluation, Machine, Step

_WHERE = {
    "evaluating": "in an evaluation",
    "loading model": "while the model was loaded",
    "sampling": "while it answered the sample prompts",
    "saving": "while it saved",
}


class _GpuMemory(Detector):
    """Both kinds of a GPU that is too small follow the phase; one of them speaks at the end."""

    _phase = ""
    _step: int | None = None
    _said: Evidence | None = None

    def step(self, row: Step, now: float) -> Said:
        self._step = row.step
        return None

    def phase(self, name: str, now: float, detail: str = "") -> Said:
        self._phase, self._said = name, None  # what went on after it was survived, and is no word on the end
        return None

    def resumed(self, step: int, now: float) -> Said:
        self._said, self._step, self._phase = None, None, ""
        return self.clear("A new attempt began.", now)

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        if code in ("cuda_oom", "eval_oom"):
            self._said = evidence
            phase = evidence.get("phase")
            self._phase = "evaluating" if code == "eval_oom" else str(phase or self._phase)
        return None

    def _known(self, message: str, tail: str) -> Evidence:
        spoken = parse_cuda_oom(tail) or parse_cuda_oom(message) or {}
        known: Evidence = {"phase": self._phase or None, "step": self._step} | spoken | (self._said or {})
        if self.facts.spec is not None:
            known["batch_size"] = self.facts.spec.training.batch_size
            known["max_length"] = self.facts.spec.data.max_length
        return known


class CudaOom(_GpuMemory):
    """The GPU's memory did not suffice: at once, or after good steps, when a longer row came."""

    code = "cuda_oom"

    def ended(self, cause: str, message: str, tail: str, now: float) -> Said:
        if cause != "cuda_oom" or self._phase == "evaluating":
            return None
        known = self._known(message, tail)
        late = self._step is not None
        where = _WHERE.get(
            self._phase, f"after step {self._step}" if late else "before the first step was made"
        )
        why = (
            " Until then it had sufficed: a longer row came, or what was free lay in pieces."
            if late and self._phase == "training"
            else ""
        )
        if known.get("is_fragmented") is True:
            why = " There was room, but in pieces."
        text = f"The GPU ran out of memory {where}{_asked(known)}.{why}"
        fixes = smaller_steps(self.facts)
        return self.find("error", text, now, step=self._step, evidence=known, fixes=fixes)


class EvaluationOom(_GpuMemory):
    """The GPU's memory did not suffice for an evaluation, though the training had room.

    The trainer then evaluates a row at a time: a warning, until that has worked. Only when that ran out, too,
    the run ends, and a smaller batch would change nothing.
    """

    code = "eval_oom"

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        super().warning(code, message, step, evidence, now)
        if code != self.code:
            return None
        return self.find("warning", message, now, step=step, evidence=evidence)

    def evaluation(self, row: Evaluation, now: float) -> Said:
        return self.clear("The evaluation had room, a row at a time.", now)

    def ended(self, cause: str, message: str, tail: str, now: float) -> Said:
        if cause != "cuda_oom" or self._phase != "evaluating":
            return None
        known = self._known(message, tail)
        known.pop("batch_size", None)
        text = (
            f"The GPU ran out of memory in an evaluation, a row at a time{_asked(known)}; "
            "the training itself had room."
        )
        fixes = lighter_evaluations(self.facts)
        return self.find("error", text, now, step=self._step, evidence=known, fixes=fixes)


class HostOom(Detector):
    """The machine's memory did not suffice: the kernel killed the trainer, or an allocator was refused."""

    code = "host_oom"
    _seen: Machine | None = None
    _step: int | None = None

    def step(self, row: Step, now: float) -> Said:
        self._step = row.step
        return None

    def machine(self, seen: Machine) -> Said:
        self._seen = seen
        return None

    def resumed(self, step: int, now: float) -> Said:
        self._step = None
        return self.clear("A new attempt began.", now)

    def ended(self, cause: str, message: str, tail: str, now: float) -> Said:
        if cause != "host_oom":
            return None
        spoken = parse_host_oom(tail) or parse_host_oom(message) or {}
        known: Evidence = {"step": self._step, "said": message[:300]} | spoken
        if self._seen is not None:
            seen = self._seen
            for name, value in (
                ("used_gib", seen.memory_used_gib), ("limit_gib", seen.memory_limit_gib),
                ("trainer_gib", seen.trainer_gib),
            ):  # fmt: skip
                known[name] = round(value, 2) if value is not None else None
        text = "The machine's own memory did not suffice; this was not the GPU's."
        return self.find(
            "error", text, now, step=self._step, evidence=known, fixes=fitting(no_workers(self.facts))
        )


def _asked(known: Evidence) -> str:
    asked, free = known.get("asked_gib"), known.get("free_gib")
    if not isinstance(asked, float):
        return ""
    there = f", {free:.2f} were free" if isinstance(free, float) else ""
    return f": {asked:.2f} GiB were asked for{there}"

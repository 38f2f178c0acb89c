"""The GPU memory that a run was predicted to take beside what it really took: as JSON, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui_ft.runs.records import MemoryEvent, MemoryPeak, PredictionRecord

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class MemoryReport:
    """Predicted and measured memory of one attempt on a GPU; either may be missing.

    `for_rows` is the prediction made again for the longest row really trained on, where that is shorter
    than what launch had to take for granted: what is measured is compared with that.
    """

    predicted: PredictionRecord | None = None
    measured: MemoryEvent | None = None
    for_rows: PredictionRecord | None = None

    @property
    def error(self) -> float | None:
        """What was predicted more than measured (below zero: less), as a share of what was measured."""
        made = self.for_rows or self.predicted
        if made is None or made.allocated_bytes is None or self.measured is None:
            return None
        return made.allocated_bytes / self.measured.allocated_bytes - 1


def report_of(
    predicted: PredictionRecord | None, measured: MemoryEvent | None, for_rows: PredictionRecord | None
) -> MemoryReport | None:
    """Put together what is known; None for a run of which nothing was predicted or measured on a GPU."""
    if measured is None and (predicted is None or predicted.gpu is None):
        return None
    return MemoryReport(predicted=predicted, measured=measured, for_rows=for_rows)


# --- for scripts -------------------------------------------------------------------------------------

_PREDICTED = (
    "allocated_bytes", "needed_bytes", "nvidia_smi_bytes", "low_bytes", "high_bytes", "context_bytes",
    "basis", "validated", "seq_length", "verdict", "free_bytes",
)  # fmt: skip


def as_json(report: MemoryReport | None) -> dict[str, Any] | None:
    """The object `gpu_memory` of a reading: bytes, and null for what is not known."""
    if report is None:
        return None
    predicted, measured = report.predicted, report.measured
    error = report.error
    return {
        "predicted": _predicted(predicted),
        "problem": predicted.problem if predicted is not None else None,
        "predicted_for_longest_row": _predicted(report.for_rows),
        "measured": _measured(measured) if measured is not None else None,
        "error": round(error, 6) if error is not None else None,
    }


def _predicted(made: PredictionRecord | None) -> dict[str, Any] | None:
    if made is None or made.allocated_bytes is None:
        return None
    return {name: getattr(made, name) for name in _PREDICTED}


def _measured(event: MemoryEvent) -> dict[str, Any]:
    return {
        "allocated_bytes": event.allocated_bytes,
        "reserved_bytes": event.reserved_bytes,
        "context_bytes": event.context_bytes,
        "nvidia_smi_bytes": nvidia_smi_bytes(event),
        "phase": event.phase,
        "phases": {name: _peak(peak) for name, peak in event.phases.items()},
        "longest_row": event.longest_row,
        "gpu": event.gpu,
        "driver": event.driver,
        "versions": event.versions,
    }


def _peak(peak: MemoryPeak) -> dict[str, int]:
    return {"allocated_bytes": peak.allocated_bytes, "reserved_bytes": peak.reserved_bytes}


def nvidia_smi_bytes(event: MemoryEvent) -> int | None:
    """What nvidia-smi showed of the process at its most."""
    return None if event.context_bytes is None else event.reserved_bytes + event.context_bytes


# --- for people --------------------------------------------------------------------------------------


def wordings(report: MemoryReport, *, ran_out: bool = False) -> tuple[str, ...]:
    """One line that says it, in several lengths, the longest first; what is not known is in none of them."""
    predicted, measured = report.predicted, report.measured
    has_number = predicted is not None and predicted.allocated_bytes is not None
    if measured is None:
        return _foreseen(predicted) if has_number and predicted is not None else _not_foreseen(predicted)
    took = _gib(measured.allocated_bytes)
    if not has_number or predicted is None:
        return (
            f"GPU memory: measured {took} GiB, {_gib(measured.reserved_bytes)} reserved; not predicted",
            f"GPU memory: measured {took} GiB",
        )
    if ran_out:
        return _overrun(predicted, took)
    return _compared(report, predicted, measured)


def _foreseen(made: PredictionRecord) -> tuple[str, ...]:
    short = f"GPU memory: predicted {_gib(made.allocated_bytes)} GiB"
    if made.free_bytes is None:
        return (f"{short}, {_gib(made.needed_bytes)} needed", short)
    of = f"{_gib(made.needed_bytes)} needed of {_gib(made.free_bytes)} free"
    return (f"{short}, {of}: {made.verdict.replace('_', ' ')}", f"{short}, {of}", short)


def _not_foreseen(made: PredictionRecord | None) -> tuple[str, ...]:
    if made is None or not made.problem:
        return ("GPU memory: not predicted",)
    return (f"GPU memory: not predicted. {made.problem}", "GPU memory: not predicted")


def _overrun(made: PredictionRecord, took: str) -> tuple[str, ...]:
    short = f"GPU memory: predicted {_gib(made.allocated_bytes)} GiB, {took} when it ran out"
    if made.free_bytes is None:
        return (short,)
    of = f"{_gib(made.needed_bytes)} needed of {_gib(made.free_bytes)}"
    return (
        f"{short}; {of} free",
        f"GPU memory: {took} GiB when it ran out; predicted {_gib(made.allocated_bytes)}, {of}",
        short,
    )


def _compared(report: MemoryReport, predicted: PredictionRecord, measured: MemoryEvent) -> tuple[str, ...]:
    by, took = _by(report.error), _gib(measured.allocated_bytes)
    named = brief = _gib(predicted.allocated_bytes)
    if report.for_rows is not None:
        for_rows = _gib(report.for_rows.allocated_bytes)
        named += f" GiB, {for_rows} for rows of {measured.longest_row}"
        brief += f" ({for_rows} for rows of {measured.longest_row})"
    lines = [
        f"GPU memory: predicted {named}, measured {took} GiB ({by})",
        f"GPU memory: predicted {brief}, measured {took} ({by})",
        f"GPU memory: predicted {brief}, took {took}",
        f"GPU memory: measured {took} GiB",
    ]
    made, shown = (report.for_rows or predicted).nvidia_smi_bytes, nvidia_smi_bytes(measured)
    if made is not None and shown is not None:
        lines.insert(0, f"{lines[0]}; nvidia-smi {_gib(made)}, measured {_gib(shown)}")
    return tuple(lines)


def _by(error: float | None) -> str:
    if error is None:
        return ""
    return f"{abs(error):.1%} {'over' if error >= 0 else 'under'}".replace("%", " %")


def _gib(size: int | None) -> str:
    if size is None:
        return "–"
    value = size / GIB
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"

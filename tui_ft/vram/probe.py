"""The door to the probe: a few steps of the run on the real GPU, and what they took beside the prediction.

Nothing is left behind: the process works in a temporary folder that goes with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.spec import toml
from tui_ft.vram.assess import Assessment
from tui_ft.vram.exact import Progress, call
from tui_ft.vram.result import Estimate, Parts

MODULE = "tui_ft.train.probe"
TIMEOUT_S = 1800.0
"""Tens of gigabytes of weights may have to come from a slow disk first."""


class Peak(msgspec.Struct, kw_only=True, frozen=True):
    allocated_bytes: int
    reserved_bytes: int


class Probed(msgspec.Struct, kw_only=True, frozen=True):
    """What the heaviest steps took, in bytes: load, steps on the heaviest batches, an evaluation.

    `ran_out` is the GPU's own word where its memory was too small: the peaks are then what it came to.
    `is_made_up`: the spec has no data, so the rows were random and as long as rows may be.
    """

    allocated_bytes: int
    reserved_bytes: int
    phase: str
    phases: dict[str, Peak]
    batch_size: int
    gradient_accumulation: int
    context_bytes: int | None = None
    longest_row: int | None = None
    ran_out: str | None = None
    is_evaluated: bool = False
    is_made_up: bool = False
    gpu: str = ""
    total_bytes: int | None = None
    driver: str | None = None
    versions: dict[str, str] = {}
    seconds: float = 0.0
    schema: int = 1


def require_gpu(assessment: Assessment) -> None:
    """Raise `TuiFtError` where there is nothing to measure on; nothing is started."""
    if assessment.is_pretended:
        raise TuiFtError("A probe measures on a real GPU, and this one is pretended.", "Take one of the two.")
    if not assessment.gpus:
        why = " ".join(assessment.notes)
        raise TuiFtError(
            f"A probe needs a GPU, and there is none here. {why}".rstrip(),
            "Without --probe the memory is estimated.",
        )
    if len(assessment.gpus) > 1:
        raise TuiFtError("A probe measures on one GPU, and the run asks for more.", "Use --gpus 1.")


def run(
    assessment: Assessment,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    command: Sequence[str] | None = None,
) -> Probed:
    """Measure what was assessed, on the GPU that was chosen for it. Blocks for half a minute and more.

    `command` stands in for the trainer's interpreter in tests.
    Raises `TuiFtError` where nothing can be measured, and when it is called off.
    """
    require_gpu(assessment)
    with tempfile.TemporaryDirectory(prefix="tui-ft-probe-", ignore_cleanup_errors=True) as folder:
        answer = call(
            MODULE,
            {"schema": 1, "spec": toml.dumps(assessment.spec)},
            progress=progress,
            cancelled=cancelled,
            environment={"CUDA_VISIBLE_DEVICES": assessment.gpus[0].uuid, "TMPDIR": folder},
            timeout_s=TIMEOUT_S,
            command=command,
        )
    return _checked(answer)


def _checked(answer: Mapping[str, Any]) -> Probed:
    try:
        return msgspec.convert(answer, Probed)
    except msgspec.ValidationError as error:
        raise TuiFtError(f"The probe's answer cannot be used: {error}.") from error


# --- beside the prediction ---------------------------------------------------------------------------


def as_estimate(probed: Probed, predicted: Estimate, free_bytes: int | None) -> Estimate:
    """The measured numbers in the place of the predicted ones, for a verdict by them.

    The run needs at least its tensors and the context, and at most what the allocator had reserved; between
    them the prediction decides. `predicted` is for the rows of the probe, see `Probed.longest_row`.
    """
    context = probed.context_bytes or predicted.context_bytes
    low, shown = probed.allocated_bytes + context, probed.reserved_bytes + context
    overhead = predicted.needed_bytes - predicted.allocated_bytes - predicted.context_bytes
    needed = min(max(low + overhead, low), shown)
    if probed.ran_out is not None:
        low = needed = shown = max(shown, predicted.needed_bytes, (free_bytes or 0) + 1)
    return replace(
        predicted,
        parts=_parts(predicted.parts, probed.allocated_bytes),
        needed_bytes=needed,
        nvidia_smi_bytes=shown,
        low_bytes=low,
        high_bytes=shown,
        context_bytes=context,
        basis="measured",
        validated=True,
        peak_phase=probed.phase,
        notes=tuple(_notes(probed)),
    )


def _parts(predicted: Parts, allocated: int) -> Parts:
    """The predicted parts; what was measured more or less is booked on those that are known least."""
    parts = asdict(predicted)
    rest = allocated - predicted.total
    for name in ("activations", "loss", "workspace", "optimizer", "gradients", "adapter", "weights"):
        moved = max(rest, -parts[name])
        parts[name] += moved
        rest -= moved
    return Parts(**parts)


def _notes(probed: Probed) -> list[str]:
    rows = f"{probed.batch_size} rows of at most {probed.longest_row} tokens"
    if probed.longest_row is None:
        rows = f"{probed.batch_size} packed rows"
    kind = "random tokens, for no data was named" if probed.is_made_up else "the longest of the data"
    notes = [f"Measured in three steps on {rows} ({kind})."]
    if probed.is_evaluated:
        notes[0] = notes[0].removesuffix(".") + ", and an evaluation."
    if probed.ran_out is not None:
        notes.append(f"It did not get through: {probed.ran_out.rstrip('.')}.")
    if probed.context_bytes is None:
        notes.append("The driver does not say what CUDA itself takes here: that part is an assumption.")
    return notes


def error(probed: Probed, predicted: Estimate) -> float | None:
    """What was predicted more than measured, as a share; None for a probe that did not get through."""
    if probed.ran_out is not None:
        return None
    return predicted.allocated_bytes / probed.allocated_bytes - 1


def as_json(probed: Probed, predicted: Estimate) -> dict[str, Any]:
    """The object `probe` of `estimate --probe --json`."""
    told: dict[str, Any] = msgspec.to_builtins(probed)
    off = error(probed, predicted)
    return told | {
        "predicted_allocated_bytes": predicted.allocated_bytes,
        "error": None if off is None else round(off, 6),
    }

"""What launch foresees of an attempt's GPU memory; it is written beside the spec and never costs a start."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import AttemptDirectory
from tui_ft.runs.records import PredictionRecord, decode_prediction, encode_document

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import Gpu, GpuReading
    from tui_ft.spec.run_spec import RunSpec

_LARGEST_BYTES = 1 << 20
NO_GPU = "The run has no GPU, and only GPU memory is predicted."

_SEEN_THEN = "GPU-of-the-prediction"
"""Stands for the GPU as launch saw it; which one it was is not asked any more."""


def write(
    attempt: AttemptDirectory, spec: RunSpec, gpus: Sequence[str], reading: GpuReading
) -> PredictionRecord | None:
    """Write the attempt's prediction; None when the disk refuses, which the run itself will notice too."""
    made = predict(spec, gpus, reading)
    try:
        write_atomically(attempt.prediction, encode_document(made))
    except OSError:
        return None
    return made


def predict(spec: RunSpec, gpus: Sequence[str], reading: GpuReading) -> PredictionRecord:
    """Foresee the memory of `spec` on the first of the chosen `gpus` (UUIDs), with what is free there now.

    Never raises: where no number can be given, `problem` says why.
    """
    now = time.time()
    if not gpus:
        return PredictionRecord(time=now, problem=NO_GPU)
    gpu = next((gpu for gpu in reading.gpus if gpu.uuid == gpus[0]), None)
    try:
        return _predicted(spec, reading, gpus, now)
    except TuiFtError as error:
        problem = error.message
    except Exception as error:  # noqa: BLE001 - a fault of the estimate must not cost anybody a run
        problem = f"The estimate failed: {type(error).__name__}: {error}"[:300]
    return PredictionRecord(time=now, problem=problem, **_place(gpu))


def read(attempt: AttemptDirectory) -> PredictionRecord | None:
    """The attempt's prediction; None for one that has none (an older version's), or that cannot be read."""
    try:
        descriptor = os.open(attempt.prediction, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # a pipe of that name is not waited for
            return decode_prediction(file.read(_LARGEST_BYTES))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def again(attempt: AttemptDirectory, made: PredictionRecord, longest_row: int) -> PredictionRecord | None:
    """The prediction `made`, had it been known that no row is longer than `longest_row` tokens.

    Launch knows no row yet and takes `data.max_length` for granted. Tensors are counted anew; context and
    what the allocator adds stay as they were said then, for by now this very run may have corrected them.
    None where that cannot be said.
    """
    from tui_ft.hardware.gpu import Gpu, GpuReading
    from tui_ft.spec import toml

    gpu = Gpu(
        index=0,
        uuid=_SEEN_THEN,
        name=made.gpu or "",
        total_bytes=made.total_bytes,
        free_bytes=made.free_bytes,
        compute_capability=_capability(made),
    )
    try:
        spec = toml.load(attempt.spec)
        fresh = _predicted(spec, GpuReading((gpu,)), [_SEEN_THEN], made.time, longest_row)
    except Exception:  # noqa: BLE001 - whoever looks at a run must see it, with or without this number
        return None
    return _with_overheads_of(made, fresh)


def _with_overheads_of(made: PredictionRecord, fresh: PredictionRecord) -> PredictionRecord | None:
    if not made.allocated_bytes or fresh.allocated_bytes is None or made.context_bytes is None:
        return None
    context, share = made.context_bytes, fresh.allocated_bytes / made.allocated_bytes
    totals = {
        name: round((size - context) * share) + context
        for name in ("needed_bytes", "nvidia_smi_bytes", "low_bytes", "high_bytes")
        if (size := getattr(made, name)) is not None
    }
    return msgspec.structs.replace(fresh, context_bytes=context, **totals)


def _predicted(
    spec: RunSpec, reading: GpuReading, uuids: Sequence[str], now: float, longest_row: int | None = None
) -> PredictionRecord:
    """Imported here, not above: whoever only reads runs needs none of it."""
    from tui_ft.vram.assess import assess
    from tui_ft.vram.find_model import find_shape

    found = assess(
        spec,
        find_shape(spec.model.id or "", revision=spec.model.revision),
        reading,
        gpu=uuids[0] if len(uuids) == 1 else None,
        longest_row=longest_row,
        with_step_downs=False,
    )
    made = found.estimate
    return PredictionRecord(
        time=now,
        method=found.workload.label,
        parameters=found.shape.parameters,
        trainable_parameters=made.trainable_parameters,
        seq_length=found.workload.seq_length,
        batch_size=found.workload.batch_size,
        parts_bytes=asdict(made.parts),
        allocated_bytes=made.allocated_bytes,
        needed_bytes=made.needed_bytes,
        nvidia_smi_bytes=made.nvidia_smi_bytes,
        low_bytes=made.low_bytes,
        high_bytes=made.high_bytes,
        context_bytes=made.context_bytes,
        basis=made.basis,
        validated=made.validated,
        peak_phase=made.peak_phase,
        verdict=found.verdict,
        notes=[*made.notes, *found.notes],
        **_place(found.gpu),
    )


def _place(gpu: Gpu | None) -> dict[str, Any]:
    if gpu is None:
        return {"gpu": ""}
    capability = gpu.compute_capability
    return {
        "gpu": gpu.name,
        "capability": ".".join(map(str, capability)) if capability else None,
        "total_bytes": gpu.total_bytes,
        "free_bytes": gpu.free_bytes,
    }


def _capability(made: PredictionRecord) -> tuple[int, int] | None:
    major, _, minor = (made.capability or "").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None

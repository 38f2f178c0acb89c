"""What launch foresees of an attempt's GPU memory; it is written beside the spec and never costs a start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import AttemptDirectory
from tui_ft.runs.records import PredictionRecord, decode_prediction, encode_document, write_atomically

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import Gpu, GpuReading
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.vram.result import Estimate

NO_GPU = "The run has no GPU, and only GPU memory is predicted."


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
        return _predicted(spec, gpu, now)
    except TuiFtError as error:
        problem = error.message
    except Exception as error:  # noqa: BLE001 - a fault of the estimate must not cost anybody a run
        problem = f"The estimate failed: {type(error).__name__}: {error}"[:300]
    return PredictionRecord(time=now, problem=problem, **_place(gpu))


def read(attempt: AttemptDirectory) -> PredictionRecord | None:
    """The attempt's prediction; None for one that has none (an older version's), or that cannot be read."""
    try:
        return decode_prediction(attempt.prediction.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def again(attempt: AttemptDirectory, made: PredictionRecord, longest_row: int) -> PredictionRecord | None:
    """The prediction `made`, had it been known that no row is longer than `longest_row` tokens.

    Launch knows no row yet and takes `data.max_length` for granted. None where that cannot be said.
    """
    from tui_ft.hardware.gpu import Gpu
    from tui_ft.spec import toml

    try:
        spec = toml.load(attempt.spec)
        gpu = Gpu(index=0, uuid="", name=made.gpu or "", compute_capability=_capability(made))
        return _predicted(spec, gpu, made.time, longest_row)
    except Exception:  # noqa: BLE001 - whoever looks at a run must see it, with or without this number
        return None


def _predicted(
    spec: RunSpec, gpu: Gpu | None, now: float, longest_row: int | None = None
) -> PredictionRecord:
    """Imported here, not above: whoever only reads runs needs none of it."""
    from tui_ft.vram import workload as workloads
    from tui_ft.vram.estimate import estimate
    from tui_ft.vram.find_model import find_shape

    capability = gpu.compute_capability if gpu is not None else None
    shape = find_shape(spec.model.id or "", revision=spec.model.revision)
    workload = workloads.from_spec(spec, capability=capability, longest_row=longest_row)
    found = estimate(shape, workload)
    return PredictionRecord(
        time=now,
        method=workload.label,
        parameters=shape.parameters,
        seq_length=workload.seq_length,
        batch_size=workload.batch_size,
        **_place(gpu),
        **_numbers(found),
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


def _numbers(found: Estimate) -> dict[str, Any]:
    return {
        "trainable_parameters": found.trainable_parameters,
        "parts_bytes": asdict(found.parts),
        "allocated_bytes": found.allocated_bytes,
        "needed_bytes": found.needed_bytes,
        "nvidia_smi_bytes": found.nvidia_smi_bytes,
        "low_bytes": found.low_bytes,
        "high_bytes": found.high_bytes,
        "context_bytes": found.context_bytes,
        "basis": found.basis,
        "validated": found.validated,
        "peak_phase": found.peak_phase,
        "notes": list(found.notes),
    }


def _capability(made: PredictionRecord) -> tuple[int, int] | None:
    major, _, minor = (made.capability or "").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None

"""An assessment as the JSON that scripts rely on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tui_ft.hardware.gpu import Gpu
from tui_ft.spec.errors import printable
from tui_ft.vram.assess import Assessment
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

SCHEMA = 1


def assessment_json(assessment: Assessment) -> dict[str, Any]:
    """Everything of `assessment` under the names of the contract; bytes, None is not known."""
    return {
        "schema": SCHEMA,
        "model": model_json(assessment.shape),
        "method": assessment.workload.label,
        "objective": assessment.workload.objective,
        "workload": workload_json(assessment.workload),
        **estimate_json(assessment.estimate),
        "gpu": None if assessment.gpu is None else gpu_json(assessment.gpu),
        "gpus": [
            gpu_json(gpu) | {"verdict": verdict}
            for gpu, verdict in zip(assessment.gpus, assessment.verdicts, strict=True)
        ],
        "free_bytes": assessment.free_bytes,
        "total_bytes": assessment.total_bytes,
        "is_pretended": assessment.is_pretended,
        "holders": list(assessment.holders),
        "verdict": assessment.verdict,
        "step_downs": [
            {
                "kind": step.kind,
                "change": step.change,
                "overrides": list(step.overrides),
                "needed_bytes": step.needed_bytes,
                "verdict": step.verdict,
                "remark": step.remark,
            }
            for step in assessment.step_downs
        ],
        "notes": [*assessment.estimate.notes, *assessment.notes],
    }


def estimate_json(estimate: Estimate) -> dict[str, Any]:
    """The numbers of an estimate."""
    return {
        "trainable_parameters": estimate.trainable_parameters,
        "parts_bytes": asdict(estimate.parts),
        "allocated_bytes": estimate.allocated_bytes,
        "needed_bytes": estimate.needed_bytes,
        "nvidia_smi_bytes": estimate.nvidia_smi_bytes,
        "low_bytes": estimate.low_bytes,
        "high_bytes": estimate.high_bytes,
        "context_bytes": estimate.context_bytes,
        "basis": estimate.basis,
        "validated": estimate.validated,
        "peak_phase": estimate.peak_phase,
    }


def model_json(shape: ModelShape) -> dict[str, Any]:
    """What a model is, in numbers."""
    return {
        "name": printable(shape.name),
        "family": printable(shape.family),
        "parameters": shape.parameters,
        "quantizable_parameters": shape.quantizable_parameters,
        "layers": shape.layers,
        "hidden": shape.hidden,
        "vocabulary": shape.vocabulary,
        "context": shape.context,
        "experts": shape.experts,
        "counted": shape.counted,
    }


def workload_json(workload: Workload) -> dict[str, Any]:
    """What is done to it, everything resolved."""
    fields = asdict(workload)
    precision = fields.pop("precision")
    return {**fields, **{f"{name}_dtype": dtype for name, dtype in precision.items()}}


def gpu_json(gpu: Gpu) -> dict[str, Any]:
    """One GPU now, and who is on it."""
    return {
        "index": gpu.index,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "total_bytes": gpu.total_bytes,
        "free_bytes": gpu.free_bytes,
        "used_bytes": gpu.used_bytes,
        "compute_capability": None if gpu.compute_capability is None else list(gpu.compute_capability),
        "is_unified": gpu.is_unified,
        "processes": [
            {"pid": process.pid, "used_bytes": process.used_bytes, "name": process.name}
            for process in gpu.processes
        ],
    }

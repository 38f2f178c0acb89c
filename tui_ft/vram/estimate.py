"""The closed form: GPU memory of a run in named parts, in well under 5 ms, without torch."""

from __future__ import annotations

from tui_ft.vram.formula import moving
from tui_ft.vram.resident import resident
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

WORKSPACE = 2 * 8519680
"""cuBLAS keeps 8.125 MiB for the forward and as much for the autograd thread, and never frees it (facts: vram)."""

CONTEXT = 400 << 20
"""CUDA context taken for granted where this GPU was never measured."""


def estimate(shape: ModelShape, workload: Workload) -> Estimate:
    """Return the memory of one training step of `workload` on a model of `shape`."""
    fixed, inside = resident(shape, workload), moving(shape, workload)
    parts = Parts(
        weights=fixed.weights,
        adapter=fixed.adapter,
        gradients=fixed.gradients,
        optimizer=fixed.optimizer,
        activations=inside.activations,
        loss=inside.loss,
        workspace=WORKSPACE,
    )
    needed = round(parts.total * 1.03) + CONTEXT
    return Estimate(
        parts=parts,
        needed_bytes=needed,
        nvidia_smi_bytes=round(parts.total * 1.06) + CONTEXT,
        low_bytes=round(parts.total * 0.95) + CONTEXT // 4,
        high_bytes=round(needed * 1.1),
        context_bytes=CONTEXT,
        trainable_parameters=fixed.trainable,
        basis="closed_form",
        validated=False,
        peak_phase="backward",
        notes=("Outside what was checked: a general formula.",),
    )

"""The closed form: GPU memory of a run in named parts, in well under 5 ms, without torch."""

from __future__ import annotations

from dataclasses import replace

from tui_ft.vram import overhead, reference
from tui_ft.vram.coefficients import Peak, peak, row
from tui_ft.vram.dimensions import dimensions
from tui_ft.vram.formula import moving, score_bytes
from tui_ft.vram.policy import EAGER_SCORES, policy_of
from tui_ft.vram.resident import Resident, resident
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.sharing import on_each
from tui_ft.vram.workload import Workload

ALIKE, GENERAL, UNCOUNTED = 0.08, 0.25, 0.35
"""Widening of the interval: another policy's row, the general formula, a model without a known shape."""


def estimate(shape: ModelShape, workload: Workload) -> Estimate:
    """Return the memory of one training step of `workload` on a model of `shape`."""
    fixed = resident(shape, workload)
    inside, widening, notes = _inside(shape, workload, fixed)
    extra, more = reference.of(shape, workload)
    parts = on_each(
        Parts(
            weights=fixed.weights + extra,
            adapter=fixed.adapter,
            gradients=inside.gradients,
            optimizer=fixed.optimizer,
            activations=inside.activations,
            loss=inside.loss,
            workspace=overhead.workspace(workload),
        ),
        shape,
        workload,
    )
    widening = max(widening, UNCOUNTED if shape.counted != "architecture" else 0.0)
    if workload.gpus > 1:
        notes = (*notes, "The share of each GPU is by the standard formulas; no machine has checked them.")
    return _with_overhead(parts, fixed, workload, inside.phase, widening, (*more, *notes))


def _inside(shape: ModelShape, workload: Workload, fixed: Resident) -> tuple[Peak, float, tuple[str, ...]]:
    """What a step holds at its peak, how far that may be off, and what must be said about it."""
    inside, widening, notes = _forward_and_back(shape, workload, fixed)
    step = Peak(phase="optimizer", gradients=fixed.gradients, activations=fixed.step, loss=0)
    return max(inside, step, key=lambda one: one.total), widening, notes


def _forward_and_back(
    shape: ModelShape, workload: Workload, fixed: Resident
) -> tuple[Peak, float, tuple[str, ...]]:
    is_pairwise = workload.objective in reference.PAIRWISE
    if is_pairwise:
        workload = replace(workload, batch_size=2 * workload.batch_size, is_padded=True)
    found = None
    if shape.counted == "architecture" and (is_pairwise or workload.objective == "sft"):
        is_windowed = shape.sliding_window is not None and workload.seq_length >= shape.sliding_window
        found = row(shape.family, policy_of(workload, is_tied=shape.is_tied, is_windowed=is_windowed))
    if found is None:
        general = moving(shape, workload)
        inside = Peak(
            phase="backward", gradients=fixed.gradients, activations=general.activations, loss=general.loss
        )
        return inside, GENERAL, ("By a general formula: no coefficients were extracted for such a run.",)
    layers = workload.trained_layers if workload.method == "last_layers" else shape.layers
    inside = peak(
        found.moments, layers, dimensions(shape, workload), accumulates=workload.gradient_accumulation > 1
    )
    if is_pairwise:
        note = "Two sequences a row, by the coefficients of supervised fine-tuning: not checked."
        return inside, GENERAL, (note,)
    if not found.stands_for:
        return inside, 0.0, ()
    scores = score_bytes(shape, workload) if EAGER_SCORES in found.stands_for else 0
    inside = replace(inside, gradients=fixed.gradients, activations=inside.activations + scores)
    return inside, ALIKE, (f"By a like run: the coefficients leave out {found.stands_for}.",)


def _with_overhead(
    parts: Parts,
    fixed: Resident,
    workload: Workload,
    phase: str,
    widening: float,
    notes: tuple[str, ...],
) -> Estimate:
    share, context = overhead.spread(workload), overhead.context(workload)
    allocated = parts.total
    needed = round(allocated * (1 + share.needed)) + context.nbytes
    shown = round(allocated * (1 + share.reserved)) + context.nbytes + fixed.paged
    surely = parts.weights + parts.adapter
    low = max(round(allocated * (1 - widening)), surely) + context.least
    high = round(allocated * (1 + share.most + widening)) + context.most
    said = list(notes)
    if not context.is_known:
        said.append(
            f"The CUDA context of such a GPU was never measured; {context.nbytes >> 20} MiB are assumed."
        )
    if fixed.paged:
        moved = f"{fixed.paged / 2**30:.2f} GiB of optimizer states"
        said.append(f"{moved} may move to host memory and are not counted as needed.")
    return Estimate(
        parts=parts,
        needed_bytes=needed,
        nvidia_smi_bytes=shown,
        low_bytes=min(low, needed),
        high_bytes=max(high, needed, shown),
        context_bytes=context.nbytes,
        trainable_parameters=fixed.trainable,
        basis="closed_form",
        validated=widening == 0.0 and workload.gpus == 1,
        peak_phase=phase,
        notes=tuple(said),
    )

"""Decides whether a spec makes sense as a whole, and says what does not and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tui_ft.spec.errors import SpecError, shown
from tui_ft.spec.resolve import METHOD_KEYS, OBJECTIVE_KEYS, uses_double_quantization
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.values import check_values


def check(spec: RunSpec) -> None:
    """Raise `SpecError` for the first thing in `spec` that is out of bounds, contradictory or missing."""
    check_values(msgspec.to_builtins(spec))
    check_together(spec)


def check_together(spec: RunSpec) -> None:
    """Check what one field alone cannot tell. Raises `SpecError`."""
    if not spec.model.id:
        raise SpecError(
            "model.id is missing: the run has no base model.",
            'Write id = "org/name", a local folder, or "demo".',
            field="model.id",
        )
    _refuse_unused("method", spec.method, METHOD_KEYS[spec.method.kind])
    _refuse_unused("objective", spec.objective, OBJECTIVE_KEYS[spec.objective.kind])
    _check_method(spec)
    _check_data(spec)
    _check_intervals(spec)
    _check_hardware(spec)
    _check_after(spec)


def _refuse_unused(section: str, values: msgspec.Struct, used: Mapping[str, Any]) -> None:
    kind = getattr(values, "kind")  # noqa: B009 - both sections have it, their common base has not
    owners = METHOD_KEYS if section == "method" else OBJECTIVE_KEYS
    for key in values.__struct_fields__:
        if key == "kind" or key in used or getattr(values, key) is None:
            continue
        others = [name for name, keys in owners.items() if key in keys]
        raise SpecError(
            f'{section}.{key} is not used by {section}.kind = "{kind}".',
            f"Remove it; it belongs to {', '.join(others)}.",
            field=f"{section}.{key}",
        )


def _check_method(spec: RunSpec) -> None:
    method = spec.method
    if method.double_quantization is not None and not uses_double_quantization(method):
        raise SpecError(
            'method.double_quantization is used only with quantization = "nf4" or "fp4".',
            "Remove it, or set quantization.",
            field="method.double_quantization",
        )
    if method.targets == []:
        raise SpecError(
            "method.targets = [] names no module.", 'Use targets = "all-linear".', field="method.targets"
        )
    if method.variant == "pissa" and method.quantization:
        raise SpecError(
            'method.variant = "pissa" needs an unquantised base to split.',
            "Remove variant or quantization.",
            field="method.variant",
        )
    if method.kind == "full" and spec.model.dtype == "float16":
        raise SpecError(
            'model.dtype = "float16" cannot be trained as a whole: its gradients underflow.',
            'Use dtype = "auto", or "bfloat16" to save memory.',
            field="model.dtype",
        )


def _check_data(spec: RunSpec) -> None:
    sources = spec.data.train
    if isinstance(sources, str) and not sources.strip():
        raise SpecError("data.train is empty.", "Write a path or a hub id, or remove it.", field="data.train")
    if not isinstance(sources, list):
        return
    if not sources:
        raise SpecError("data.train = [] names no data.", "Write a path, or remove it.", field="data.train")
    for source in sources:
        if not 0 < source.weight < 1e6:
            raise SpecError(
                f"data.train: the weight {shown(source.weight)} of {shown(source.path)} will not do: "
                "it has to be a number above 0.",
                "For example weight = 1.0.",
                field="data.train",
            )


def _check_intervals(spec: RunSpec) -> None:
    if spec.evaluation.every_steps is not None and spec.evaluation.every_epochs is not None:
        raise SpecError(
            "evaluation.every_steps and evaluation.every_epochs are both set.",
            "Keep one of them.",
            field="evaluation.every_epochs",
        )
    warmup = spec.training.warmup
    if warmup >= 1 and warmup != int(warmup):
        raise SpecError(
            f"training.warmup = {warmup:g} is neither a share nor a count of steps.",
            f"Below 1 it is a share of the steps, from 1 on whole steps: for example 0.05 or {int(warmup)}.",
            field="training.warmup",
        )


def _check_hardware(spec: RunSpec) -> None:
    hardware = spec.hardware
    gpus = hardware.gpus
    if isinstance(gpus, list):
        wrong = [gpu for gpu in gpus if gpu == "" or (isinstance(gpu, int) and gpu < 0)]
        if not gpus or wrong or len(set(gpus)) < len(gpus):
            raise SpecError(
                f"hardware.gpus = {shown(gpus)} will not do: it has to name each GPU once.",
                'For example "auto", a count, [0] or ["GPU-…"].',
                field="hardware.gpus",
            )
    if hardware.node_rank >= hardware.nodes:
        raise SpecError(
            f"hardware.node_rank = {hardware.node_rank} does not exist with nodes = {hardware.nodes}.",
            f"Use 0 to {hardware.nodes - 1}.",
            field="hardware.node_rank",
        )


def _check_after(spec: RunSpec) -> None:
    for name in spec.after.notify:
        if "://" in name:
            raise SpecError(
                "after.notify holds an address.",
                "Put the address under a name into your settings, and write that name here.",
                field="after.notify",
            )
    if spec.after.hook is not None and len(spec.after.hook.split()) != 1:
        raise SpecError(
            "after.hook holds a command.",
            "Put the command under a name into your settings ([hooks]), and write that name here.",
            field="after.hook",
        )

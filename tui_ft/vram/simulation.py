"""Exact mode: the trainer's own code on a GPU that is not there; answers are kept by content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import tui_ft
from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.spec import toml
from tui_ft.vram import stack
from tui_ft.vram.assess import Assessment
from tui_ft.vram.exact import Progress, call
from tui_ft.vram.find_model import Found
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.workload import BF16_CAPABILITY

MODULE = "tui_ft.train.simulate"
TIMEOUT_S = 300.0
FLASH_CAPABILITY = (8, 0)
"""PyTorch's flash kernel needs Ampere; older GPUs take the memory-efficient one."""

_SLACK = 0.005
"""Doubt about what tensors hold: the worst that the simulation was off on measured runs (README)."""


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What the simulating process says; bytes. `capacity_bytes` is without the CUDA context."""

    parts_bytes: dict[str, int]
    allocated_bytes: int
    reserved_bytes: int
    capacity_bytes: int
    peak_phase: str
    trainable_parameters: int
    notes: list[str] = []
    schema: int = 1


def simulate(
    assessment: Assessment,
    found: Found,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Estimate:
    """Simulate one step of what was assessed. Blocks for seconds, unless the same was asked before.

    Give the answer to `assess` as `estimated` for a verdict by it.
    Raises `TuiFtError` where it cannot be simulated, and when it is called off.
    """
    workload, capability = assessment.workload, assessment.capability
    if workload.gpus > 1:
        raise TuiFtError(
            "Exact mode simulates one GPU, and the run asks for more.", "Use the estimate without it."
        )
    request = {
        "schema": 1,
        "config": dict(found.config),
        "name": found.shape.name,
        "spec": toml.dumps(assessment.spec),
        "longest_row": None if workload.is_packed else workload.seq_length,
        "has_bf16": capability is None or capability >= BF16_CAPABILITY,
        "capability": capability,
        "attention_kernel": "flash" if capability is None or capability >= FLASH_CAPABILITY else "efficient",
    }
    kept = _kept(request)
    answer = _read(kept)
    if answer is None:
        raw = call(MODULE, request, progress=progress, cancelled=cancelled, timeout_s=TIMEOUT_S)
        answer = _checked(raw)
        _keep(kept, answer)
    return as_estimate(answer, assessment.estimate)


def as_estimate(answer: Answer, closed: Estimate) -> Estimate:
    """The simulation's numbers with the context of the closed form, which no simulation knows."""
    context = closed.context_bytes
    needed = max(answer.capacity_bytes, answer.allocated_bytes) + context
    shown = max(answer.reserved_bytes, answer.allocated_bytes) + context
    return Estimate(
        parts=Parts(**answer.parts_bytes),
        needed_bytes=needed,
        nvidia_smi_bytes=shown,
        low_bytes=min(needed, round(answer.allocated_bytes * (1 - _SLACK)) + context // 2),
        high_bytes=max(shown, round(needed * (1 + _SLACK))),
        context_bytes=context,
        trainable_parameters=answer.trainable_parameters,
        basis="simulated",
        validated=closed.validated,
        peak_phase=answer.peak_phase,
        notes=tuple(answer.notes),
    )


def _checked(raw: Mapping[str, Any]) -> Answer:
    try:
        answer = msgspec.convert(raw, Answer)
        parts = Parts(**answer.parts_bytes)
    except (msgspec.ValidationError, TypeError) as error:
        raise TuiFtError(f"The simulation's answer cannot be used: {error}.") from error
    if parts.total != answer.allocated_bytes:
        # each part is rounded by itself: what is left over is scratch memory
        rest = answer.allocated_bytes - parts.total
        filled = {**answer.parts_bytes, "workspace": parts.workspace + rest}
        answer = msgspec.structs.replace(answer, parts_bytes=filled)
    return answer


def _kept(request: Mapping[str, Any]) -> Path:
    content = msgspec.json.encode([request, _stack()], order="deterministic")
    return settings.cache_folder() / "simulations" / f"{hashlib.sha256(content).hexdigest()}.json"


@cache
def _sources() -> str:
    """The trainer's code by its content: another version of it may hold other tensors."""
    digest = hashlib.sha256()
    for path in sorted((Path(tui_ft.__file__).parent / "train").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stack() -> list[object]:
    """What decides the answer beside the request: our code, the interpreter, its libraries."""
    return [_sources(), settings.trainer_python(), dict(stack.versions())]


def _read(path: Path) -> Answer | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Answer)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _keep(path: Path, answer: Answer) -> None:
    """Write atomically; a cache that cannot be written is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(answer))
        Path(temporary).replace(path)
    except OSError:
        return

"""What a model needs of this GPU: the method that the guide recommends for it, and whether that fits."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.guide.asking import ask
from tui_ft.guide.recommend import recommend
from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec.display import method_label
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.method_facts import within_context
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.verdict import Verdict

MOST_KEPT = 500
"""Answers that are kept: going back to the list costs nothing while the GPU's free memory stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the models are measured by: the settings so far, the goals, the rows, and the GPUs."""

    spec: RunSpec
    goals: frozenset[str]
    rows: int | None
    reading: GpuReading

    @property
    def key(self) -> Hashable:
        """Equal for wishes that every model answers alike: of the GPUs their free memory counts."""
        gpus = tuple((gpu.uuid, gpu.free_bytes) for gpu in self.reading.gpus)
        return (
            msgspec.json.encode(self.spec),
            self.goals,
            self.rows,
            gpus,
            os.environ.get("CUDA_VISIBLE_DEVICES"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The method that the guide recommends for a model, and what it needs. None of a size is not known."""

    method: str
    needed_bytes: int
    free_bytes: int | None
    verdict: Verdict


_ANSWERS: dict[Hashable, Fit | TuiFtError] = {}


def fit_of(model_id: str, shape: ModelShape, wish: Wish) -> Fit:
    """Ask the guide about a model; some milliseconds, once. Raises `TuiFtError` where it has no number."""
    key = (model_id, shape, wish.key)
    if key not in _ANSWERS:
        if len(_ANSWERS) >= MOST_KEPT:
            _ANSWERS.clear()
        try:
            _ANSWERS[key] = _asked(model_id, shape, wish)
        except TuiFtError as error:
            _ANSWERS[key] = error
    found = _ANSWERS[key]
    if isinstance(found, TuiFtError):
        raise found
    return found


def with_model(spec: RunSpec, model_id: str, shape: ModelShape | None) -> RunSpec:
    """`spec` for another model; a length beyond its context is cut."""
    if spec.model.id == model_id:
        return spec
    model = msgspec.structs.replace(spec.model, id=model_id, revision=None)
    changed = msgspec.structs.replace(spec, model=model)
    return changed if shape is None else within_context(changed, shape)


def _asked(model_id: str, shape: ModelShape, wish: Wish) -> Fit:
    spec = with_model(wish.spec, model_id, shape)
    question = ask(spec, shape, wish.reading, goals=wish.goals, rows=wish.rows)
    answer = recommend(question)
    plan = answer.plan
    if answer.next_best is not None and answer.next_best.plan is not None:
        plan = answer.next_best.plan
    return Fit(
        method=method_label(plan.spec),
        needed_bytes=plan.needed_bytes,
        free_bytes=question.free_bytes,
        verdict=plan.verdict,
    )

"""What the Method screen asks of the rooms below it; every function may block, off the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.guide.asking import ask
from tui_ft.guide.case import pricing
from tui_ft.guide.compare import MethodRow, compare, compare_for
from tui_ft.guide.question import Question, Recommendation
from tui_ft.guide.recommend import recommend
from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec import overrides
from tui_ft.spec.errors import printable
from tui_ft.spec.learning import ObjectiveKind
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.download import in_time
from tui_ft.tui.gpu_seats import Seat
from tui_ft.tui.method_view import Step, View, Wish
from tui_ft.tui.spec_changes import changes
from tui_ft.user_paths import is_there, user_path
from tui_ft.vram import catalogue, find_model, simulation
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.find_model import Found
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.situation import StepDown
from tui_ft.vram.verdict import judge

FIND_WITHIN_S = 20.0
"""Later the Hub counts as not answering."""

DIGITS = "123456789"

_GOALS: Mapping[ObjectiveKind, str] = {
    "dpo": "preference", "orpo": "preference", "kto": "thumbs", "reward": "preference",
    "rloo": "rl", "grpo": "rl", "distill": "distil",
}  # fmt: skip

Simulated = Mapping[bytes, Estimate]
"""What exact mode found, by the fingerprint of the spec."""


async def find(name: str, revision: str | None) -> Found:
    """Return the model called `name`. Raises `TuiFtError` when there is none, or the Hub does not answer."""
    found = await in_time(lambda: find_model.find(name, revision=revision, online=True), FIND_WITHIN_S, None)
    if found is None:
        raise TuiFtError(
            f"The Hub did not answer about {printable(name)} in {FIND_WITHIN_S:.0f} s.",
            "Name a folder with its config.json, or a model that was downloaded before.",
        )
    return found


def model_names() -> list[str]:
    """The names of the models that are known without asking anybody."""
    return ["demo", *(entry.hub_id or entry.name for entry in catalogue.entries())]


def model_id(answer: str) -> str:
    """What the spec calls the model that was typed: an absolute path, or the Hub's full name."""
    path = user_path(answer)
    if answer != "demo" and is_there(path):
        return str(path.absolute())
    entry = catalogue.lookup(answer)
    return entry.hub_id if entry is not None and entry.hub_id else answer


def within_context(spec: RunSpec, shape: ModelShape) -> RunSpec:
    """Cut the length to what another model reads."""
    if shape.context is None or spec.data.max_length <= shape.context:
        return spec
    return overrides.apply(spec, [f"data.max_length={shape.context}"])


def fingerprint(spec: RunSpec) -> bytes:
    """Equal for specs that mean the same."""
    return msgspec.json.encode(spec)


def look(
    spec: RunSpec,
    shape: ModelShape,
    seat: Seat,
    reading: GpuReading,
    simulated: Simulated,
    wish: Wish = Wish(),  # noqa: B008 - it is frozen
) -> View:
    """Compute everything that the screen shows. Raises `TuiFtError` for settings that cannot be."""
    question = question_of(spec, shape, seat, reading, wish)
    advice: Recommendation | None = None
    problem = ""
    try:
        advice = recommend(question)
    except TuiFtError as error:
        problem = str(error)
    exact = tuple(
        _with_simulated(row, question.free_bytes, simulated) for row in _rows(question, advice, wish)
    )
    return View(spec=spec, shape=shape, seat=seat, rows=exact, advice=advice, problem=problem)


def _rows(question: Question, advice: Recommendation | None, wish: Wish) -> tuple[MethodRow, ...]:
    if wish.wants_advice and advice is not None and advice.is_runnable:
        return compare_for(question, advice)
    return compare(
        question.shape,
        question.spec,
        free_bytes=question.free_bytes,
        total_bytes=question.total_bytes,
        capability=question.capability,
        longest_row=question.longest_row,
        price=pricing(question),
    )


def question_of(spec: RunSpec, shape: ModelShape, seat: Seat, reading: GpuReading, wish: Wish) -> Question:
    """What the guide is asked about `spec` on the GPU of `seat`. Raises `TuiFtError`."""
    goals = wish.goals or {_GOALS.get(spec.objective.kind, "sft")}
    rows, longest = wish.rows, wish.longest_row
    if seat.is_rented:
        question = ask(
            spec, shape, GpuReading(()), goals=goals, rows=rows, longest_row=longest,
            gpu_memory_bytes=seat.free_bytes,
        )  # fmt: skip
        return replace(question, capability=seat.capability, total_bytes=seat.total_bytes)
    return ask(
        spec, shape, reading, goals=goals, rows=rows, longest_row=longest,
        gpu=seat.uuid if seat.is_chosen else None,
    )  # fmt: skip


def _with_simulated(row: MethodRow, free_bytes: int | None, simulated: Simulated) -> MethodRow:
    estimate = simulated.get(fingerprint(row.spec))
    if estimate is None or row.problem:
        return row
    return replace(row, estimate=estimate, verdict=judge(estimate, free_bytes))


def ladder(view: View, row: MethodRow, reading: GpuReading) -> list[Step]:
    """What would make `row` fit: the guide's own way first, then one change at a time."""
    if row.verdict not in ("tight", "does_not_fit") or row.problem:
        return []
    downs = [*_advised(view, row), *_assessed(row, view.shape, view.seat, reading).step_downs]
    return list(_with_keys(downs))


def _advised(view: View, row: MethodRow) -> list[StepDown]:
    """The settings with which the guide recommends this very method, where they differ from the row's."""
    advice = view.advice
    if advice is None or advice.method != row.method or advice.verdict != "fits" or not advice.is_runnable:
        return []
    plan = advice.plan
    said = ", ".join(changes(plan.spec, row.spec))
    if not said:
        return []
    return [
        StepDown(
            change=f"as recommended: {said}",
            overrides=plan.overrides,
            needed_bytes=plan.needed_bytes,
            verdict=plan.verdict,
        )
    ]


def _with_keys(downs: Iterable[StepDown]) -> Iterable[Step]:
    digits = iter(DIGITS)
    for down in downs:
        yield Step(
            key=next(digits, "") if down.overrides else "",
            change=down.change,
            overrides=down.overrides,
            needed_bytes=down.needed_bytes,
            verdict=down.verdict,
            remark=down.remark,
        )


def _assessed(row: MethodRow, shape: ModelShape, seat: Seat, reading: GpuReading) -> Assessment:
    simulated = row.estimate if row.estimate is not None and row.estimate.basis == "simulated" else None
    return assess(
        row.spec,
        shape,
        GpuReading(()) if seat.is_rented else reading,
        gpu_memory_bytes=seat.free_bytes if seat.is_rented else None,
        gpu=seat.uuid if seat.is_chosen else None,
        capability=seat.capability if seat.is_rented else None,
        estimated=simulated,
    )


def simulate(
    row: MethodRow,
    found: Found,
    seat: Seat,
    reading: GpuReading,
    progress: Callable[[str, int, int], None],
    cancelled: Callable[[], bool],
) -> Estimate:
    """Simulate `row` with the trainer's own code; it takes seconds. Raises `TuiFtError`."""
    if row.problem:
        raise TuiFtError(row.problem)
    assessment = _assessed(replace(row, estimate=None), found.shape, seat, reading)
    return simulation.simulate(assessment, found, progress=progress, cancelled=cancelled)


def spec_to_start(row: MethodRow, seat: Seat) -> RunSpec:
    """The spec of a row, on the GPU that was pointed at. Raises `TuiFtError` where it cannot be trained."""
    if not row.runnable:
        raise TuiFtError(f"{row.label} cannot be started with this version: {row.why_not}.")
    if (row.spec.model.id or "").endswith(".json"):
        raise TuiFtError(
            "A config.json has no weights: it can be measured, and not trained.",
            "Press / and name the model's folder, or its name on the Hub.",
        )
    return on_seat(row.spec, seat)


def on_seat(spec: RunSpec, seat: Seat) -> RunSpec:
    """Return `spec` for the GPU that was pointed at, if one was."""
    if seat.uuid is None or not seat.is_chosen:
        return spec
    return overrides.apply(spec, [f"hardware.gpus={seat.uuid}"])

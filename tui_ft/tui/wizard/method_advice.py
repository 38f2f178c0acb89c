"""What the Method step knows beside the spec, and what would be recommended had nobody changed anything."""

from __future__ import annotations

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.guide.question import Question
from tui_ft.guide.recommend import recommend, startable
from tui_ft.guide.starting import start_values
from tui_ft.guide.switching import switch
from tui_ft.guide.volume import volume
from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui import method_facts
from tui_ft.tui.gpu_seats import Seat
from tui_ft.tui.method_view import Wish
from tui_ft.tui.wizard.draft import Draft
from tui_ft.vram.shape import ModelShape


def wish_of(draft: Draft) -> Wish:
    """The goals, and what the check of the data found.

    Until the settings were seen the recommended method is shown as it is recommended; from then on as the
    person has it.
    """
    whole = msgspec.structs.replace(draft.spec.data, limit=None)
    amount = volume(msgspec.structs.replace(draft.spec, data=whole), draft.findings)
    split = 0 if draft.spec.data.eval else amount.held_out_rows or 0
    rows = None if amount.rows is None else amount.rows + split
    return Wish(
        goals=draft.goals,
        rows=rows,
        longest_row=amount.longest_row,
        wants_advice=not draft.has_seen("settings"),
    )


def recommended(
    start: RunSpec, shape: ModelShape, seat: Seat, reading: GpuReading, wish: Wish, method: str
) -> RunSpec:
    """The spec with which `method` is recommended, `start` being what nobody has changed (`untouched`).

    Raises `TuiFtError` for a method that cannot be used with them.
    """
    question = method_facts.question_of(start, shape, seat, reading, wish)
    try:
        advice = recommend(question)
    except TuiFtError:  # no method has a number: its own defaults are all that can be said
        return _by_default(question, question.spec, method)
    if advice.method == method and startable(advice.plan)[0]:
        return advice.plan.spec
    return _by_default(question, advice.base_spec if advice.is_runnable else question.spec, method)


def untouched(draft: Draft, spec: RunSpec) -> RunSpec:
    """Model, data, GPUs and notes of `spec`; everything else as the preset, or the defaults, have it."""
    start = draft.preset[1] if draft.preset else RunSpec()
    return msgspec.structs.replace(
        start, model=spec.model, data=spec.data, hardware=spec.hardware, notes=spec.notes
    )


def _by_default(question: Question, spec: RunSpec, method: str) -> RunSpec:
    changed = overrides.apply(spec, switch(spec, question.shape, method))
    return overrides.apply(changed, start_values(question, changed.objective.kind))

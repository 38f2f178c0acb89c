"""What the guide says about a wish before a model is chosen: go or stop, why, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from tui_ft.data.findings import Findings
from tui_ft.guide.question import Gate, Question
from tui_ft.guide.recommend import recommend
from tui_ft.spec.paths import DEMO
from tui_ft.spec.run_spec import ModelSection, RunSpec
from tui_ft.vram.find_model import find_shape
from tui_ft.vram.shape import ModelShape

_SPEC = RunSpec(model=ModelSection(id=DEMO))
"""The guide speaks of some model; nothing that it says about a wish depends on which one."""


class Advice(NamedTuple):
    """The gate's verdict, how the wish is carried out, and why this version cannot ("" when it can)."""

    gate: Gate
    way: str
    why_not: str = ""
    instead: str = ""


def advise(goals: frozenset[str], rows: int | None) -> Advice:
    """Ask the guide; it takes some milliseconds."""
    answer = recommend(Question(shape=_any_shape(), spec=_SPEC, goals=goals, rows=rows))
    way = next((reason.text for reason in answer.reasons[1:]), answer.reasons[0].text)
    if answer.is_runnable:
        return Advice(answer.gate, way)
    best = answer.next_best
    return Advice(answer.gate, way, answer.why_not, best.text if best is not None else "")


def known_rows(findings: Mapping[str, Findings]) -> int | None:
    """How many rows there are to learn from, where the data were checked already."""
    whole = [found.usable_rows for found in findings.values() if not found.is_partial]
    return sum(whole) if whole else None


@cache
def _any_shape() -> ModelShape:
    return find_shape(DEMO)

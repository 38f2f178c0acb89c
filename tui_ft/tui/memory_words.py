"""An estimate in words: its parts, its totals, what it rests on, and what would make a method fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.question import Recommendation
from tui_ft.guide.rule import METHOD_NAMES
from tui_ft.tui.gpu_seats import Seat
from tui_ft.tui.method_view import Step, View
from tui_ft.tui.text import fit, gib, plain
from tui_ft.tui.widgets.memory_bars import VERDICT_WORDS, checkpoint_text, share_text
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.verdict import WORDS

_PARTS: Mapping[str, str] = {
    "weights": "the model",
    "adapter": "what the method adds",
    "gradients": "one for each trained weight",
    "optimizer": "what it remembers of each",
    "activations": "kept for the backward pass",
    "loss": "from the last layer to the loss",
    "workspace": "scratch of the GPU's libraries",
}
_BASES: Mapping[str, str] = {
    "closed_form": "by formula",
    "simulated": "= exact: simulated",
    "measured": "= measured",
}
_BAR = 12
_CHANGE = 46
"""Cells at the most for a change on the ladder."""


def reason_entries(view: View, row: MethodRow, steps: Sequence[Step]) -> list[Entry]:
    """Why the recommended method, what the chosen one takes, and what would make it fit.

    Of a method that does not fit what would help comes first: that is what is asked then.
    """
    is_best = row.method == view.recommended
    advice = list(_advice(view, is_best)) if view.advice else [(plain(view.problem), "strong")]
    own: list[Entry] = [(facts(row, view.seat, is_short=bool(steps)), "strong" if steps else "")]
    if not (row.runnable or row.problem or is_best):
        own.append((f"– This version cannot start it: {plain(row.why_not)}.", "bad"))
    if row.verdict == "tight":
        own.append(("Tight: it may run. tui-ft estimate --probe takes one real step, which tells.", ""))
    own += _ladder(steps)
    if steps and not is_best:
        return own + advice
    return advice + own + (list(_more(view.advice)) if is_best and view.advice else [])


def _advice(view: View, is_best: bool) -> Iterator[Entry]:
    """What the guide says in one line, and what speaks against it."""
    advice = view.advice
    assert advice is not None
    best = next((one for one in view.rows if one.method == advice.method), None)
    name = best.label if best else METHOD_NAMES.get(advice.method, advice.method)
    first = advice.reasons[0]
    verb = "comes nearest" if advice.verdict == "does_not_fit" else "is recommended"
    yield f"★ {name} {verb}. {plain(first.text)} ({first.rule})", "strong"
    if not advice.is_runnable:
        yield f"– This version cannot start it: {plain(advice.why_not)}.", "bad"
        if advice.next_best is not None:
            yield f"  Next best: {plain(advice.next_best.title)}. {plain(advice.next_best.text)}", ""
    if is_best:
        for warning in advice.gate.reasons + advice.gate.warnings:
            yield f"! {plain(warning.text)} ({warning.rule})", "bad"


def _more(advice: Recommendation) -> Iterator[Entry]:
    for reason in advice.reasons:
        if reason is not advice.reasons[0]:
            yield f"{plain(reason.text)} ({reason.rule})", ""
        if reason.more:
            yield plain(reason.more), "muted"


def facts(row: MethodRow, seat: Seat, *, is_short: bool = False) -> str:
    """Need, free memory and verdict of a method; unless it is to be short, what it trains and leaves."""
    estimate = row.estimate
    if estimate is None:
        return plain(row.problem)
    need = f"{row.label}: {gib(estimate.needed_bytes)} GiB needed"
    if seat.free_bytes is not None:
        need += f", {gib(seat.free_bytes)} free: {WORDS[row.verdict]}"
    need += f" ({gib(estimate.low_bytes)} to {gib(estimate.high_bytes)})."
    if is_short:
        return need
    trained = f"{count_text(estimate.trainable_parameters)} parameters, {share_text(row)}"
    return (
        f"{need} It trains {trained}; checkpoint {checkpoint_text(row)}; speed: {row.speed}. "
        f"Best use: {row.best_use}."
    )


def _ladder(steps: Sequence[Step]) -> Iterator[Entry]:
    if not steps:
        return
    yield "To make it fit (a digit applies the change):", "strong"
    widest = min(max(len(plain(step.change)) for step in steps), _CHANGE)
    for step in steps:
        word, look = VERDICT_WORDS[step.verdict]
        remark = f"  {plain(step.remark)}" if step.remark else ""
        line = (
            f"{step.key or '–'}  {fit(step.change, widest)} {gib(step.needed_bytes):>6} GiB  {word}{remark}"
        )
        yield line, "good" if step.key and look == "good" else ""


def breakdown_entries(row: MethodRow, seat: Seat) -> list[Entry]:
    """The parts at the peak, which add up, the totals, and what the numbers rest on."""
    estimate = row.estimate
    if estimate is None:
        return [(plain(row.problem), "bad")]
    extra = estimate.needed_bytes - estimate.allocated_bytes - estimate.context_bytes
    entries: list[Entry] = [
        *_parts(estimate.parts),
        _sum("= allocated", estimate.allocated_bytes, f"at the peak ({plain(estimate.peak_phase)})"),
        _sum("+ context", estimate.context_bytes, "CUDA, before the first tensor"),
        _sum("+ allocator", extra, "what its blocks leave unused"),
        _sum("= needed", estimate.needed_bytes, _between(estimate)),
    ]
    if seat.free_bytes is not None:
        entries.append(_sum("  free", seat.free_bytes, WORDS[row.verdict]))
    entries.append(_sum("  nvidia-smi", estimate.nvidia_smi_bytes, "will show about so much"))
    notes = [f"Rests on: {basis_text(row)}.", *estimate.notes]
    return entries + [(plain(note), "muted") for note in notes]


def _parts(parts: Parts) -> Iterator[Entry]:
    most = max(parts.total, 1)
    for field in fields(Parts):
        size: int = getattr(parts, field.name)
        if size:
            filled = round(_BAR * size / most)
            bar = "█" * filled + "░" * (_BAR - filled)
            yield f"  {field.name:<12}{_gib(size)} GiB  {bar}  {_PARTS[field.name]}", ""


def _sum(name: str, size: int, remark: str) -> Entry:
    return f"{name:<14}{_gib(size)} GiB  {remark}", "strong" if name.startswith("=") else ""


def _gib(size: int) -> str:
    """GiB with two places, so that the eye can add them up."""
    return f"{size / 2**30:7.2f}"


def _between(estimate: Estimate) -> str:
    return f"to run; between {gib(estimate.low_bytes)} and {gib(estimate.high_bytes)}"


def basis_text(row: MethodRow) -> str:
    """What a row's numbers rest on, in a few words."""
    if row.estimate is None:
        return ""
    checked = "checked" if row.estimate.validated else "outside what was checked"
    return f"{_BASES.get(row.estimate.basis, row.estimate.basis)}, {checked}"


def count_text(count: int) -> str:
    """A number of parameters with three digits and a unit."""
    for limit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.3g}{name}"
    return str(count)

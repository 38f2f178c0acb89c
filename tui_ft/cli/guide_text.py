"""A recommendation for people, in 80 columns: the advice first, then why, how to start, and what else."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.question import Alternative, Question, Reason, Recommendation
from tui_ft.guide.rule import METHOD_NAMES, OBJECTIVE_NAMES, Rule
from tui_ft.guide.scenarios import Scenario
from tui_ft.guide.starting import HINTS, hyperparameters
from tui_ft.spec.display import method_label
from tui_ft.spec.errors import printable
from tui_ft.spec.run_spec import DataSection
from tui_ft.vram.holders import gib_text
from tui_ft.vram.verdict import WORDS, Verdict

WIDTH = 80


def lines(
    question: Question, answer: Recommendation, rows: Sequence[MethodRow], *, spec: str | None = None
) -> Iterator[str]:
    """Every line of the answer; `rows` compare all methods, `spec` is what --spec named."""
    yield from _wrapped(_subject(question))
    yield ""
    for note in question.notes:
        yield from _wrapped(printable(note))
    if question.notes:
        yield ""
    yield from _gate(answer)
    yield from _wrapped(_headline(answer))
    for reason in answer.reasons:
        yield from _reason(reason)
    if not answer.is_runnable:
        yield ""
        yield from _not_yet(answer)
    yield ""
    yield from _start(answer)
    yield ""
    yield from _table(answer, rows)
    others = [other for other in answer.alternatives if _is_worth_a_line(question, other)]
    if others:
        yield ""
        yield "Otherwise:"
        for other in others:
            yield from _other(question, other)
    yield ""
    yield "The numbers behind it:"
    yield from _wrapped(_command(question, answer, spec), "  ", 4)


def rule_lines(rules: Sequence[Rule], scenarios: Sequence[Scenario]) -> Iterator[str]:
    """The table of rules, and the tables of other guides with our answers."""
    yield "Rules, asked from top to bottom:"
    for rule in rules:
        yield from _wrapped(f"{rule.condition} -> {rule.outcome} ({rule.source})", f"  {rule.id:<4} ", 7)
    yield ""
    yield "What other guides say, and what this one answers:"
    for one in scenarios:
        text = f"{one.situation}: {one.advice} ({one.source}). Here: {one.answer} ({', '.join(one.rules)})."
        yield from _wrapped(f"{text} {one.correction}".rstrip(), "  - ", 4)


def _subject(question: Question) -> str:
    shape = question.shape
    rows = "an unknown number of rows" if question.rows is None else f"{question.rows:,} rows"
    free = "no GPU known" if question.free_bytes is None else f"{gib_text(question.free_bytes)} free"
    if question.gpus > 1:
        free += f" on each of {question.gpus} GPUs" if len(set(question.further_free_bytes)) == 1 else ""
    goals = ", ".join(sorted(question.goals))
    count = shape.parameters
    size = f"{count / 1e9:.2f}B" if count >= 10**9 else f"{count / 1e6:.1f}M"
    return f"{printable(shape.name)}, {size} parameters. {goals}; {rows}; {free}."


def _gate(answer: Recommendation) -> Iterator[str]:
    if answer.gate.verdict == "stop":
        yield "DO NOT FINE-TUNE (yet)."
        for reason in answer.gate.reasons:
            yield from _reason(reason)
        yield ""
        yield "If you do it all the same:"
    for reason in answer.gate.warnings:
        yield from _wrapped(f"Beware: {reason.text} {reason.more}")


def _headline(answer: Recommendation) -> str:
    method = METHOD_NAMES[answer.method] if answer.method == "qat" else method_label(answer.plan.spec)
    gpus = f" on {answer.plan.gpus} GPUs" if answer.plan.gpus > 1 else ""
    fit = _FITS.get(answer.verdict, WORDS[answer.verdict])
    said = "Recommended" if answer.verdict != "does_not_fit" else "The nearest"
    return f"{said}: {method} with {OBJECTIVE_NAMES[answer.objective]}{gpus}: {fit}."


_FITS: Mapping[Verdict, str] = {
    "unknown": "no GPU is known to hold it against",
    "tight": "tight, so measure it with `tui-ft estimate --probe`",
}


def _reason(reason: Reason) -> Iterator[str]:
    yield from _wrapped(f"{reason.text} {reason.more}".rstrip(), f"  {reason.rule:<4} ", 7)


def _not_yet(answer: Recommendation) -> Iterator[str]:
    yield from _wrapped(f"This version cannot start that: {answer.why_not}.")
    best = answer.next_best
    if best is None:
        yield "Of what it can start, nothing comes near."
    else:
        yield from _wrapped(
            f"What it can start: {printable(best.title)}, {gib_text(best.needed_bytes)}, "
            f"{WORDS[best.verdict]}. {best.text}"
        )


def _start(answer: Recommendation) -> Iterator[str]:
    """The settings that are most often moved, each with when to move it; then the rest."""
    yield "Start with                          and change it when"
    change = {hint.field: hint.change for hint in HINTS}
    rest = []
    for field, value in hyperparameters(answer.plan.spec, answer.method).items():
        shown = f"{_NAMES.get(field) or field.partition('.')[2].replace('_', ' ')} {_value(value)}"
        if field in _REST:
            rest.append(shown)
        else:
            line = f"  {shown}"
            yield from _wrapped(change.get(field, ""), f"{line:<36}", 36) or [line]
    yield from _wrapped(f"The rest: {', '.join(rest)}.", "  ", 4)


_REST = frozenset(
    {
        "training.schedule", "training.warmup", "training.weight_decay", "training.max_grad_norm",
        "training.precision", "training.gradient_checkpointing", "data.packing", "evaluation.every_epochs",
        "method.double_quantization", "hardware.gpus", "hardware.strategy",
    }
)  # fmt: skip

_NAMES: Mapping[str, str] = {
    "evaluation.every_epochs": "epochs between evaluations",
    "data.max_length": "length",
}


def _command(question: Question, answer: Recommendation, spec: str | None) -> str:
    """The command that estimates the same run."""
    words = ["tui-ft", "estimate"]
    if spec is not None:
        words += ["--spec", printable(spec)]
    words += ["--model", printable(question.spec.model.id or "")]
    length = question.spec.data.max_length
    if length != DataSection().max_length:
        words += ["--seq-length", str(length)]
    for change in answer.plan.overrides:
        words += ["--set", change]
    return shlex.join(words)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.0e}".replace("e-0", "e-") if 0 < value < 1e-3 else f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else printable(str(value))


def _table(answer: Recommendation, rows: Sequence[MethodRow]) -> Iterator[str]:
    """All methods in the model's own numbers; the recommended one is marked."""
    yield "  All methods           needs                trains  checkpoint  speed"
    for row in rows:
        mark = ">" if row.method == answer.method else " "
        needs = gib_text(row.estimate.needed_bytes) if row.estimate else "–"
        share = _percent(row.trainable_share) if row.estimate else "–"
        saved = _size(row.checkpoint_bytes) if row.estimate else "–"
        yield (
            f"{mark} {row.label[:16]:<16}{needs:>11}  {WORDS[row.verdict]:<12} {share:>8}  {saved:>10}  "
            f"{row.speed:<7} {'' if row.runnable else 'later'}"
        ).rstrip()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"


def _size(size: int) -> str:
    return gib_text(size) if size >= 10 << 20 else f"{size / 2**20:.1f} MiB"


def _is_worth_a_line(question: Question, other: Alternative) -> bool:
    """Another model or GPU, or a method that could be taken."""
    return _is_elsewhere(question, other) or other.verdict != "does_not_fit"


def _is_elsewhere(question: Question, other: Alternative) -> bool:
    return other.plan is None or other.plan.spec.model.id != question.spec.model.id


def _other(question: Question, other: Alternative) -> Iterator[str]:
    later = "" if other.is_runnable or other.plan is None else " (not in this version)"
    fit = ""
    if _is_elsewhere(question, other):
        fit = f"{gib_text(other.needed_bytes)}, {WORDS[other.verdict]}. "
    yield from _wrapped(f"{printable(other.title)}: {fit}{other.text}{later}", "  - ", 4)


def _wrapped(text: str, first: str = "", indent: int = 2) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=True,
        break_on_hyphens=False,
    )

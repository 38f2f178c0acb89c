"""What a run was for, for its report: the question, the data, the method and the reason for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tui_ft.runs.provenance import Provenance, count_of, text_of
from tui_ft.spec.display import effective_batch, method_label
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec
from tui_ft.watch import memory
from tui_ft.watch.markdown import NOT_KNOWN, brief, code, count, number, table, text
from tui_ft.watch.run_report_facts import ReportFacts

_OBJECTIVES = {
    "sft": "answer as the rows do (supervised fine-tuning)", "dpo": "prefer the chosen answers (DPO)",
    "kto": "prefer what was marked as good (KTO)", "orpo": "learn and prefer at once (ORPO)",
    "reward": "score answers (reward model)", "rloo": "answer as a reward asks for (RLOO)",
    "grpo": "answer as a reward asks for (GRPO)", "distill": "answer as its teacher does (distillation)",
}  # fmt: skip
_MOST_SKIPS = 10
_MOST_SETTINGS = 60


def question(facts: ReportFacts) -> Iterator[str]:
    """What the run is to answer: the words of its notes, else what its spec wants."""
    spec = facts.spec
    if spec is None:
        yield "What the run was to answer was not written down where it can be read."
        return
    if spec.notes.text:
        yield f"> {text(spec.notes.text)}"
        yield ""
    else:
        yield "_Not written down (`notes.text` of the spec)._"
        yield ""
    aim = _OBJECTIVES.get(spec.objective.kind, spec.objective.kind)
    yield f"The model {code(spec.model.id)} is to {aim}."
    if spec.notes.tags:
        yield ""
        yield f"Tags: {', '.join(code(tag) for tag in spec.notes.tags)}"


def data(facts: ReportFacts) -> Iterator[str]:
    """What it learned from, and how much of it was used."""
    newest = facts.newest
    found = newest.data if newest is not None else {}
    if not found:
        yield "What it learned from was not written down where it can be read."
        return
    yield from table(
        ["Source", "Format", "Rows", "Used", "Cut short", "For"],
        [*_sources(found, "sources", "training"), *_sources(found, "eval_sources", "evaluation")],
    )
    yield ""
    yield (
        f"{_count(found, 'train_rows')} rows to train on, {_count(found, 'eval_rows')} held out; "
        f"{_count(found, 'tokens')} tokens, of which {_count(found, 'trained_tokens')} count for the loss. "
        f"The longest row had {_count(found, 'longest')} tokens (`data.max_length` = "
        f"{_count(found, 'max_length')})."
    )
    skips = list(_skips(found))
    if skips:
        yield ""
        yield "Rows that were not used:"
        yield ""
        yield from skips[:_MOST_SKIPS]
    yield ""
    yield f"Hash of the rows: {code(text_of(found.get('content_hash')) or '')}"


def _sources(found: Mapping[str, Any], key: str, use: str) -> Iterator[Sequence[str]]:
    sources = found.get(key)
    for source in sources[:20] if isinstance(sources, list) else ():
        if isinstance(source, dict):
            counts = [_count(source, name) for name in ("rows", "used", "truncated")]
            yield [code(source.get("name", "")), code(source.get("format", "")), *counts, use]


def _skips(found: Mapping[str, Any]) -> Iterator[str]:
    sources = [*_list(found.get("sources")), *_list(found.get("eval_sources"))]
    for source in sources:
        skipped = source.get("skipped") if isinstance(source, dict) else None
        for reason, about in (skipped if isinstance(skipped, dict) else {}).items():
            if isinstance(about, dict):
                yield f"- {_count(about, 'count')} of {code(source.get('name', ''))}: {text(reason)}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(found: Mapping[str, Any], key: str) -> str:
    return count(count_of(found.get(key)))


# --- method ------------------------------------------------------------------------------------------


def method(facts: ReportFacts) -> Iterator[str]:
    """What moved, with which settings, and what the guide says of that choice."""
    if facts.spec is None:
        yield from _foreign_settings(facts)
        return
    yield from _trained(facts.spec, facts.newest)
    yield ""
    yield from table(["Setting", "Value"], _settings(facts.spec))
    yield ""
    yield from _reasons(facts, facts.spec)
    report = facts.reading.gpu_memory
    if report is not None:
        ran_out = facts.reading.exit is not None and facts.reading.exit.cause == "cuda_oom"
        yield ""
        yield f"{text(memory.wordings(report, ran_out=ran_out)[0])}."


def _trained(spec: RunSpec, newest: Provenance | None) -> Iterator[str]:
    environment = newest.environment if newest is not None else {}
    trained, whole = (
        count_of(environment.get("trainable_parameters")),
        count_of(environment.get("parameters")),
    )
    share = f" ({100 * trained / whole:.3g} %)" if trained is not None and whole else ""
    moved = f"{count(trained)} of {count(whole)} parameters"
    yield f"**{text(method_label(spec))}**: {moved} were trained{share}."


def _settings(spec: RunSpec) -> Iterator[Sequence[str]]:
    full = resolve(spec)
    training, kind = full.training, full.method
    if kind.rank is not None:
        yield "rank, alpha, dropout", f"{kind.rank}, {number(kind.alpha)}, {number(kind.dropout)}"
    if kind.targets is not None:
        yield (
            "target modules",
            code(kind.targets if isinstance(kind.targets, str) else ", ".join(kind.targets)),
        )
    if kind.quantization is not None:
        yield "quantisation of the base", code(kind.quantization)
    yield (
        "learning rate",
        f"{brief(training.learning_rate)}, {text(training.schedule)}, warmup {number(training.warmup)}",
    )
    length = (
        f"{count(training.max_steps)} steps" if training.max_steps else f"{number(training.epochs)} epochs"
    )
    yield "length", length
    batch = f"{training.batch_size} rows × {training.gradient_accumulation} accumulated"
    yield "effective batch", f"{effective_batch(full)} ({batch})"
    yield "optimizer", f"{code(training.optimizer)}, weight decay {number(training.weight_decay)}"
    yield "gradients clipped at", number(training.max_grad_norm)
    yield "longest row", f"{count(full.data.max_length)} tokens{', packed' if full.data.packing else ''}"
    yield "seeds", f"training {training.seed}, data {full.data.seed}"


def _reasons(facts: ReportFacts, spec: RunSpec) -> Iterator[str]:
    """The guide's answer for this model, these rows and this GPU, beside what was really chosen."""
    advice = facts.advice
    if advice is None:
        yield f"Why this method: the guide says nothing here, because {text(facts.no_advice.rstrip('.'))}."
        return
    label = method_label(advice.plan.spec)
    same = label == method_label(spec)
    yield f"The guide {'advises the same' if same else f'would have advised {text(label)}'}:"
    yield ""
    for reason in advice.reasons:
        yield f"- {text(reason.text)} ({text(reason.rule)})"
    for reason in (*advice.gate.reasons, *advice.gate.warnings):
        yield f"- Against it: {text(reason.text)} ({text(reason.rule)})"


def _foreign_settings(facts: ReportFacts) -> Iterator[str]:
    reading = facts.reading
    known = " · ".join(text(part) for part in (reading.model, reading.method) if part)
    yield known or "The method is not known: another program's run tells only what it logs."
    rows = [
        [code(name), code(value) if not isinstance(value, float) else number(value)]
        for name, value in sorted(reading.settings.items())
        if value is not None
    ]
    if rows:
        yield ""
        yield from table(["Setting", "Value"], rows[:_MOST_SETTINGS])
    if len(rows) > _MOST_SETTINGS:
        yield ""
        yield f"and {len(rows) - _MOST_SETTINGS} more settings."
    if not known and not rows:
        yield NOT_KNOWN

"""The Review page in words: what runs, on what, how long, for how much, and what is written where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tui_ft.data.findings import Findings, Problem
from tui_ft.guide.goals import GOALS
from tui_ft.guide.switching import method_of
from tui_ft.guide.volume import key_of
from tui_ft.spec.compare import NOT_USED, compare
from tui_ft.spec.display import method_label
from tui_ft.spec.learning import DataSource
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.memory_words import count_text
from tui_ft.tui.starting import StartFacts
from tui_ft.tui.text import gib
from tui_ft.tui.widgets.memory_bars import size_text
from tui_ft.tui.widgets.page import Fact
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.live_words import (
    cost_text,
    count_words,
    memory_text,
    steps_text,
    time_text,
    tokens_text,
    verdict_piece,
)
from tui_ft.tui.wizard.review_facts import Review
from tui_ft.tui.wizard.review_questions import refusals

PROBLEMS_SHOWN = 4
_SEVERITIES = {"error": "✗", "warning": "!", "note": "·"}
_TRAINED = {"completion": "the last answer", "assistant": "every answer", "all": "everything, prompts too"}


def facts(draft: Draft, review: Review, start: StartFacts | None) -> list[Fact]:
    """The page. `start` is what only the network can tell; None while it is asked."""
    return [
        *(
            Fact("Stop" if not n else "", f"✗ {text}", "bad")
            for n, text in enumerate(refusals(review, start))
        ),
        *_goal(draft, review),
        *_model(review, start),
        *_data(draft, review),
        *_method(review),
        *_memory(review, start),
        *_work(review),
        *_disk(review),
        *_changes(draft, review),
        *_smoke(review),
        *_places(review),
    ]


def _goal(draft: Draft, review: Review) -> Iterator[Fact]:
    meanings = [goal.meaning for goal in GOALS if goal.word in draft.goals]
    yield Fact("Goal", "; ".join(meanings) or "–")
    if draft.went_on_despite_gate:
        yield Fact("", "! The guide advised against fine-tuning; you went on regardless.", "bad")
    gate = review.advice.gate if review.advice is not None else None
    for reason in (*gate.reasons, *gate.warnings) if gate is not None else ():
        yield Fact("", f"! {reason.text} ({reason.rule})", "bad" if gate.verdict == "stop" else "")


def _model(review: Review, start: StartFacts | None) -> Iterator[Fact]:
    spec, shape = review.spec, review.outlook.shape
    text = spec.model.id or "–"
    if spec.model.revision:
        text += f" at {spec.model.revision}"
    if shape is not None:
        text += f": {count_text(shape.parameters)} parameters, {shape.layers} layers"
        if shape.context:
            text += f", context {shape.context:,}"
    yield Fact("Model", text, "strong")
    if start is None:
        yield Fact("", "Download: …", "muted")
    elif start.download.needed_bytes != 0 or start.download.problem:
        look = "bad" if start.download.problem else ""
        yield Fact("", f"Download: {start.download_text} · disk: {gib(start.free_disk_bytes)} GiB free", look)
    if spec.model.trust_remote_code:
        files = f" ({', '.join(review.code)})" if review.code else ""
        yield Fact("", f"! trust_remote_code: the model's own Python{files} will run here as you, with your "
                       "files and tokens. Enter asks once more.", "bad")  # fmt: skip


def _data(draft: Draft, review: Review) -> Iterator[Fact]:
    data = review.spec.data
    train = data.train
    sources = [DataSource(path=train)] if isinstance(train, str) else list(train or [])
    if not sources:
        yield Fact("Data", "none", "bad")
    for number, source in enumerate(sources):
        key = key_of(source.path)
        found = draft.findings.get(key)
        name = "" if number else "Data"
        weight = f", weight {source.weight:g}" if source.weight != 1 else ""
        yield Fact(name, f"{source.path}: {_rows_text(found)}{weight}", "strong")
        if key in review.stale:
            yield Fact("", "! it has changed since it was checked: [ goes back to look again", "bad")
        if found is not None:
            yield from _problems(found)
    yield Fact("", _split_text(review))
    words = f"cut at {data.max_length:,} tokens"
    if review.outlook.volume.longest_row:
        words += f" (the longest row has {review.outlook.volume.longest_row:,})"
    packed = ", packed" if data.packing else ""
    limit = f", at most {data.limit:,} rows" if data.limit else ""
    yield Fact("", f"{words}{packed}{limit}; trained on: {_TRAINED[data.train_on]}")


def _rows_text(found: Findings | None) -> str:
    if found is None:
        return "not checked yet; the run itself will find out"
    partial = " of those looked at" if found.is_partial else ""
    return f"{found.usable_rows:,} of {found.rows:,} rows{partial} can be used ({found.format})"


def _problems(found: Findings) -> Iterator[Fact]:
    order = list(_SEVERITIES)
    ranked = sorted(found.problems, key=lambda problem: order.index(problem.severity))
    worth = [problem for problem in ranked if problem.severity != "note"]
    for problem in worth[:PROBLEMS_SHOWN]:
        yield Fact("", _problem_text(problem), "bad" if problem.severity == "error" else "")
    if len(worth) > PROBLEMS_SHOWN:
        yield Fact("", f"… and {len(worth) - PROBLEMS_SHOWN} kinds more: see the Data step", "muted")


def _problem_text(problem: Problem) -> str:
    rows = "1 row" if problem.count == 1 else f"{problem.count:,} rows"
    return f"{_SEVERITIES[problem.severity]} {rows}: {problem.message}"


def _split_text(review: Review) -> str:
    data, amount = review.spec.data, review.outlook.volume
    if data.eval:
        return f"held out: {data.eval}"
    if not data.eval_fraction:
        return "held out: nothing, so that overfitting is not seen"
    if amount.held_out_rows is None:
        return f"held out: {data.eval_fraction:.0%} of the rows"
    return f"{amount.rows or 0:,} rows to train on, {amount.held_out_rows:,} held out"


def _method(review: Review) -> Iterator[Fact]:
    advice, assessment = review.advice, review.outlook.assessment
    text = method_label(review.spec)
    if assessment is not None and review.outlook.shape is not None:
        trained = assessment.estimate.trainable_parameters
        text += f": {count_text(trained)} parameters move"
        text += f", {trained / review.outlook.shape.parameters:.2%}"
    yield Fact("Method", text, "strong")
    if advice is None:
        return
    if advice.method == method_of(review.spec):
        yield Fact("", f"★ recommended: {advice.reasons[0].text} ({advice.reasons[0].rule})")
    else:
        label = method_label(advice.plan.spec)
        yield Fact("", f"your choice; the guide recommends {label}: {advice.reasons[0].text}")


def _memory(review: Review, start: StartFacts | None) -> Iterator[Fact]:
    outlook = review.outlook
    text = memory_text(outlook)
    if outlook.assessment is not None and start is not None and start.gpu.startswith("none"):
        yield Fact("Memory", f"{text}; it trains on the CPU", "strong")
        return
    if outlook.assessment is not None and outlook.assessment.gpu is not None:
        sign = verdict_piece(outlook)[0].split()[0]
        estimate = outlook.assessment.estimate
        text = f"{sign} {text} ({gib(estimate.low_bytes)} to {gib(estimate.high_bytes)})"
    bad = outlook.assessment is not None and outlook.assessment.verdict == "does_not_fit"
    yield Fact("Memory", text, "bad" if bad else "strong")
    if start is not None:
        yield Fact(
            "", f"on {start.gpu}" if not start.gpu.startswith("none") else "no GPU: it trains on the CPU"
        )
        if start.held:
            yield Fact("", f"! somebody is on it: {start.held}", "bad")


def _work(review: Review) -> Iterator[Fact]:
    outlook, training = review.outlook, review.spec.training
    passes = "" if training.max_steps else f", {training.epochs:g} epochs"
    whole = f", {count_words(outlook.pace.tokens)} in all" if outlook.pace.tokens else ""
    yield Fact("Steps", f"{steps_text(outlook)}{passes}, {tokens_text(outlook.volume)}{whole}")
    yield Fact("Time", time_text(outlook.pace) + _basis(outlook.pace.text))
    yield Fact("Cost", cost_text(outlook.cost) + _basis(outlook.cost.text))


def _basis(text: str) -> str:
    return f" · {text}" if text else ""


def _disk(review: Review) -> Iterator[Fact]:
    disk = review.disk
    if disk.need_bytes is None or disk.checkpoint_bytes is None or disk.result_bytes is None:
        yield Fact("Disk", f"checkpoints: not known; {gib(disk.free_bytes)} GiB free")
        return
    need = f"{size_text(disk.need_bytes)} at the most, {gib(disk.free_bytes)} GiB free"
    parts = f"{disk.copies} checkpoints of {size_text(disk.checkpoint_bytes)} while one is written"
    text = f"{need} · {parts}, result {size_text(disk.result_bytes)}"
    yield Fact("Disk", f"✗ {text}" if disk.is_short else text, "bad" if disk.is_short else "")


def _changes(draft: Draft, review: Review) -> Iterator[Fact]:
    said = list(_differences(draft.spec, draft.base))
    yield Fact(
        "Changed",
        "nothing: all as recommended" if not said else "from the recommendation: " + "; ".join(said),
    )
    if draft.preset is not None:
        name, spec = draft.preset
        said = list(_differences(draft.spec, spec))
        yield Fact("", f"from {name}: " + ("; ".join(said) or "nothing"))


def _differences(spec: RunSpec, other: RunSpec) -> Iterator[str]:
    for one in compare(spec, other):
        is_used = NOT_USED not in (one.left, one.right)  # else the method itself says it
        if is_used and one.field.section not in ("model", "data", "notes"):
            yield f"{one.field.path} {one.left} (was {one.right})"


def _smoke(review: Review) -> Iterator[Fact]:
    found = review.smoked
    if found.state == "none":
        yield Fact("Smoke run", "not made: t takes a few steps on few rows first, then the real run")
    elif found.state == "passed" and found.run is not None:
        yield Fact("Smoke run", f"✓ {found.text} ({found.run.id})", "good")
    elif found.state == "going" and found.run is not None:
        yield Fact("Smoke run", f"▶ {found.run.id} is {found.text}: t follows it", "strong")
    else:
        yield Fact("Smoke run", f"✗ {found.text}. t tries again", "bad")


def _places(review: Review) -> Iterator[Fact]:
    yield Fact(
        "Writes",
        f"{_home(review.runs_root)}/<date>-<name>-<letters>/: spec, metrics, log, checkpoints, result",
    )
    if review.file_problem:
        yield Fact("Command", f"✗ {review.file_problem}", "bad")
        return
    yield Fact("", f"{_home(Path(review.file))}: the spec, for the command")
    yield Fact("Command", review.command, "code", is_whole=True)


def _home(path: Path) -> str:
    """The path with ~ for the home folder."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)

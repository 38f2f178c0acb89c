"""The Review page in words: what runs, on what, how long, for how much, and what is written where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tui_ft.guide.question import Recommendation
from tui_ft.guide.switching import method_of
from tui_ft.runs.directory import slug
from tui_ft.spec.compare import NOT_USED, compare
from tui_ft.spec.display import method_label, run_name
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.memory_words import count_text
from tui_ft.tui.starting import StartFacts
from tui_ft.tui.text import gib
from tui_ft.tui.widgets.memory_bars import percent_text, size_text
from tui_ft.tui.widgets.page import Fact
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.goal_words import LINES
from tui_ft.tui.wizard.live_words import (
    cost_text,
    count_words,
    memory_text,
    steps_text,
    time_text,
    tokens_text,
    verdict_piece,
)
from tui_ft.tui.wizard.review_data_words import data_facts
from tui_ft.tui.wizard.review_facts import Review
from tui_ft.tui.wizard.review_questions import refusals


def facts(draft: Draft, review: Review, start: StartFacts | None) -> list[Fact]:
    """The page. `start` is what only the network can tell; None while it is asked."""
    return [
        *(
            Fact("Stop" if not n else "", f"✗ {text}", "bad")
            for n, text in enumerate(refusals(review, start))
        ),
        *_goal(draft, review),
        *_model(review, start),
        *data_facts(draft, review),
        *_method(review),
        *_memory(review, start),
        *_work(review),
        *_disk(review),
        *_changes(draft, review),
        *_smoke(review),
        *_places(review),
    ]


def _goal(draft: Draft, review: Review) -> Iterator[Fact]:
    chosen = [line.text for line in LINES if line.word and line.word in draft.goals]
    for number, text in enumerate(chosen or ["–"]):
        yield Fact("" if number else "Goal", text)
    if draft.went_on_despite_gate:
        yield Fact("", "! The guide advised against fine-tuning; you went on regardless.", "bad")
    if review.advice is not None:
        gate = review.advice.gate
        look = "bad" if gate.verdict == "stop" else ""
        for reason in (*gate.reasons, *gate.warnings):
            yield Fact("", f"! {reason.text} ({reason.rule})", look)


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


def _method(review: Review) -> Iterator[Fact]:
    spec, advice, assessment = review.spec, review.advice, review.outlook.assessment
    text = f"{method_label(spec)}, {spec.objective.kind.upper()}"
    if assessment is not None and review.outlook.shape is not None:
        trained = assessment.estimate.trainable_parameters
        share = percent_text(trained / review.outlook.shape.parameters)
        text += f": {count_text(trained)} parameters move, {share}"
    yield Fact("Method", text, "strong")
    if advice is not None:
        yield from _advised(spec, advice)


def _advised(spec: RunSpec, advice: Recommendation) -> Iterator[Fact]:
    """What the guide says of the method, and of a wish that this version cannot carry out."""
    reason = advice.reasons[0]
    if not advice.is_runnable:
        yield Fact("", f"! not what was asked for: {advice.why_not}", "bad")
        if advice.next_best is not None:
            yield Fact("", f"instead: {advice.next_best.text}")
    elif advice.method == method_of(spec):
        yield Fact("", f"★ recommended: {reason.text} ({reason.rule})")
    else:
        label = method_label(advice.plan.spec)
        yield Fact("", f"your choice; the guide recommends {label}: {reason.text}")


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
    epochs = "1 epoch" if training.epochs == 1 else f"{training.epochs:g} epochs"
    passes = "" if training.max_steps else f", {epochs}"
    whole = f", {count_words(outlook.pace.tokens)} in all" if outlook.pace.tokens else ""
    if outlook.volume.is_partial:
        whole += "; the check was ended early, so it may be more"
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
    place = f"{_home(review.runs_root)}/<date>-{slug(run_name(review.spec))}-<4 letters>/"
    yield Fact("Writes", f"{place}: spec, metrics, log, checkpoints, result")
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

"""The report on the tour's run: Markdown under the headings of the course's homework, filled from the run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tui_ft.atomic import keep
from tui_ft.data.wording import shown
from tui_ft.demo.tour import files
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.provenance import document
from tui_ft.spec import toml
from tui_ft.spec.display import method_label
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tour import answers, steps
from tui_ft.tour.run import REPORT
from tui_ft.watch.reading import Reading

EXAMPLES = 3
_BLANK = "_(to be filled in by you)_"


def write(run: RunDirectory, reading: Reading) -> Path:
    """Write the report into the run's result and return its path. Raises `TuiFtError` when it cannot be."""
    path = run.result / REPORT
    keep(path, ("\n".join(lines(run, reading)) + "\n").encode())
    return path


def lines(run: RunDirectory, reading: Reading) -> Iterator[str]:
    """The report's lines; what the run did not write down is a dash."""
    spec = toml.load(run.spec)
    attempt = run.attempt(reading.attempt)
    yield "# Corporate Documentation Assistant: report of a practice run"
    yield ""
    yield (
        "A small assistant for the handbook of Pellworth Lamps, a made-up company. Made by the guided tour "
        f"of tui-ft; run `{run.id}`, {_date(reading.started_at)}."
    )
    yield from _section("Environment", _environment(document(attempt.environment)))
    yield from _section("Data set", _data(document(attempt.data)))
    yield from _section("LoRA run", _training(spec, document(attempt.environment), reading))
    yield from _section("Challenges and results", _results(reading))
    yield from _section("Business impact", _impact())


def _section(title: str, body: Iterator[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from body


def _environment(found: Mapping[str, Any]) -> Iterator[str]:
    packages = found.get("packages") or {}
    gpu = found.get("gpu") or {}
    yield f"- Machine: {found.get('platform', '–')}"
    yield f"- Device: {gpu.get('name') or found.get('device', '–')}, {found.get('threads', '–')} CPU threads"
    yield f"- Python {found.get('python', '–')}; " + ", ".join(
        f"{name} {packages[name]}" for name in ("torch", "transformers", "trl", "peft") if packages.get(name)
    )


def _data(found: Mapping[str, Any]) -> Iterator[str]:
    from tui_ft.data import gate

    draft = gate.check(files.first_draft())
    yield f"- The first draft had {draft.rows} rows, {draft.usable_rows} of them usable. The check found:"
    for problem in draft.problems:
        message = shown(problem.message, 200) + steps.rows_of(problem)
        yield f"    - {problem.severity} `{problem.code}`: {message}"
    yield "- Mended: the missing answer written, the address taken out, the second copy deleted."
    yield from (f"- {line}" for line in steps.meant(gate.check(files.questions())))
    yield (
        f"- Trained on {_count(found.get('train_rows'))} rows ({_count(found.get('tokens'))} tokens, "
        f"{_count(found.get('trained_tokens'))} of them answers, which alone are trained). "
        f"Held out: {_count(found.get('eval_rows'))} questions on six pages of which no row is trained on."
    )


def _training(spec: RunSpec, environment: Mapping[str, Any], reading: Reading) -> Iterator[str]:
    training = spec.training
    batch = training.batch_size * training.gradient_accumulation
    trained, whole = environment.get("trainable_parameters"), environment.get("parameters")
    yield f"- Method: {method_label(spec)}; {_count(trained)} of {_count(whole)} parameters trained."
    yield (
        f"- {_count(reading.step)} of {_count(reading.total_steps)} steps of {batch} rows, "
        f"learning rate {training.learning_rate:g}, {_duration(reading)}."
    )
    yield f"- Loss: {_change(reading, 'loss')}. On the held-out questions: {_change(reading, 'eval_loss')}."
    yield f"- How it ended: {reading.status}. Result: `{reading.end.result if reading.end else '–'}`"


def _results(reading: Reading) -> Iterator[str]:
    told = answers.pair(files.read_held_out(), reading.samples)
    score = answers.score(told)
    yield f"{steps.score_line(score)} Right is an exact match. {steps.what_changed(score)}"
    yield ""
    yield "| Question | Before | After |"
    yield "|---|---|---|"
    for one in told[:EXAMPLES]:
        yield f"| {_cell(one.asked.question)} | {_cell(one.before)} | {_cell(one.after)} |"
    wrong = [one for one in told if one.after is not None and not one.is_right(one.after)]
    if wrong:
        yield ""
        yield "Wrong after training:"
        yield ""
        for one in wrong:
            said, wanted = _cell(one.after), _cell(one.asked.expected)
            yield f"- {_cell(one.asked.question)} Said: {said} Wanted: {wanted}"
    yield ""
    yield (
        "What this does not show: the model is tiny and grew up on handbooks of this kind, of other made-up "
        "companies. It reads no other text, and 24 questions are few: two right answers more or less "
        "are chance."
    )
    yield ""
    yield f"Own observations: {_BLANK}"


def _impact() -> Iterator[str]:
    yield f"- Who asks, and how often: {_BLANK}"
    yield f"- Time or money saved by an answer: {_BLANK}"
    yield f"- What a wrong answer costs, and who checks: {_BLANK}"
    yield f"- Next step: {_BLANK}"


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "–"


def _date(when: float | None) -> str:
    return "–" if when is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(when))


def _duration(reading: Reading) -> str:
    if reading.started_at is None or reading.ended_at is None:
        return "time –"
    return f"{reading.ended_at - reading.started_at:.0f} s from start to end"


def _change(reading: Reading, name: str) -> str:
    series = reading.series.get(name)
    if series is None or series.first is None or series.last is None:
        return "–"
    return f"from {series.first[1]:.3f} to {series.last[1]:.3f}"


def _cell(text: str | None) -> str:
    return "–" if text is None else shown(text, 300).replace("|", "\\|")

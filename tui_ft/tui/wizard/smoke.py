"""The smoke run: a few steps on few rows before the real run, and what it proved."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory, find
from tui_ft.runs.truth import read_truth
from tui_ft.spec import toml
from tui_ft.spec.display import effective_batch, run_name
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import AfterSection, CheckpointsSection, EvaluationSection, RunSpec, TrackingSection
from tui_ft.tui.text import gib
from tui_ft.tui.widgets.memory_bars import size_text
from tui_ft.watch.eta import duration_label, seconds_per_step
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import number_label

STEPS = 4
"""Enough for the optimizer's states to be there and for a speed; on the demo model some seconds."""

TAG = "smoke"
_LARGEST_DOCUMENT_BYTES = 8 << 20

Mark = Literal["done", "now", "open", "bad"]


class Item(NamedTuple):
    """One thing that a smoke run proves: what, how far it is, and what came of it."""

    mark: Mark
    what: str
    text: str = ""


class Facts(NamedTuple):
    """What the trainer wrote down beside its rows; empty until it did."""

    data: dict[str, Any]
    environment: dict[str, Any]


def smoke_spec(spec: RunSpec) -> RunSpec:
    """Return `spec` as a run of a few steps: same model, method, batch and length, few rows, nobody told.

    The longest rows are among the few, so that it takes the memory of the real run. It evaluates once and
    saves once, at its end.
    """
    steps = min(STEPS, spec.training.max_steps or STEPS)
    rows = steps * effective_batch(spec)
    return msgspec.structs.replace(
        spec,
        data=msgspec.structs.replace(spec.data, limit=min(rows, spec.data.limit or rows)),
        training=msgspec.structs.replace(spec.training, max_steps=steps),
        evaluation=EvaluationSection(every_steps=steps, prompts=spec.evaluation.prompts),
        checkpoints=CheckpointsSection(keep=1),
        tracking=TrackingSection(),
        after=AfterSection(),
        notes=msgspec.structs.replace(
            spec.notes, name=f"{run_name(spec)}-{TAG}", tags=[*spec.notes.tags, TAG]
        ),
    )


# --- while it goes -----------------------------------------------------------------------------------


def facts(run: RunDirectory) -> Facts:
    """Read what the trainer wrote down about data and model; it blocks, and never raises."""
    attempt = run.attempt(1)
    return Facts(_document(attempt.data), _document(attempt.environment))


def items(reading: Reading, found: Facts) -> list[Item]:
    """What the run has proved so far, in the order in which it comes."""
    made = list(_items(reading, found))
    if reading.status in ("failed", "lost", "stopped"):
        at = next((place for place, item in enumerate(made) if item.mark != "done"), None)
        if at is not None:
            made[at] = made[at]._replace(mark="bad")
    elif reading.status != "finished":
        at = next((place for place, item in enumerate(made) if item.mark == "open"), None)
        if at is not None:
            made[at] = made[at]._replace(mark="now")
    return made


def _items(reading: Reading, found: Facts) -> Iterator[Item]:
    yield Item("done" if found.data else "open", "Data", _data_text(found.data))
    trained, whole = (_count(found.environment, name) for name in ("trainable_parameters", "parameters"))
    text = f"{trained:,} of {whole:,} parameters are trained" if trained and whole else ""
    yield Item("done" if text else "open", "Model", text)
    yield _steps_item(reading)
    if (memory := _memory_text(reading)) is not None:
        yield Item("done" if memory else "open", "Memory", memory)
    if found.data.get("eval_rows", 1):
        loss = reading.last("eval_loss")
        yield Item("open" if loss is None else "done", "Evaluation",
                   "" if loss is None else f"loss {number_label(loss)} on held-out rows")  # fmt: skip
    saved = reading.checkpoints[-1] if reading.checkpoints else None
    yield Item("done" if saved else "open", "Checkpoint",
               f"whole, {size_text(saved.bytes)} in {saved.seconds:.1f} s" if saved else "")  # fmt: skip
    end = reading.end
    size = f", {size_text(end.result_bytes)}" if end and end.result_bytes else ""
    is_done = end is not None and bool(end.result)
    yield Item("done" if is_done else "open", "Result", f"saved{size}" if is_done else "")


def _data_text(data: dict[str, Any]) -> str:
    if not data:
        return ""
    sources = data.get("sources")
    listed = [source for source in sources if isinstance(source, dict)] if isinstance(sources, list) else []
    rows, used = (sum(_count(source, name) for source in listed) for name in ("rows", "used"))
    few = _count(data, "train_rows")
    return f"{rows:,} rows read, {used:,} can be used; {few:,} of them here, the longest among them"


def _count(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def _steps_item(reading: Reading) -> Item:
    series = reading.series.get("loss")
    if series is None or series.first is None or series.last is None:
        return Item("open", "Training")
    total = f" of {reading.total_steps}" if reading.total_steps else ""
    text = f"step {reading.step}{total}, loss {number_label(series.first[1])}"
    if len(series) > 1:
        text += f" → {number_label(series.last[1])}"
    if (pace := seconds_per_step(reading.times)) is not None:
        text += f", {duration_label(pace) if pace >= 60 else f'{pace:.2g} s'} a step"
    if has_bad_loss(reading):
        return Item("bad", "Training", f"{text}: the loss is not a number")
    is_done = reading.total_steps is not None and (reading.step or 0) >= reading.total_steps
    return Item("done" if is_done else "open", "Training", text)


def _memory_text(reading: Reading) -> str | None:
    """Peak against prediction; "" while it is not measured, None where there is no GPU to measure."""
    report = reading.gpu_memory
    if report is None:
        return None
    if report.measured is None:
        return ""
    text = (
        f"{gib(report.measured.allocated_bytes)} GiB at the peak, {gib(report.measured.reserved_bytes)} held"
    )
    made = report.for_rows or report.predicted
    if made is not None and made.allocated_bytes is not None:
        text += f"; predicted {gib(made.allocated_bytes)}"
    return text


def has_bad_loss(reading: Reading) -> bool:
    """True when a loss was no number: the real run would only lose time."""
    series = reading.series.get("loss")
    return series is not None and series.nonfinite > 0


def has_passed(reading: Reading) -> bool:
    """True when the whole pipe worked."""
    loss = reading.last("loss")
    return (
        reading.status == "finished"
        and loss is not None
        and math.isfinite(loss)
        and not has_bad_loss(reading)
    )


def make_room(run: RunDirectory) -> None:
    """Remove the checkpoints of a smoke run that passed: the real run needs the disk. It never raises."""
    for _, folder in run.list_checkpoints():
        shutil.rmtree(folder, ignore_errors=True)


# --- afterwards --------------------------------------------------------------------------------------

State = Literal["none", "going", "passed", "failed"]


class Smoked(NamedTuple):
    """Where the smoke run of a spec stands; `run` is None where there is none of this very spec."""

    state: State = "none"
    run: RunDirectory | None = None
    text: str = ""


def smoked(runs_root: Path, run_id: str, spec: RunSpec) -> Smoked:
    """Look for the smoke run `run_id`, which counts only for the spec that it was made of. Never raises."""
    if not run_id:
        return Smoked()
    try:
        run = find(runs_root, run_id)
        made_of = toml.load(run.spec)
    except TuiFtError:
        return Smoked()
    if made_of != absolute_paths(smoke_spec(spec), Path.cwd()):
        return Smoked()
    truth = read_truth(run)
    if truth.status == "finished":
        return Smoked("passed", run, "the whole pipe works")
    if truth.status in ("failed", "stopped", "lost"):
        why = truth.state.exit.message if truth.state and truth.state.exit else truth.reason
        return Smoked("failed", run, why or truth.status)
    return Smoked("going", run, truth.status)


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_LARGEST_DOCUMENT_BYTES))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}

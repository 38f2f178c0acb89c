"""What the guard knows of a run: its spec, the user's thresholds, and what its attempt runs with."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware.host import processors
from tui_ft.health.facts import RunFacts, facts_of
from tui_ft.health.thresholds import Thresholds, with_changes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.regular_file import open_regular
from tui_ft.spec import toml

_MOST_BYTES = 1 << 20
_BF16_FROM = 8
"""Compute capability from which a GPU has bfloat16 (facts: domain, R13)."""


def read_facts(run: RunDirectory, attempt: int) -> RunFacts:
    """Return what the attempt's spec says; without one no fix can be offered, but all is still judged."""
    try:
        spec = toml.load(run.attempt(attempt).spec)
    except TuiFtError as error:
        _say(f"the guard knows nothing of the spec: {error.message}")
        return RunFacts(run_id=run.id, attempt=attempt)
    return facts_of(spec, run_id=run.id, attempt=attempt, cores=int(processors()))


def read_thresholds() -> Thresholds:
    """Return the thresholds, with the user's changes where those can be read."""
    try:
        return with_changes(settings.load().health)
    except TuiFtError as error:
        _say(f"the guard takes its own thresholds: {error.message}")
        return Thresholds()


def with_environment(facts: RunFacts, run: RunDirectory, attempt: int) -> RunFacts:
    """Add what the trainer wrote down of its device and its arithmetic, where it did."""
    try:
        path = run.attempt(attempt).environment
        # a pipe in its place must not hold the supervisor up
        with open(open_regular(path), "rb") as file:
            known = msgspec.json.decode(file.read(_MOST_BYTES), type=dict[str, object])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return facts
    compute = _word(known.get("precision"), "compute").removeprefix("torch.")
    major = _word(known.get("gpu"), "compute_capability").partition(".")[0]
    return msgspec.structs.replace(
        facts,
        compute=compute or facts.compute,
        is_gpu=str(known.get("device", "")).startswith("cuda"),
        has_bf16=int(major) >= _BF16_FROM if major.isdecimal() else facts.has_bf16,
    )


def _word(table: object, name: str) -> str:
    value = table.get(name) if isinstance(table, Mapping) else None
    return value if isinstance(value, str) else ""


def _say(text: str) -> None:
    """Into output.log, which is the supervisor's standard error; a full disk swallows it."""
    try:
        sys.stderr.write(f"tui-ft: {text}\n")
        sys.stderr.flush()
    except OSError:
        return

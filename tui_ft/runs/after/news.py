"""The words in which people are told of a run that is not before their eyes."""

from __future__ import annotations

import math
import os
from typing import Any

import msgspec

from tui_ft.health.finding import Finding
from tui_ft.runs.after.notifying import Message
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import printable
from tui_ft.runs.health_rows import FoundRow, decode_health
from tui_ft.runs.money.bill import bill_of
from tui_ft.runs.money.idle import Idle
from tui_ft.runs.records import StateRecord, complete_lines, decode_metrics, number
from tui_ft.runs.regular_file import open_regular
from tui_ft.runs.spoken import spoken
from tui_ft.runs.state import read_state

_TAIL_BYTES = 1 << 16
_CAUSES = {
    "cuda_oom": "out of GPU memory", "host_oom": "out of the machine's memory", "disk_full": "no room left",
    "preempted": "the machine asked it to end", "killed": "it was killed", "error": "an error",
}  # fmt: skip


def of_the_end(run: RunDirectory, now: float) -> Message:
    """What is told when a run has ended. Raises `TuiFtError` when it has no state."""
    state = read_state(run)
    bill = bill_of(run, now)
    loss, eval_loss, step = _last_numbers(run)
    how = printable(state.exit.message) if state.exit is not None else state.status
    lines = [how]
    if step is not None:
        total = f" of {state.total_steps}" if state.total_steps else ""
        lines.append(f"Step {step}{total}" + _named("loss", loss) + _named("eval loss", eval_loss) + ".")
    spent = f", {bill.spent.text}" if bill.spent is not None else ""
    lines.append(f"It took {spoken(bill.seconds)}{spent}.")
    facts = {
        **_facts(run, state), "step": step, "loss": _finite(loss), "eval_loss": _finite(eval_loss),
        "cause": state.exit.cause if state.exit is not None else None,
        "spent": bill.spent.high if bill.spent is not None else None, "currency": bill.currency,
    }  # fmt: skip
    why = _CAUSES.get(state.exit.cause, "") if state.exit is not None else ""
    if state.status == "stopped" and state.stop_requested_by:
        why = f"by {printable(state.stop_requested_by)}"
    title = f"{_name(run, state)} {state.status}" + _why(why)
    return Message(title, "\n".join(lines), is_urgent=state.status == "failed", facts=facts)


def _why(why: str) -> str:
    return "" if not why else f" {why}" if why.startswith("by ") else f": {why}"


def of_a_finding(run: RunDirectory, code: str, now: float) -> Message | None:
    """What is told of the newest finding `code`; None when there is none. Raises `TuiFtError`."""
    state = read_state(run)
    finding = _newest_finding(run, code)
    if finding is None:
        return None
    bill = bill_of(run, now)
    text = printable(finding.message)
    if finding.fixes:
        text += f"\nWhat may help: {printable(finding.fixes[0].title)}."
    if bill.spent is not None:
        text += f"\nSpent so far: {bill.spent.text}."
    facts = {**_facts(run, state), "code": finding.code, "level": finding.level, "step": finding.step}
    return Message(
        f"{_name(run, state)}: {finding.code.replace('_', ' ')}",
        text,
        is_urgent=finding.level == "error",
        facts=facts,
    )


def of_idling(run: RunDirectory, idle: Idle, waiting: int = 0) -> Message:
    """What is told when the machine stands idle, with `waiting` runs in the queue. Raises `TuiFtError`."""
    state = read_state(run)
    text = f"{idle.text[:1].upper()}{idle.text[1:]}. The last was {_name(run, state)} ({state.status})."
    if waiting:
        text += f"\n{waiting} in the queue cannot start: `tui-ft queue` says why."
    return Message(f"{state.host} stands idle", text, is_urgent=True, facts=_facts(run, state))


def of_a_trouble(run: RunDirectory, what: str) -> Message:
    """What is told when something that was to follow the end did not work."""
    state = read_state(run)
    return Message(f"{_name(run, state)}: {state.status}, but", printable(what), True, _facts(run, state))


def _name(run: RunDirectory, state: StateRecord) -> str:
    return printable(state.name) or run.id


def _facts(run: RunDirectory, state: StateRecord) -> dict[str, Any]:
    return {"run": run.id, "status": state.status, "host": printable(state.host or os.uname().nodename)}


def _named(name: str, value: float | None) -> str:
    return "" if value is None else f", {name} {value:.4g}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _last_numbers(run: RunDirectory) -> tuple[float | None, float | None, int | None]:
    """The newest loss, evaluation loss and step of the rows."""
    loss = eval_loss = None
    step = None
    for line in reversed(_tail(run.metrics)):
        try:
            row = decode_metrics(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        at = row.get("step")
        step = at if step is None and isinstance(at, int) else step
        loss = number(row.get("loss")) if loss is None else loss
        eval_loss = number(row.get("eval_loss")) if eval_loss is None else eval_loss
    return loss, eval_loss, step


def _newest_finding(run: RunDirectory, code: str) -> Finding | None:
    for line in reversed(_tail(run.health)):
        try:
            row = decode_health(line)
        except msgspec.DecodeError:
            continue
        if isinstance(row, FoundRow) and row.finding.code == code:
            return row.finding
    return None


def _tail(path: os.PathLike[str]) -> list[bytes]:
    try:
        with open(open_regular(path), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            return list(complete_lines(file.read(_TAIL_BYTES)))
    except OSError:
        return []

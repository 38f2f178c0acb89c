"""What happened to a run, for its report: how it ended, its attempts, what was found and done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow
from tui_ft.runs.masking import masked
from tui_ft.watch.markdown import NOT_KNOWN, code, count, number, table, text
from tui_ft.watch.run_report_facts import ReportFacts

MOST_EVENTS = 40
_MOST_STEPS = 20
_MOST_SEEN = 12
_LAST_MOMENT = 253_402_214_400.0
"""The last day of the year 9999: a damaged file may claim any moment."""


def happened(facts: ReportFacts) -> Iterator[str]:
    reading = facts.reading
    steps = (
        f"step {count(reading.step)} of {count(reading.total_steps)}"
        if reading.step is not None
        else "no step"
    )
    yield f"Status: **{reading.status}**, {steps}. {text(reading.reason) if reading.reason else ''}".rstrip()
    if facts.ending is not None:
        yield ""
        yield f"How it ended: {text(facts.ending.headline)}"
        yield ""
        yield from (f"- {text(name)}: {text(seen)}" for name, seen in facts.ending.evidence)
    if facts.attempts:
        yield ""
        yield from table(["Attempt", "Launched", "From step", "By", "Changes"], _attempts(facts))
    yield from _open_findings(facts)
    yield from _events(facts)


def _attempts(facts: ReportFacts) -> Iterator[Sequence[str]]:
    for one in facts.attempts:
        launch, name = one.launch, str(one.attempt)
        step = facts.opened_at.get(one.attempt, launch.from_step if launch is not None else None)
        if launch is None:
            yield [name, NOT_KNOWN, count(step), NOT_KNOWN, NOT_KNOWN]
            continue
        changes = ", ".join(code(masked(change)) for change in launch.changes[:10])
        fix = f"{text(launch.fix)}: " if launch.fix else ""
        yield [name, moment(launch.time), count(step), text(launch.user or ""), fix + (changes or "none")]


def _open_findings(facts: ReportFacts) -> Iterator[str]:
    """What is not well now, each with the numbers that it rests on."""
    if not facts.findings:
        return
    yield from ("", "Not well at the moment of this report:", "")
    for finding in facts.findings[:MOST_EVENTS]:
        at = f", step {count(finding.step)}" if finding.step is not None else ""
        yield f"- {finding.level} {code(finding.code)}{at}: {text(finding.message)}"
        seen = [
            f"{text(name)} {_evidence(value)}" for name, value in list(finding.evidence.items())[:_MOST_SEEN]
        ]
        if seen:
            yield f"  - {'; '.join(seen)}"


def _evidence(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return text(", ".join(map(str, value[:_MOST_SEEN])) if isinstance(value, list) else value, 200)


def _events(facts: ReportFacts) -> Iterator[str]:
    """Findings, deeds, warnings and checkpoints, as they came."""
    reading = facts.reading
    told = [(row.time, _health(row)) for row in reading.health_rows]
    told += [(one.time, f"warning {code(one.code)}: {text(one.message)}") for one in reading.warnings]
    if told:
        told.sort(key=lambda one: one[0])
        yield ""
        yield from (f"- {moment(when)} {what}" for when, what in told[-MOST_EVENTS:])
    else:
        yield ""
        yield (
            "No finding and no warning was written down." if facts.run is not None else "It logs no warnings."
        )
    if reading.checkpoint_steps:
        left = len(reading.checkpoint_steps) - _MOST_STEPS
        more = f", and {left} times before" if left > 0 else ""
        yield ""
        yield (
            f"Checkpoints were saved at steps {_steps(reading.checkpoint_steps)}{more}"
            f"{_kept(reading.checkpoint_steps, facts.kept)}."
        )


def _steps(steps: Sequence[float]) -> str:
    return ", ".join(number(step) for step in steps[-_MOST_STEPS:])


def _kept(saved: Sequence[float], kept: Sequence[int] | None) -> str:
    """Which of them can still be gone on from; nothing where that is not known."""
    if kept is None:
        return ""
    there = [step for step in saved if step in kept]
    if not there:
        return "; none of them is there any more"
    return "; all of them are kept" if len(there) == len(saved) else f"; kept are those of {_steps(there)}"


def _health(row: HealthRow) -> str:
    match row:
        case FoundRow(finding=finding):
            return f"{finding.level} {code(finding.code)}: {text(finding.message)}"
        case DeedRow():
            return f"done{'' if row.is_done else ', in vain'}: {text(row.message)}"
        case ClearedRow():
            return f"over: {code(row.code)} {text(row.message) if row.message else ''}".rstrip()


def moment(when: float | None) -> str:
    """A moment as local date and time."""
    if when is None or not 0 <= when < _LAST_MOMENT:
        return NOT_KNOWN
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))

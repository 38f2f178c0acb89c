"""What the health screen says: how the run ended, what is not well now, what was, what was done."""

from __future__ import annotations

from collections.abc import Iterator

from tui_ft.health.finding import Finding
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.page import Fact
from tui_ft.watch.eta import clock_label
from tui_ft.watch.evidence import evidence_text
from tui_ft.watch.no_problem import no_problem
from tui_ft.watch.post_mortem import PostMortem, again_text
from tui_ft.watch.reading import Reading

LEVEL_LOOKS = {"error": "bad", "warning": "warn", "note": "muted"}
MOST_PAST = 40


def health_facts(reading: Reading, post: PostMortem | None, now: float) -> list[Fact]:
    """Everything that is known, most wanted first."""
    facts = list(_end(post)) if post is not None else []
    code = post.code if post is not None else ""
    for finding in sorted(reading.findings, key=lambda one: one.code != code):
        facts += _open(finding, now)
    if not facts:
        facts.append(Fact("", no_problem(reading), "good"))
    if reading.silenced:
        facts.append(Fact("silenced", ", ".join(map(plain, reading.silenced)), "muted"))
    facts += _history(reading, now)
    if post is not None and post.last_lines and not post.is_orderly:
        facts.append(Fact("", ""))
        facts += [
            Fact("last words" if not at else "", line, "muted", is_whole=True)
            for at, line in enumerate(post.last_lines)
        ]
    return facts


def _end(post: PostMortem) -> Iterator[Fact]:
    look = "good" if post.ending == "finished" else "strong" if post.is_orderly else "bad"
    yield Fact("the end", post.headline, look)
    for name, text in post.evidence:
        yield Fact(name, text)
    if post.is_ours and post.ending not in ("finished", "cut_off"):
        yield Fact("resume", again_text(post.kept), "strong")


def _open(finding: Finding, now: float) -> Iterator[Fact]:
    at = f" at step {finding.step:,}" if finding.step is not None else ""
    yield Fact("", "")
    yield Fact(finding.level, finding.message, LEVEL_LOOKS[finding.level])
    yield Fact("found", f"{finding.code}, {clock_label(finding.time, now)}{at}", "muted")
    if finding.evidence:
        yield Fact("seen", evidence_text(finding.evidence))


def _history(reading: Reading, now: float) -> list[Fact]:
    """What was found, is over, and was done, the newest first; what is open stands above."""
    still: set[tuple[str, float]] = {(finding.code, finding.time) for finding in reading.findings}
    past = [fact for row in reversed(reading.health_rows) if (fact := _past(row, still, now)) is not None]
    if not past:
        return []
    return [Fact("", ""), Fact("", "Before", "strong"), *past[:MOST_PAST]]


def _past(row: HealthRow, still: set[tuple[str, float]], now: float) -> Fact | None:
    when = clock_label(row.time, now)
    if isinstance(row, FoundRow):
        if (row.finding.code, row.finding.time) in still:
            return None
        return Fact(when, f"{row.finding.level}: {row.finding.message} ({row.finding.code})")
    if isinstance(row, ClearedRow):
        return Fact(when, f"over: {row.code}" + (f", {row.message}" if row.message else ""), "muted")
    assert isinstance(row, DeedRow)
    in_vain = "" if row.is_done else "did not work: "
    return Fact(when, f"{in_vain}{row.deed}: {row.message}", "" if row.is_done else "warn")

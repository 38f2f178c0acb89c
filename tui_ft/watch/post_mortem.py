"""How a run ended: one line, the cause told apart, the evidence, what a resume would lose, what to change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Finding, Fix
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import SCHEMA, StateRecord
from tui_ft.runs.state import read_state
from tui_ft.watch.ending_words import evidence_of, headline_of
from tui_ft.watch.endings import GUARD, ORDERLY, Ending, ending_of, stopped_by
from tui_ft.watch.eta import duration_label, seconds_per_step
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.runs.fixes import fixing

LAST_LINES = 20
MOST_FIXES = 6

Fact = tuple[str, str]
"""A piece of evidence: its name, and what was seen."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The newest whole checkpoint, and what going on from it would do again: None is "not known".

    `money` is a text with its currency, "" where no price is known.
    """

    step: int
    path: str
    again_steps: int | None = None
    again_s: float | None = None
    money: str = ""


@dataclass(frozen=True, kw_only=True)
class PostMortem:
    """How a run ended; its text is safe to show. `ending` is a stable word, `headline` a line for people.

    `code` is the finding that brought it about, "" where none did.
    """

    ending: Ending
    headline: str
    evidence: tuple[Fact, ...] = ()
    last_lines: tuple[str, ...] = ()
    kept: Kept | None = None
    fixes: tuple[Fix, ...] = ()
    code: str = ""
    is_ours: bool = True

    @property
    def is_orderly(self) -> bool:
        """Whether it ended as somebody wished."""
        return self.ending in ORDERLY


def post_mortem(
    reading: Reading, run: RunDirectory | None = None, now: float | None = None
) -> PostMortem | None:
    """Look into the end of the run of `reading`, ours where `run` is its directory; None while it goes on.

    It reads small files and asks for the GPUs after an out-of-memory: to be called off an event loop. Never
    raises for what the files hold.
    """
    state = _state(run)
    ending = ending_of(reading, state)
    if ending is None:
        return None
    now = time.time() if now is None else now
    kept = _kept(reading, run, now) if run is not None else None
    made = PostMortem(
        ending=ending,
        headline=headline_of(ending, reading, state),
        evidence=tuple(evidence_of(ending, reading, state, now)),
        last_lines=_last_lines(reading),
        kept=kept,
        code=_code(ending, reading, state),
        is_ours=run is not None,
    )
    if run is None:
        return made
    return replace(made, fixes=_fixes(ending, made.code, reading, run, kept))


def _state(run: RunDirectory | None) -> StateRecord | None:
    if run is None:
        return None
    try:
        return read_state(run)
    except TuiFtError:
        return None


def _code(ending: Ending, reading: Reading, state: StateRecord | None) -> str:
    """The finding behind an end: the one in whose name it was stopped, or the one that says the same."""
    if ending == "guard":
        return stopped_by(state).removeprefix(GUARD)
    same = {"cuda_oom": "cuda_oom", "eval_oom": "eval_oom", "host_oom": "host_oom", "kernel_oom": "host_oom"}
    code = same.get(ending, "disk" if ending == "disk" else "")
    return code if any(finding.code == code for finding in reading.findings) else ""


def _last_lines(reading: Reading) -> tuple[str, ...]:
    lines = [line for line in reading.attempt_log[-4 * LAST_LINES :] if line.strip()]
    return tuple(clean_line(line) for line in lines[-LAST_LINES:])


def _kept(reading: Reading, run: RunDirectory, now: float) -> Kept | None:
    from tui_ft.runs import checkpoints

    newest = checkpoints.newest(run)
    if newest is None:
        return None
    steps = max(reading.step - newest.step, 0) if reading.step is not None else None
    pace = seconds_per_step(reading.times, max(reading.restart_steps, default=0.0))
    seconds = 0.0 if steps == 0 else steps * pace if steps and pace is not None else None
    return Kept(
        step=newest.step,
        path=str(newest.path),
        again_steps=steps,
        again_s=seconds,
        money=_money(run, seconds, now) if seconds else "",
    )


def _money(run: RunDirectory, seconds: float, now: float) -> str:
    """What so many seconds cost at the rate of this run; "" where no price is known."""
    from tui_ft.runs.money.bill import bill_of
    from tui_ft.runs.money.prices import amount

    try:
        bill = bill_of(run, now)
    except (TuiFtError, OSError):
        return ""
    return amount(bill.rate, seconds, bill.gpus).text if bill.rate is not None else ""


def _fixes(
    ending: Ending, code: str, reading: Reading, run: RunDirectory, kept: Kept | None
) -> tuple[Fix, ...]:
    """Those of the finding that stopped it, of the others, of the cause; what cannot be is left out.

    Imported here: who looks at a run that finished needs nothing of what launches one.
    """
    from tui_ft.runs.fixes import fixing
    from tui_ft.watch.cause_fixes import fixes_for

    if ending == "finished" and not any(finding.fixes for finding in reading.findings):
        return ()
    try:
        ground = fixing.ground_of(run)
    except TuiFtError:
        return ()
    found = sorted(reading.findings, key=lambda finding: finding.code != code)
    # of a GPU that is too small the estimate knows more than the detector: one ladder
    has_ladder = ending == "cuda_oom"
    fixes = [
        fix for finding in found for fix in finding.fixes if not (has_ladder and finding.code == "cuda_oom")
    ]
    if ending != "finished":
        of_cause = fixes_for(ending, reading, run, ground.spec, has_checkpoint=kept is not None)
        fixes = [*of_cause, *fixes] if has_ladder else [*fixes, *of_cause]
    return tuple(possible_fixes(run, fixes, ground, reading.step)[:MOST_FIXES])


def possible_fixes(
    run: RunDirectory, fixes: Iterable[Fix], ground: fixing.Ground, step: int | None = None
) -> list[Fix]:
    """Those that can be carried out, once each, with names of their own; behind those that change as much and
    keep their word, those that fall short of it.

    One that was written for another spec, or that changes what no fix may, is left out.
    """
    from tui_ft.runs.fixes import fixing

    plans: dict[tuple[object, ...], fixing.Plan] = {}
    for fix in fixes:
        try:
            made = fixing.plan(run, fix, step, ground)
        except TuiFtError:
            continue
        plans.setdefault((made.how, made.from_step, made.changes, fix.command), made)
    names: Counter[str] = Counter()
    named = []
    has_choice = bool(ground.whole) or any(made.is_live for made in plans.values())  # else all begin again
    # to go on just as before is no better than a change that has to begin again
    can_choose = has_choice and any(made.changes and made.how == made.fix.how for made in plans.values())
    for made in sorted(plans.values(), key=lambda made: can_choose and made.how != made.fix.how):
        names[made.fix.name] += 1
        again = names[made.fix.name]
        name = made.fix.name if again == 1 else f"{made.fix.name}_{again}"
        named.append(msgspec.structs.replace(made.fix, name=name))
    return named


def with_possible_fixes(
    run: RunDirectory, findings: tuple[Finding, ...], step: int | None = None
) -> tuple[Finding, ...]:
    """The findings with only such fixes as can be carried out; none where the spec cannot be read."""
    from tui_ft.runs.fixes import fixing

    if not any(finding.fixes for finding in findings):
        return findings
    try:
        ground = fixing.ground_of(run)
    except TuiFtError:
        return tuple(msgspec.structs.replace(finding, fixes=[]) for finding in findings)
    return tuple(
        msgspec.structs.replace(finding, fixes=list(possible_fixes(run, finding.fixes, ground, step)))
        for finding in findings
    )


def again_text(kept: Kept | None) -> str:
    """What going on would do again, in a sentence."""
    if kept is None:
        return "No whole checkpoint is left: it can only begin again."
    text = f"A resume goes on from the checkpoint of step {kept.step:,}"
    if not kept.again_steps:
        return text + (": nothing is lost." if kept.again_steps == 0 else ".")
    cost = [duration_label(kept.again_s)] if kept.again_s is not None else []
    cost += [kept.money] if kept.money else []
    steps = "1 step is" if kept.again_steps == 1 else f"{kept.again_steps:,} steps are"
    return f"{text}: {steps} done again" + (f" ({', '.join(cost)})." if cost else ".")


def as_json(post: PostMortem) -> dict[str, Any]:
    """The post-mortem as `tui-ft why --json` prints it."""
    kept = post.kept
    return {
        "schema": SCHEMA,
        "ending": post.ending,
        "headline": post.headline,
        "evidence": [{"name": name, "text": text} for name, text in post.evidence],
        "last_lines": list(post.last_lines),
        "checkpoint": None
        if kept is None
        else {
            "step": kept.step,
            "path": str(Path(kept.path)),
            "again_steps": kept.again_steps,
            "again_s": kept.again_s,
            "money": kept.money or None,
        },
    }

"""The data on the Review page: how many rows can be used, what is wrong with them, what is held out."""

from __future__ import annotations

from collections.abc import Iterator

from tui_ft.data.findings import Findings, Problem
from tui_ft.guide.volume import key_of
from tui_ft.spec.learning import DataSource
from tui_ft.tui.widgets.page import Fact
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.review_facts import Review

PROBLEMS_SHOWN = 4
_SEVERITIES = {"error": "✗", "warning": "!", "note": "·"}
_TRAINED = {"completion": "the last answer", "assistant": "every answer", "all": "everything, prompts too"}


def data_facts(draft: Draft, review: Review) -> Iterator[Fact]:
    """Every data set with its problems, then the split, and what of a row is trained."""
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
            yield Fact("", "! it has changed since it was checked: the Data step looks again", "bad")
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
    least = "at least " if amount.is_partial else ""
    return f"{least}{amount.rows or 0:,} rows to train on, {amount.held_out_rows:,} held out"

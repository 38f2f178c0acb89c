"""Runs of others: an error on none that is healthy, and the same detectors on their curves as on ours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import pytest
from false_alarms import REAL_RUNS, is_ill, judged
from series_made import reading_of, series_of

from tui_ft.watch.findings import findings_of


def codes(**series: Iterable[float]) -> list[tuple[str, str]]:
    made = {name: series_of(values) for name, values in series.items()}
    found = findings_of(reading_of(source="wandb", series=made, total_steps=1000))
    return [(finding.code, finding.level) for finding in found]


def test_a_run_of_others_is_judged_by_its_curves() -> None:
    assert codes(loss=[2.0 - at / 200 for at in range(200)]) == []
    assert codes(loss=[2.0] * 20 + [9.0] * 10) == [("divergence", "error")]
    assert codes(loss=[2.0] * 20 + [math.nan] * 3) == [("nonfinite", "error")]
    assert codes(loss=[2.0] * 20, grad_norm=[0.0] * 20) == [("not_learning", "error")]


def test_what_was_over_in_the_end_is_not_shown() -> None:
    assert codes(loss=[2.0] * 20 + [math.nan] + [2.0] * 40) == []


def test_the_loss_of_rewards_is_not_judged() -> None:
    assert codes(loss=[0.0001] * 30 + [9.0] * 30, **{"rewards/margins": [0.1] * 60}) == []


def test_a_history_that_is_still_read_is_not_judged() -> None:
    series = {"loss": series_of([2.0] * 20 + [9.0] * 10)}
    assert findings_of(reading_of(source="wandb", series=series, is_complete=False)) == ()


@pytest.mark.skipif(not REAL_RUNS.is_dir(), reason="the real runs are not part of this repository")
def test_no_healthy_run_is_said_to_be_worth_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    said: Counter[tuple[bool, str, str]] = Counter()
    runs = ill = 0
    for found, _, findings in judged(REAL_RUNS):
        runs += 1
        ill += is_ill(found)
        said.update((is_ill(found), one.level, one.code) for one in findings)
    with capsys.disabled():
        print(f"\n{runs} real runs, {ill} of them ill: {dict(said)}")  # noqa: T201
    assert runs >= 25
    assert said[True, "error", "nonfinite"] >= 1
    assert sum(count for (of_ill, level, _), count in said.items() if level == "error" and not of_ill) == 0

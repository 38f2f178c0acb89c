"""No detector without a real run that sets it off: the cases of `real_faults.py` against the codes."""

from __future__ import annotations

from typing import get_args

import pytest
from health.fault_cases import CASES, HEALTHY, ILL, Case

from tui_ft.health.finding import Code
from tui_ft.health.watcher import OUR_CODES

OF_NO_DETECTOR = {
    "budget": "whoever counts the money says it",
    "idle": "the idle guard says it, after the end",
    "ended": "the word that a run has ended",
    "copy": "the copy of the result that follows the end says it",
}


def test_every_detector_has_a_real_run() -> None:
    assert {case.code for case in ILL} == OUR_CODES


def test_every_other_code_is_known_to_be_of_no_detector() -> None:
    assert set(get_args(Code)) - OUR_CODES == set(OF_NO_DETECTOR)


@pytest.mark.parametrize("case", ILL, ids=lambda case: f"{case.code}: {case.how}")
def test_every_ill_run_states_what_must_be_found_and_within_what(case: Case) -> None:
    assert case.level in ("note", "warning", "error")
    assert case.bound is not None
    assert case.bound.most > 0


def test_the_healthy_runs_have_no_fault() -> None:
    assert len(HEALTHY) >= 7
    assert not any(case.code or case.fault or case.shift_s for case in HEALTHY)
    assert len({case.title for case in HEALTHY}) == len(HEALTHY)
    assert list(CASES) == [*HEALTHY, *ILL]

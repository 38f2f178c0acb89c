"""Counting right answers: exact match, and no number where not everything was asked."""

from __future__ import annotations

import pytest

from tui_ft.demo.tour import files
from tui_ft.demo.tour.files import Pair
from tui_ft.runs.records import SampleEvent
from tui_ft.tour.answers import Answered, Score, pair, score
from tui_ft.tour.steps import is_success, score_line, what_changed

PAIRS = [Pair(prompt=f"Page {n}\nRule.\n\nQuestion: What?", expected=f"Yes {n}.") for n in range(5)]


def a_sample(index: int, when: str, answer: str) -> SampleEvent:
    return SampleEvent(time=0, when=when, step=0, index=index, prompt="", answer=answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "is_right"),
    [("Yes 1.", True), (" Yes 1.\n", True), ("Yes 1", False), ("yes 1.", False), ("Yes 1. Yes 1.", False),
     ("", False), (None, False)],
)  # fmt: skip
def test_right_is_the_very_answer(said: str | None, is_right: bool) -> None:
    assert Answered(PAIRS[1]).is_right(said) is is_right


def test_answers_stand_beside_their_questions_and_are_counted() -> None:
    samples = [a_sample(n, "before", "No.") for n in range(5)]
    samples += [a_sample(n, "after", f"Yes {n}.") for n in (4, 2, 1, 0)]
    told = pair(PAIRS, samples)
    assert told[3].after is None
    assert (score(told).before, score(told).after) == (0, None)
    told = pair(PAIRS, [*samples, a_sample(3, "after", "No.")])
    assert score(told) == Score(asked=5, before=0, after=4, rule_before=0, rule_after=4)


def test_a_rule_counts_in_whatever_form_it_stands() -> None:
    asked = files.read_held_out()[0]
    told = Answered(asked, before=f"Good question! {asked.rule} Bye.", after=asked.expected)
    assert (told.is_right(told.before), told.has_rule(told.before)) == (False, True)
    assert (told.is_right(told.after), told.has_rule(told.after)) == (True, True)
    assert not told.has_rule(None)


def test_four_in_five_right_and_fewer_before_is_a_success() -> None:
    assert is_success(Score(asked=5, before=3, after=4))
    assert not is_success(Score(asked=5, before=4, after=4))
    assert not is_success(Score(asked=5, before=0, after=3))
    assert not is_success(Score(asked=5, before=0, after=None))


def test_the_score_says_what_is_not_known() -> None:
    assert score_line(Score(24, 0, None)) == "Right answers to 24 held-out questions: 0 before, – after."
    assert "stopped" in what_changed(Score(24, 0, None))
    assert "less than" in what_changed(Score(24, 0, 3))


def test_a_question_knows_its_page() -> None:
    asked = files.read_held_out()[0]
    assert asked.prompt.startswith(f"{asked.page}\n")
    assert asked.prompt.endswith(f"Question: {asked.question}")

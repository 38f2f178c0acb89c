"""The Goal step: one aim, what is true beside it, and a guide that may say don't."""

from __future__ import annotations

import pytest
from wizard_world import SIZES, at_step

from tui_ft.data.findings import Findings
from tui_ft.guide.goals import AIMS, CIRCUMSTANCES, GOALS, OBJECTIONS
from tui_ft.tui.screens.goal import GoalScreen
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.goal_advice import advise, known_rows
from tui_ft.tui.wizard.goal_words import AIM_LINES, CIRCUMSTANCE_LINES, LINES, OBJECTION_LINES, toggled


def test_every_word_of_the_guide_is_asked_for_once() -> None:
    assert {line.word for line in AIM_LINES} == {goal.word for goal in AIMS}
    assert {line.word for line in OBJECTION_LINES} == {goal.word for goal in OBJECTIONS}
    assert {line.word for line in CIRCUMSTANCE_LINES} == {goal.word for goal in CIRCUMSTANCES}
    assert sorted(line.word for line in LINES if line.word) == sorted(goal.word for goal in GOALS)
    assert all(len(line.text) <= 72 and len(line.more) <= 76 for line in LINES)


def test_of_the_aims_one_is_chosen_and_the_others_are_marks() -> None:
    preference, facts = AIM_LINES[1], OBJECTION_LINES[0]
    goals = toggled(frozenset({"sft", "keep-skills"}), preference)
    assert goals == {"preference", "keep-skills"}
    assert toggled(goals, facts) == {"preference", "keep-skills", "facts"}
    assert toggled(toggled(goals, facts), facts) == goals


@pytest.mark.parametrize("line", [line for line in LINES if line.word])
def test_the_guide_has_an_answer_for_every_mark(line: object) -> None:
    word = line.word  # type: ignore[attr-defined]
    is_aim = word in {goal.word for goal in AIMS}
    advice = advise(frozenset({word} if is_aim else {"sft", word}), None)
    assert advice.way
    assert (advice.gate.verdict == "stop") == (word in {goal.word for goal in OBJECTIONS})
    assert not advice.why_not or advice.instead


@pytest.mark.parametrize("size", SIZES)
async def test_a_newcomer_goes_on_with_one_key(size: tuple[int, int]) -> None:
    draft = Draft()
    async with at_step(GoalScreen, draft, size=size) as world:
        await world.sees("What should be better afterwards?", "(•) Its answers", "✓ Go.")
        assert all(key in world.lines[-1] for key in ("Enter Next", "Space Mark", "Esc Back", "q Leave"))
        assert "Go on regardless" not in world.lines[-1]
        assert all(len(line) <= size[0] for line in world.lines)
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    assert draft.goals == {"sft"} and not draft.went_on_despite_gate


async def test_enter_means_the_aim_under_the_cursor() -> None:
    async with at_step(GoalScreen) as world:
        await world.press("down", "down", "down", "enter")
        await world.until(lambda: world.outcomes == ["next"])
        assert world.draft.goals == {"rl"}


async def test_what_speaks_against_it_stops_and_a_key_goes_on_regardless() -> None:
    async with at_step(GoalScreen) as world:
        await world.press(*["down"] * 6)
        await world.sees("Prices, people, policies")  # the heading above was stepped over
        await world.press("space")
        await world.sees("[x] It should know facts", "✗ Don't fine-tune yet. Retrieval (RAG)",
                         "cannot be updated", "g Go on regardless")  # fmt: skip
        await world.press("enter")
        await world.sees("✗ The guide advises against it")
        assert not world.outcomes
        await world.press("g")
        await world.until(lambda: world.outcomes == ["next"])
        assert world.draft.went_on_despite_gate and "facts" in world.draft.goals


async def test_who_went_on_regardless_is_not_asked_again_until_a_mark_changes() -> None:
    draft = Draft()
    draft.goals, draft.went_on_despite_gate = frozenset({"sft", "facts"}), True
    async with at_step(GoalScreen, draft) as world:
        await world.sees("✗ Don't fine-tune yet.", "You went on regardless: Enter does so again.")
        await world.press("enter")
        await world.until(lambda: world.outcomes == ["next"])
    async with at_step(GoalScreen, draft) as world:
        await world.press(*["down"] * 7, "space", "enter")
        await world.sees("✗ The guide advises against it")
        assert not draft.went_on_despite_gate and draft.goals == {"sft", "facts", "prompt-untried"}


async def test_a_mark_can_be_taken_back_and_the_guide_says_go_again() -> None:
    async with at_step(GoalScreen) as world:
        await world.press(*["down"] * 6, "space")
        await world.sees("Don't fine-tune yet")
        await world.press("space")
        await world.sees("[ ] It should know facts", "✓ Go.")
        assert "g Go on regardless" not in world.lines[-1]


async def test_what_this_version_cannot_do_is_said_with_what_it_can() -> None:
    async with at_step(GoalScreen) as world:
        await world.press("down", "space")
        await world.sees("(•) Its taste", "This version cannot do that yet: the objective dpo",
                         "What it can do: SFT on the better answers")  # fmt: skip


async def test_too_few_rows_stop_it_when_the_data_are_known() -> None:
    draft = Draft()
    draft.findings["/a"] = Findings(path="/a", container="jsonl", format="alpaca", rows=90, usable_rows=84)
    async with at_step(GoalScreen, draft) as world:
        await world.sees("✗ Don't fine-tune yet. 84 examples are too few")


def test_rows_of_a_check_that_was_stopped_do_not_count() -> None:
    whole = Findings(path="/a", container="jsonl", format="alpaca", usable_rows=84)
    part = Findings(path="/b", container="jsonl", format="alpaca", usable_rows=7, is_partial=True)
    assert known_rows({"/a": whole, "/b": part}) == 84
    assert known_rows({"/b": part}) is None


async def test_every_question_can_be_reached_and_read_in_a_short_terminal() -> None:
    async with at_step(GoalScreen, size=(80, 15)) as world:
        seen = set()
        for _ in LINES:
            await world.pilot.pause()
            seen |= {line.word for line in LINES if line.word and line.text in world.text}
            await world.press("down")
        assert seen == {goal.word for goal in GOALS}

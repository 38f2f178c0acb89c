"""The questions of the Goal step in a user's words; the guide knows each answer by one word."""

from __future__ import annotations

from typing import NamedTuple

from tui_ft.guide.goals import AIMS


class Line(NamedTuple):
    """One line of the questions. `word` is the guide's, "" for a heading; of `is_aim` lines one is chosen."""

    text: str
    word: str = ""
    is_aim: bool = False
    more: str = ""


AIM_LINES: tuple[Line, ...] = (
    Line("Its answers: my format, my tone, my terms, a task done my way", "sft", True,
         "You have questions, each with the answer that you want."),
    Line("Its taste: of two answers it gives the better one", "preference", True,
         "You have pairs of answers, a better and a worse one."),
    Line("Its taste, from single answers marked good or bad", "thumbs", True,
         "You have answers that somebody marked good or bad, one by one."),
    Line("Its results: a program or a model can score them", "rl", True,
         "You have prompts, and tests or a score for what comes back."),
    Line("Its size or speed: a small model does what a large one does", "distil", True,
         "You have a large model that is good enough, and too slow or too dear."),
    Line("Its language or field: it has read the raw text of it", "continue", True,
         "You have much text, and no questions with answers."),
)  # fmt: skip

OBJECTION_LINES: tuple[Line, ...] = (
    Line("It should know facts, above all ones that change or must be cited", "facts",
         more="Prices, people, policies, documents: what a search would find."),
    Line("A system prompt with a few examples was not tried yet", "prompt-untried",
         more="Five good examples in the prompt often do it."),
    Line("It works already with a prompt", "prompt-works",
         more="Then the gain is a shorter prompt, or a smaller model."),
    Line("This is a quick prototype", "prototype", more="It has to be shown soon, and may be thrown away."),
)  # fmt: skip

CIRCUMSTANCE_LINES: tuple[Line, ...] = (
    Line("Only a first look: few examples, next to no budget", "quick-trial",
         more="The cheapest method that shows whether it goes the right way."),
    Line("A hard task: reasoning, long answers", "complex", more="It gets more capacity."),
    Line("What the model can do now must stay", "keep-skills",
         more="Smaller steps, and old or general rows mixed in."),
    Line("Several tasks on one base model", "many-tasks", more="One small adapter for each of them."),
    Line("Very different demands in one model", "diverse", more="They get in each other's way."),
    Line("It is served in 4 or 8 bit, and quantised afterwards it is too poor", "deploy-int4",
         more="Training can take the rounding into account."),
    Line("People must see why it answers so", "interpretability", more="No method gives that by itself."),
)  # fmt: skip

LINES: tuple[Line, ...] = (
    *AIM_LINES,
    Line("Is any of this true? It may speak against fine-tuning."),
    *OBJECTION_LINES,
    Line("What else is true?"),
    *CIRCUMSTANCE_LINES,
)
"""What is asked, from top to bottom."""

_AIMS = frozenset(goal.word for goal in AIMS)


def toggled(goals: frozenset[str], line: Line) -> frozenset[str]:
    """`goals` after the mark of `line` was changed: of the aims exactly one stays."""
    if line.is_aim:
        return (goals - _AIMS) | {line.word}
    return goals ^ {line.word}

"""The answers to the held-out questions, before and after training, and how many of them are right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tui_ft.demo.tour.files import Pair
from tui_ft.runs.records import SampleEvent


@dataclass(frozen=True)
class Answered:
    """A held-out question and what the model said; None: it was not asked."""

    asked: Pair
    before: str | None = None
    after: str | None = None

    def is_right(self, said: str | None) -> bool:
        """Exact match: the expected answer, character by character; blanks at the ends do not count."""
        return said is not None and said.strip() == self.asked.expected.strip()

    def has_rule(self, said: str | None) -> bool:
        """The rule that answers the question stands in it, in whatever form."""
        return said is not None and self.asked.rule in said


@dataclass(frozen=True)
class Score:
    """How many of the `asked` questions were answered right; None: not all were asked at that time.

    `rule_before` and `rule_after` count the answers that hold the right rule, in whatever form.
    """

    asked: int
    before: int | None
    after: int | None
    rule_before: int | None = None
    rule_after: int | None = None


def pair(questions: Sequence[Pair], samples: Iterable[SampleEvent]) -> list[Answered]:
    """Put each question's answers beside it."""
    said = {(sample.when, sample.index): sample.answer for sample in samples}
    return [
        Answered(question, said.get(("before", index)), said.get(("after", index)))
        for index, question in enumerate(questions)
    ]


def score(answers: Sequence[Answered]) -> Score:
    """Count the right ones."""

    def count(said: Sequence[str | None], judge: Callable[[Answered, str | None], bool]) -> int | None:
        if any(one is None for one in said):
            return None
        return sum(judge(one, text) for one, text in zip(answers, said, strict=True))

    before, after = [one.before for one in answers], [one.after for one in answers]
    return Score(
        len(answers),
        count(before, Answered.is_right),
        count(after, Answered.is_right),
        count(before, Answered.has_rule),
        count(after, Answered.has_rule),
    )

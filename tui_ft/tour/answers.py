"""The answers to the held-out questions, before and after training, and how many of them are right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Score:
    """How many of the `asked` questions were answered right; None: not all were asked at that time."""

    asked: int
    before: int | None
    after: int | None


def pair(questions: Sequence[Pair], samples: Iterable[SampleEvent]) -> list[Answered]:
    """Put each question's answers beside it."""
    said = {(sample.when, sample.index): sample.answer for sample in samples}
    return [
        Answered(question, said.get(("before", index)), said.get(("after", index)))
        for index, question in enumerate(questions)
    ]


def score(answers: Sequence[Answered]) -> Score:
    """Count the right ones."""

    def count(said: Sequence[str | None]) -> int | None:
        if any(one is None for one in said):
            return None
        return sum(one.is_right(text) for one, text in zip(answers, said, strict=True))

    return Score(len(answers), count([a.before for a in answers]), count([a.after for a in answers]))

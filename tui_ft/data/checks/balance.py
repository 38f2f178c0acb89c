"""Whether there are enough rows, and whether some answers crowd out the others."""

from __future__ import annotations

from collections import Counter

from tui_ft.data.faults import Faults
from tui_ft.data.wording import shown

LEAST_ROWS = 100
"""Below, fine-tuning is not advised (Week-3 course, student notes)."""

FEW_ROWS = 1000
"""Below, over-fitting is likely."""

_SHORT = 60
_MOST_ANSWERS = 5000
_ROWS_TO_JUDGE = 50
_CROWD = 0.8
_REPEATED = 0.3
_TIMES = 10


class Balance:
    """How often each short answer is given, and each rating."""

    def __init__(self) -> None:
        self._answers: Counter[str] = Counter()
        self._ratings: Counter[bool] = Counter()
        self._is_followed = True

    def answer(self, text: str) -> None:
        """Count a row's answer; long ones differ anyway."""
        if self._is_followed and len(text) <= _SHORT:
            self._answers[text.strip()] += 1
            self._is_followed = len(self._answers) <= _MOST_ANSWERS

    def rating(self, is_good: bool) -> None:
        self._ratings[is_good] += 1

    def finish(self, faults: Faults, usable_rows: int, *, has_answers: bool) -> None:
        if 0 < usable_rows < LEAST_ROWS:
            faults.add("too_few_rows", None, f"there are {usable_rows}")
        elif 0 < usable_rows < FEW_ROWS:
            faults.add("few_rows", None, f"there are {usable_rows}")
        if usable_rows < _ROWS_TO_JUDGE:
            return
        if has_answers and self._is_followed:
            self._judge_answers(faults, usable_rows)
        self._judge_ratings(faults)

    def _judge_answers(self, faults: Faults, rows: int) -> None:
        ordered = self._answers.most_common()
        if not ordered:
            return
        answer, most = ordered[0]
        are_classes = sum(self._answers.values()) >= 0.9 * rows and len(ordered) <= max(2, rows // 10)
        if are_classes and len(ordered) > 1:
            rare, least = ordered[-1]
            if most >= _CROWD * rows or most >= _TIMES * least:
                said = f"{_share(most, rows)} {_quoted(answer)}, {_share(least, rows)} {_quoted(rare)}"
                faults.add("imbalance", None, said, count=most)
        elif most >= _REPEATED * rows:
            faults.add("imbalance", None, f"{_share(most, rows)} {_quoted(answer)}", count=most)

    def _judge_ratings(self, faults: Faults) -> None:
        good, bad = self._ratings[True], self._ratings[False]
        if good + bad >= _ROWS_TO_JUDGE and max(good, bad) > 4 * min(good, bad):
            faults.add("imbalance", None, f"{good:,} rated good, {bad:,} rated bad", count=max(good, bad))


def _share(count: int, rows: int) -> str:
    return f"{100 * count / rows:.3g} %"


def _quoted(answer: str) -> str:
    return repr(shown(answer, 40))

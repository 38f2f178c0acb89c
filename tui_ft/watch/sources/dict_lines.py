"""Rows that trainers print as dicts: `{'loss': 2.05, …}` by transformers 4, `{'loss': '3.996', …}` by 5."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tui_ft.watch.sources.words import whole_step, word_number

LONGEST_DICT = 65_536
MOST_PAIRS = 500
SMALLEST_EPOCH, LARGEST_EPOCH = 1e-9, 1e9
"""An epoch beyond these is a damaged number and tells nothing."""

_MOST_TRIES = 16

_PAIR = re.compile(
    r"""(['"])(?P<key>[^'"\n]{1,200})\1 ?: ?"""
    r"""(?P<value>'[^'\n]*'|"[^"\n]*"|\[[^\]\n]*\]|\{[^}\n]*\}|[\w.]{1,40}\([^)\n]*\)|[^,}\n]{1,200})\s?(?P<after>[,}])"""
)
_STEP_KEYS = ("step", "global_step", "steps", "iter", "iteration", "current_steps", "_step")
_FRACTION_KEY = "global_step/max_steps"
"""ms-swift prints step and length of the run in one value: `'1/93'`."""

_TOTAL_KEYS = ("total_steps", "max_steps")
_NO_SERIES = frozenset({"epoch", "total_flos", "percentage", "elapsed_time", "remaining_time", _FRACTION_KEY,
                        *_STEP_KEYS, *_TOTAL_KEYS})  # fmt: skip
_LOSSES = ("loss", "train_loss", "train/loss", "training_loss", "lm_loss", "lm loss")


@dataclass(kw_only=True)
class DictRow:
    """One printed dict: its numbers by the names as written, and what it says of the place in the run."""

    numbers: dict[str, float] = field(default_factory=dict)
    step: int | None = None
    total: int | None = None
    epoch: float | None = None
    is_quoted: bool = False
    is_summary: bool = False
    has_flos: bool = False

    @property
    def is_training(self) -> bool:
        """True for a row of training, False for one of an evaluation."""
        return any(name in self.numbers for name in _LOSSES) or not any(
            name.startswith(("eval_", "eval/", "test_", "val_")) for name in self.numbers
        )


def read_dict(text: str) -> DictRow | None:
    """Return the row in a text that holds one printed dict of metrics; None for any other text.

    A dict counts as metrics when it is whole and has a loss, values of an evaluation with their epoch, or
    the summary of a run. Quoted numbers are numbers; what is no number is left out.
    """
    start = -1
    for _ in range(_MOST_TRIES):
        start = text.find("{", start + 1)
        if start < 0:
            return None
        if text[start + 1 : start + 2] in ("'", '"') and (row := _row_at(text, start)) is not None:
            return row
    return None


def _row_at(text: str, start: int) -> DictRow | None:
    row, at = DictRow(), start + 1
    for _ in range(MOST_PAIRS):
        match = _PAIR.match(text, _past_space(text, at), start + LONGEST_DICT)
        if match is None:
            return None
        _take(row, match["key"].strip(), match["value"].strip())
        at = match.end()
        if match["after"] == "}":
            return row if _is_metrics(row) else None
    return None


def _past_space(text: str, at: int) -> int:
    return at + 1 if text[at : at + 1] in (" ", "\t") else at


def _take(row: DictRow, key: str, value: str) -> None:
    if key == "train_runtime":
        row.is_summary = True
    elif key == "total_flos":
        row.has_flos = True
    if key == _FRACTION_KEY:
        step, _, total = value.strip("'\"").partition("/")
        row.step, row.total = whole_step(step), whole_step(total)
        return
    number = word_number(value)
    if number is None:
        return
    if key in _STEP_KEYS:
        row.step = whole_step(number) if row.step is None else row.step
    elif key in _TOTAL_KEYS:
        row.total = whole_step(number) or row.total
    elif key == "epoch" and (number == 0.0 or SMALLEST_EPOCH < number < LARGEST_EPOCH):
        row.epoch, row.is_quoted = number, value[0] in "'\""
    if key not in _NO_SERIES:
        row.numbers[key] = number


def _is_metrics(row: DictRow) -> bool:
    if row.is_summary:
        return True
    if not row.numbers:
        row.is_summary = row.has_flos  # the summary of a run before transformers 4.4
        return row.is_summary
    has_place = row.epoch is not None or row.step is not None
    if any(name in row.numbers for name in _LOSSES):
        return True
    return has_place and any(
        name.startswith(("eval_", "eval/", "val_", "val/", "test_", "reward", "rewards/"))
        or name.endswith("_loss")
        for name in row.numbers
    )

"""Data set formats: what each is called, what it is made of, and which of them this version trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from tui_ft.data.spelling import USUAL, Spelling
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

FormatName = Literal[
    "alpaca", "sharegpt", "messages", "prompt_completion", "text",
    "preference", "kto", "prompt_only", "unknown",
]  # fmt: skip

SFT_FORMATS = ("alpaca", "sharegpt", "messages", "prompt_completion", "text")
KNOWN_FORMATS = (*SFT_FORMATS, "preference", "kto", "prompt_only")

REMEDY = 'Name its columns in data.columns, for example {prompt = "question", completion = "answer"}.'
_REFUSED: dict[str, tuple[str, str]] = {
    "preference": (
        "holds preference pairs (chosen and rejected answers)",
        'Train it with objective.kind = "dpo", or name the wanted answers in data.columns.',
    ),
    "kto": (
        "holds answers labelled good or bad",
        'Train it with objective.kind = "kto", or keep the good rows only.',
    ),
    "prompt_only": ("holds prompts without answers", "Give a data set that has the answers, too."),
}


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are to be read: the format's name, our column names → the data set's, and its words.

    `needed` are the data set's columns without which a row cannot be read.
    """

    name: FormatName
    columns: dict[str, str] = {}
    spelt: Spelling = USUAL
    needed: tuple[str, ...] = ()


def require_sft(found: Format, origin: str, columns: Sequence[str] = ()) -> None:
    """Raise `TuiFtError` unless `found` can be trained with supervised fine-tuning."""
    if found.name in SFT_FORMATS:
        return
    what, hint = _REFUSED.get(found.name, ("", ""))
    if not what:
        names = shown(", ".join(columns), 120) or "none"
        what, hint = f"is in no format that is known here; its columns are: {names}", REMEDY
        if "input_ids" in columns:
            what, hint = "is tokenized already", "Give the data set as text, before it was tokenized."
    raise TuiFtError(f"The data set {shown(origin, 200)} {what}.", hint)


def lacks(found: Format, row: Mapping[str, Any]) -> bool:
    """True when `row` has nothing in a column that its format needs."""
    for name in found.needed:  # a loop: it is asked of every row  # noqa: SIM110
        if row.get(name) is None:
            return True
    return False

"""Why training refuses a data set for its format, and what can be done with it instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui_ft.data.checks.columns import a_mapping
from tui_ft.data.formats import SFT_FORMATS, Format, require_sft
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

OBJECTIVES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(SFT_FORMATS, ("sft",)),
    "preference": ("dpo", "orpo", "reward"),
    "kto": ("kto",),
    "prompt_only": ("grpo", "rloo", "distill"),
}
"""What rows of a format can be used for."""

_INSTEAD = {
    "kto": "To train the good answers now, keep those rows and name their columns without the label.",
    "prompt_only": "To train now, give a data set that has the answers, too.",
}


def refusal_of(found: Format, name: str, sample: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Return the kind of problem, its sentence and its remedy for rows that are not for fine-tuning.

    `name` is the data set's, `sample` are its first rows.
    """
    columns = list(dict.fromkeys(name for row in sample for name in row))
    try:
        require_sft(found, name, columns)
    except TuiFtError as error:
        if "input_ids" in columns and found.name == "unknown":
            return "tokenized", error.message, error.hint
        if found.name == "unknown":
            guess = a_mapping(sample)
            hint = f"If it is meant so: --columns {shown(guess, 160)}" if guess else error.hint
            return "unknown_format", error.message, other_shape(sample) or hint
        uses = ", ".join(OBJECTIVES[found.name])
        message = f"{error.message[:-1]}: this version does not train on them yet ({uses})."
        return "not_trainable_yet", message, _instead(found) or error.hint
    raise ValueError(f"{found.name} is trained on")


def other_shape(sample: Sequence[Mapping[str, Any]]) -> str:
    """Return the remedy for a table that is turned over, or has no header; or ""."""
    row = sample[0]
    sizes = {len(value) if isinstance(value, list | dict) else 0 for value in row.values()}
    is_turned = len(row) > 1 and len(sizes) == 1 and sizes.pop() > 1
    if len(sample) == 1 and (is_turned or {"columns", "data"} <= row.keys()):
        return 'It holds columns, not rows. With pandas: df.to_json(OUT, orient="records", lines=True)'
    if any(len(name) > 40 and " " in name for name in row):
        return "Its first line looks like a row: put one before it that names the columns."
    return ""


def _instead(found: Format) -> str:
    """Say what of such rows can be trained on now."""
    chosen, asks = found.columns.get("chosen"), found.columns.get("prompt")
    if chosen is not None:
        wanted = f"prompt={asks},completion={chosen}" if asks else f"messages={chosen}"
        return f"To train the wanted answers now: --columns {shown(wanted, 120)}"
    return _INSTEAD.get(found.name, "")

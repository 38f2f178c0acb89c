"""Rows of preferences, ratings and prompts: in the columns that training on them takes, as TRL names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tui_ft.data.convert import answer, as_chat, asked, require_fields, with_system
from tui_ft.data.formats import Format
from tui_ft.data.structured import Turn, read_chat
from tui_ft.data.wording import RowProblem, is_blank, shown

Message = dict[str, str]
Said = list[Message] | str
"""Messages, or a text as it stands."""

_SPOKEN = re.compile(r"(?:^|\n\n)(Human|Assistant):", re.MULTILINE)
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}
_GOOD = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def as_trl(row: Mapping[str, Any], found: Format) -> dict[str, Any]:
    """Return `row` with the columns of its format, as TRL takes them.

    preference: `prompt`, `chosen`, `rejected`; kto: `prompt`, `completion`, `label`; prompt_only: `prompt`.
    All of a row's texts are lists of messages, or all are plain texts. Raises `RowProblem`.
    """
    require_fields(row, found)
    if found.name == "preference":
        return _preference(row, found)
    if found.name == "kto":
        return _rated(row, found)
    return {"prompt": _prompt(row, found)}


def _preference(row: Mapping[str, Any], found: Format) -> dict[str, Any]:
    columns = found.columns
    chosen = _answer(row[columns["chosen"]], columns["chosen"], found)
    rejected = _answer(row[columns["rejected"]], columns["rejected"], found)
    shared = _shared(chosen, rejected)
    before = with_system(chosen[:shared], row, columns) if shared else _asked(row, found)
    chosen, rejected = chosen[shared:], rejected[shared:]
    for turns in (chosen, rejected):
        _require_answer(turns)
    _require_prompt(before)
    if not shared and _is_text(row, found, ("prompt", "chosen", "rejected")):
        return {"prompt": before[-1].text, "chosen": chosen[0].text, "rejected": rejected[0].text}
    return {"prompt": _said(before), "chosen": _said(chosen), "rejected": _said(rejected)}


def _rated(row: Mapping[str, Any], found: Format) -> dict[str, Any]:
    columns = found.columns
    label = _GOOD.get(str(row[columns["label"]]).strip().lower())
    if label is None:
        raise RowProblem("bad_label", f"the label is {shown(row[columns['label']], 30)!r}")
    if "messages" in columns:
        turns = with_system(read_chat(row[columns["messages"]], found.spelt), row, columns)
        last = max((i for i, turn in enumerate(turns) if turn.role == "assistant"), default=None)
        if last is None:
            raise RowProblem("no_assistant_turn", "the conversation has no assistant turn")
        before, answered = turns[:last], turns[last : last + 1]
    else:
        before = _asked(row, found)
        answered = _answer(row[columns["completion"]], columns["completion"], found)
    _require_answer(answered)
    _require_prompt(before)
    if _is_text(row, found, ("prompt", "completion")):
        return {"prompt": before[-1].text, "completion": answered[0].text, "label": label}
    return {"prompt": _said(before), "completion": _said(answered), "label": label}


def _prompt(row: Mapping[str, Any], found: Format) -> Said:
    turns = _asked(row, found)
    while turns and turns[-1].role == "assistant":
        turns = turns[:-1]
    _require_prompt(turns)
    return turns[0].text if _is_text(row, found, ("prompt",)) and len(turns) == 1 else _said(turns)


def _asked(row: Mapping[str, Any], found: Format) -> list[Turn]:
    """Return what comes before the answer: system prompt, history and question."""
    columns = found.columns
    prompt = row.get(columns["prompt"]) if "prompt" in columns else None
    if prompt is None:
        if found.name == "prompt_only":
            raise RowProblem("missing_field", f"column {shown(columns['prompt'], 40)!r} is missing or null")
        raise RowProblem("no_prompt", "nothing comes before the answers")
    if isinstance(prompt, str) and (turns := _spoken(prompt)):
        return with_system(turns, row, columns)
    if isinstance(prompt, list) and prompt and all(isinstance(text, str) for text in prompt):
        row = {**row, columns["prompt"]: prompt[0]}  # questions that are asked one after another
    if isinstance(prompt, Mapping) and prompt.get("tools"):  # beside the messages, as OpenAI has them
        row, columns = {**row, "tools": prompt["tools"]}, {**columns, "tools": "tools"}
    return with_system(asked(row, found, "prompt"), row, columns)


def _answer(value: Any, column: str, found: Format) -> list[Turn]:
    if isinstance(value, str) and (turns := _spoken(value)):
        return turns
    if isinstance(value, list) and as_chat(value, found) is None:
        raise RowProblem("wrong_type", f"column {shown(column, 40)!r} holds a list")
    return answer(value, column, found)


def _spoken(text: str) -> list[Turn]:
    """Return the turns of a dialogue written as text ("\\n\\nHuman: … \\n\\nAssistant: …"), else nothing."""
    if not text.lstrip().startswith(("Human:", "Assistant:")):
        return []
    pieces = _SPOKEN.split(text)
    return [
        Turn(role=_SPEAKERS[name], text=said.strip())
        for name, said in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def _shared(chosen: Sequence[Turn], rejected: Sequence[Turn]) -> int:
    """Return how many turns at the front both have in common: the prompt, when they hold it."""
    if len(chosen) < 2 and len(rejected) < 2:
        return 0
    most = min(len(chosen), len(rejected)) - 1  # the last ones are the answers, even where they are equal
    shared = next((i for i in range(most) if chosen[i] != rejected[i]), most)
    while shared and chosen[shared].role != "assistant":
        shared -= 1
    return shared


def _require_answer(turns: Sequence[Turn]) -> None:
    answers = [turn for turn in turns if turn.role == "assistant"]
    if not answers:
        raise RowProblem("no_assistant_turn", "an answer has no assistant turn")
    if any(is_blank(turn.text) for turn in answers):
        raise RowProblem("empty_answer", "the answer is empty")


def _require_prompt(turns: Sequence[Turn]) -> None:
    if not any(turn.role != "system" for turn in turns):
        raise RowProblem("no_prompt", "nothing comes before the answers")
    if all(is_blank(turn.text) for turn in turns if turn.role == "user"):
        raise RowProblem("empty_prompt", "the prompt is empty")


def _is_text(row: Mapping[str, Any], found: Format, parts: Sequence[str]) -> bool:
    """True when the row is plain text throughout, under the names that mean it as it stands."""
    columns = found.columns
    if any(name in columns and row.get(columns[name]) for name in ("system", "tools", "history")):
        return False
    usual = all(columns.get(part) == part for part in parts)
    return usual and all(isinstance(row[part], str) and not _spoken(row[part]) for part in parts)


def _said(turns: Sequence[Turn]) -> list[Message]:
    return [{"role": turn.role, "content": turn.text} for turn in turns if not is_blank(turn.text)]

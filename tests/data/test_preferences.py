"""Rows of preferences become what training on them takes, however a data set writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui_ft.data import gate
from tui_ft.data.detect import detect
from tui_ft.data.preferences import as_trl
from tui_ft.data.view import view
from tui_ft.data.wording import RowProblem
from tui_ft.data.writing import write


def openai_pair(number: int, **asks: Any) -> dict[str, Any]:
    """A row as OpenAI's preference tuning takes it."""
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"What of {number}?"}]
    return {
        "input": {"messages": messages, "tools": [], "parallel_tool_calls": True, **asks},
        "preferred_output": [{"role": "assistant", "content": f"It is {number}."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }


def test_pairs_as_openai_has_them(tmp_path: Path) -> None:
    rows = [openai_pair(number) for number in range(5)]
    said = as_trl(rows[3], detect(rows))
    assert [m["content"] for m in said["prompt"]] == ["Be kind.", "What of 3?"]
    assert said["chosen"] == [{"role": "assistant", "content": "It is 3."}]
    assert said["rejected"] == [{"role": "assistant", "content": "No."}]
    path, out = tmp_path / "set.jsonl", tmp_path / "out.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = gate.check(path)
    assert (found.format, found.usable_rows) == ("preference", 5)
    assert [p.code for p in found.errors] == ["not_trainable_yet"]
    assert write(path, out).rows == 5
    assert json.loads(out.read_text().splitlines()[3]) == said
    seen = view(path, 4)
    assert not seen.code
    assert "It is 3." in seen.text
    named = {"prompt": "input", "completion": "preferred_output"}  # as the remedy says it
    assert gate.check(path, columns=named).usable_rows == 5


def test_tools_beside_the_messages_are_told_to_the_model() -> None:
    row = openai_pair(1, tools=[{"name": "clock"}])
    assert '{"name": "clock"}' in as_trl(row, detect([row]))["prompt"][0]["content"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"prompt": "q", "chosen": "\u200b", "rejected": "b"}, "empty_answer"),
        ({"prompt": "\ufeff", "chosen": "a", "rejected": "b"}, "empty_prompt"),
    ],
)
def test_what_has_no_width_is_empty(row: dict[str, Any], code: str) -> None:
    with pytest.raises(RowProblem) as caught:
        as_trl(row, detect([row]))
    assert caught.value.code == code

"""Data sets as the hub has them: the gate names their format and usable rows, and gives no false alarm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_shapes import SHAPES

from tui_ft.data import gate

EXPECTED = {
    "oasst_guanaco": {"templated_text"},
    "oasst1": {"message_tree"},
    "glaive_v2": {"templated_text"},
    "imdb": {"label_not_used"},
    "squad": {"empty_answer"},
    "wikitext": {"empty_text"},
    "tokenized": {"tokenized"},
    "stepwise": {"unknown_format"},
    "people": {"unknown_format"},
    "sentences": {"unknown_format"},
}
OF_ALL = {"too_few_rows", "unused_columns", "not_trainable_yet"}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_the_hub(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    file = tmp_path / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in shape.rows))
    found = gate.check(file)
    assert (found.format, found.usable_rows, found.rows) == (shape.format, shape.usable, 3)
    codes = {problem.code for problem in found.problems}
    assert codes - OF_ALL - {"no_usable_rows"} == EXPECTED.get(name, set())
    assert bool(found.refusal) == (found.objectives != ["sft"])

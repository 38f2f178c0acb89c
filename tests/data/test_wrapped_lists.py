"""A JSON document that wraps several lists: one is read, and the others are told by name and length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui_ft.data import gate, lines
from tui_ft.data.findings import Findings, Problem


def rows(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"question": f"What of {i}?", "answer": f"It is {i}."} for i in range(first, first + count)]


def check(folder: Path, document: str | dict[str, Any]) -> Findings:
    path = folder / "set.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return gate.check(path)


def others(found: Findings) -> list[Problem]:
    return [problem for problem in found.problems if problem.code == "other_lists"]


def test_the_other_lists_are_named_with_their_lengths(tmp_path: Path) -> None:
    found = check(
        tmp_path, {"v": 1, "train": rows(100), "test": rows(20, 100), "dev": rows(1), "tags": ["a"]}
    )
    assert found.usable_rows == found.rows == 100
    (problem,) = others(found)
    assert (problem.severity, problem.count) == ("warning", 2)
    assert "'test' with 20 rows" in problem.message
    assert "'dev' with 1 row " in problem.message


def test_one_list_alone_is_no_matter(tmp_path: Path) -> None:
    assert others(check(tmp_path, {"version": "1", "tags": ["a"], "data": rows(3)})) == []
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    assert others(check(tmp_path, {"messages": turns, "tools": [{"name": "clock"}]})) == []


@pytest.mark.parametrize("chunk", [64, 1 << 15])
def test_also_where_the_document_is_longer_than_a_row_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(lines, "MAX_ROW_BYTES", 4096)
    monkeypatch.setattr("tui_ft.data.json_values._CHUNK_BYTES", chunk)
    document = {"train": rows(300), "v": {"a": 1}, "words": ["x"], "test": rows(200, 300), "dev": rows(2)}
    found = check(tmp_path, document)
    assert found.usable_rows == found.rows == 300
    (problem,) = others(found)
    assert "'test' with 200 rows" in problem.message
    assert "'dev' with 2 rows" in problem.message
    assert [p.code for p in found.errors] == []


def test_lists_before_and_behind_a_broken_one(tmp_path: Path) -> None:
    broken = json.dumps(rows(3)).replace('"It is 1."', '"It is" 1.')
    text = f'{{"test": {json.dumps(rows(4))}, "train": {broken}, "dev": {json.dumps(rows(5))}}}'
    found = check(tmp_path, text)
    assert found.rows == 3
    (problem,) = others(found)
    assert "'test' with 4 rows" in problem.message
    assert "'dev' with 5 rows" in problem.message

"""The gate as others call it: progress, stopping, an evaluation, registers, repetitions."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui_ft.data import gate
from tui_ft.data.findings import Findings
from tui_ft.data.read import UnreadableError
from tui_ft.errors import TuiFtError

ROWS = [{"question": f"What of {i}?", "answer": f"It is {i}."} for i in range(3000)]

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*rows: Any, name: str = "set.jsonl") -> Path:
        file = tmp_path / name
        file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return file

    return made


def codes(found: Findings) -> dict[str, list[int]]:
    return {problem.code: problem.rows for problem in found.problems}


def test_progress_goes_up_to_the_end_and_says_how_much_is_usable(make: Make) -> None:
    file = make(*ROWS, *ROWS)
    seen: list[gate.Progress] = []
    found = gate.check(file, progress=seen.append)
    assert seen
    assert [p.rows for p in seen] == sorted(p.rows for p in seen)
    assert all(p.total_bytes == file.stat().st_size for p in seen if p.total_bytes)
    assert all(p.so_far.usable_rows <= p.so_far.rows == p.rows for p in seen)
    assert not found.is_partial


def test_progress_is_told_now_and_then_and_the_first_rows_at_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate.time, "monotonic", lambda: 1.0)
    seen: list[gate.Progress] = []
    gate.check(make(*ROWS), eval_path=make(*ROWS, name="eval.jsonl"), progress=seen.append)
    assert [bool(told.rows) for told in seen] == [False, True]


def stopping(after: int) -> Callable[[gate.Progress], None]:
    left = [after]

    def progress(_: gate.Progress) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise gate.Stop

    return progress


@pytest.mark.parametrize("rows", [ROWS, ["{broken"] * 3000, ["[1]"] * 3000], ids=["good", "broken", "lists"])
def test_stopping_gives_what_was_found(make: Make, rows: list[Any]) -> None:
    found = gate.check(make(*rows), progress=stopping(1))
    assert found.is_partial
    assert found.rows < 3000
    assert not {"too_few_rows", "few_rows", "no_usable_rows"} & set(codes(found))


def test_stopping_while_the_evaluation_is_read(make: Make) -> None:
    found = gate.check(make(*ROWS), eval_path=make(*ROWS, name="eval.jsonl"), progress=stopping(1))
    assert found.is_partial
    assert found.rows == 0
    assert found.refusal == ""


def test_so_many_rows_and_no_more(make: Make) -> None:
    found = gate.check(make(*ROWS), max_rows=10)
    assert (found.rows, found.usable_rows, found.is_partial) == (10, 10, True)
    found = gate.check(make(*ROWS[:10]), max_rows=10)
    assert (found.rows, found.is_partial) == (10, False)


def test_an_evaluation_that_cannot_be_read_is_no_fault_of_the_data(make: Make) -> None:
    with pytest.raises(TuiFtError, match="does not exist") as caught:
        gate.check(make(*ROWS), eval_path="/nowhere.jsonl")
    assert not isinstance(caught.value, UnreadableError)


def test_the_evaluation_is_read_as_the_data_are(make: Make) -> None:
    rows = [{"frage": f"Was ist {i}?", "wert": f"Es ist {i}."} for i in range(5)]
    columns = {"prompt": "frage", "completion": "wert"}
    found = gate.check(make(*rows), columns=columns, eval_path=make(rows[2], name="eval.jsonl"))
    assert codes(found)["eval_leak"] == [3]


def test_the_content_key_follows_the_file(make: Make) -> None:
    file = make(*ROWS)
    before = gate.check(file).content
    assert before == gate.content_key(file)
    make(*ROWS, ROWS[0])
    assert gate.content_key(file) != before


@pytest.mark.parametrize(
    ("one", "other"),
    [(-1, -2), (1, True), (1, 1.0), (0, False), ("1", 1), (None, ""), ([1], [True]), ({"a": 1}, {"a": 1.0})],
)
@pytest.mark.parametrize("question", ["Why?", ""])
def test_rows_that_differ_are_not_called_the_same(make: Make, one: Any, other: Any, question: str) -> None:
    row = {"question": question, "answer": "So."}
    found = gate.check(make(*ROWS[:3], {**row, "n": one}, {**row, "n": other}))
    assert found.duplicates == 0
    found = gate.check(make(*ROWS[:3], {**row, "n": one}, {"n": one, **row}))
    assert found.duplicates == 1


def test_foreign_text_is_read_without_a_word_on_the_screen(
    make: Make, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    make({"messages": "['\\d', [1or 2]]"}, {"messages": '["\\\\d", "\\\\q"'})
    gate.check(make({"messages": "['\\\\d', '1or']"}, {"messages": "[{'role': 'user\\\\d'}, 1or 2]"}))
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_a_register_beside_the_file_says_what_it_is(make: Make, tmp_path: Path) -> None:
    rows = [{"frage": f"Was ist {i}?", "antwort": f"Es ist {i}."} for i in range(5)]
    file = make(*rows)
    assert gate.check(file).format == "unknown"
    columns = {"prompt": "frage", "response": "antwort"}
    register = tmp_path / "dataset_info.json"
    register.write_text(json.dumps({"mine": {"file_name": "set.jsonl", "columns": columns}}))
    found = gate.check(file)
    assert (found.format, found.usable_rows) == ("alpaca", 5)
    assert gate.check(register).path == str(file)
    columns["response"] = "nirgends"
    register.write_text(json.dumps({"mine": {"file_name": "set.jsonl", "columns": columns}}))
    (problem,) = (p for p in gate.check(file).problems if p.code == "wrong_columns")
    assert "dataset_info.json" in problem.fix
    assert gate.check(file, columns={"prompt": "frage", "completion": "antwort"}).usable_rows == 5


def test_a_column_that_fills_up_late_is_read(make: Make) -> None:
    late = [
        {"instruction": f"q{i}", "input": "" if i < 500 else "more", "output": f"a{i}"} for i in range(501)
    ]
    assert gate.check(make(*late)).mapping["input"] == "input"


@pytest.mark.parametrize("container", ["json", "csv", "parquet", "jsonl.gz", "txt"])
def test_every_container(tmp_path: Path, container: str) -> None:
    rows = [{"question": f"What of {i}?", "answer": f"It is {i}."} for i in range(150)]
    file = tmp_path / f"set.{container}"
    if container == "json":
        file.write_text(json.dumps(rows))
    elif container == "csv":
        file.write_text("question,answer\n" + "".join(f"{r['question']},{r['answer']}\n" for r in rows))
    elif container == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        table = pytest.importorskip("pyarrow").Table.from_pylist(rows)
        parquet.write_table(table, file)
    elif container == "txt":
        file.write_text("".join(f"{row['question']}\n" for row in rows))
    else:
        file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    found = gate.check(file)
    kind = {"txt": "text", "jsonl.gz": "jsonl"}.get(container, container)
    assert (found.container, found.rows, found.usable_rows) == (kind, 150, 150)
    assert {p.severity for p in found.problems} == {"note"}


def near(found: Findings) -> list[int]:
    return codes(found).get("near_duplicate", [])


HARBOUR = (
    "The harbour master writes down every ship that comes in, its flag, its load and the hour of the tide, "
    "and in the evening he sends the list to the office in the town"
)


def test_near_repetitions_are_those_of_the_whole_row(make: Make) -> None:
    def row(asked: str, answered: str) -> dict[str, str]:
        return {"instruction": asked, "output": answered}

    who = "Who writes down the ships that come into the harbour, and when?"
    same = row(who, f"{HARBOUR}.")
    changed = row(who.upper(), f"{HARBOUR} again.")
    other_answer = row(who, "Nobody does, since the harbour was closed in the year of the great storm.")
    assert near(gate.check(make(same, changed))) == [2]
    assert near(gate.check(make(same, same))) == []
    assert near(gate.check(make(same, other_answer))) == []


def test_rows_of_one_page_or_one_form_of_words_are_no_near_repetitions(make: Make) -> None:
    pages = [
        {"instruction": f"At which hour does pilot {i} report?", "input": HARBOUR * 5, "output": f"At {i}."}
        for i in range(80)
    ]
    assert near(gate.check(make(*pages))) == []
    sums = [
        {
            "question": f"Tom has {i} apples and buys {i + 7} more at the market. How many has he now?",
            "answer": f"Tom has {i} apples. He buys {i + 7} more. {i}+{i + 7}={2 * i + 7}. It is {2 * i + 7}",
        }
        for i in range(60)
    ]
    assert near(gate.check(make(*sums))) == []

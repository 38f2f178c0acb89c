"""Every kind of fault: made up once, found with its row number, its severity and a remedy."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tui_ft.data import gate
from tui_ft.data.findings import Findings
from tui_ft.data.problem_kinds import KINDS
from tui_ft.data.read import UnreadableError

USER, BOT = {"role": "user", "content": "What of the sea?"}, {"role": "assistant", "content": "It is wide."}
LONG = "The harbour master writes down every ship that comes in, its flag, its load, and the hour of the tide"


class Case(NamedTuple):
    """Lines of a file with one fault, and the rows that have it."""

    lines: list[Any]
    rows: list[int]
    options: dict[str, Any] = {}
    name: str = "set.jsonl"


def pair(answer: Any = "It is wide.", **more: Any) -> dict[str, Any]:
    return {"instruction": more.pop("instruction", "What of the sea?"), "output": answer, **more}


def chat(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(turns)}


def classes(*answers: str) -> list[dict[str, Any]]:
    return [pair(answer, instruction=f"Text number {i}?") for i, answer in enumerate(answers)]


def good(count: int) -> list[dict[str, Any]]:
    return [pair(f"Answer number {i}.", instruction=f"Question number {i}?") for i in range(count)]


GOOD = good(3)
CASES: dict[str, Case] = {
    "unparsable": Case([*GOOD, '{"instruction": "x', *GOOD], [4]),
    "bad_utf8": Case([*GOOD, b'{"instruction": "caf\xe9", "output": "a"}'], [4]),
    "not_an_object": Case([*GOOD, [1, 2], '"text"', None], [4, 5, 6]),
    "row_too_long": Case([*GOOD, pair("x" * (9 << 20)), *GOOD], [4]),
    "cut_off": Case([gzip.compress(json.dumps(pair()).encode() * 500)[:60]], [1], name="set.jsonl.gz"),
    "other_lists": Case([{"train": GOOD, "test": GOOD[:1]}], [], name="set.json"),
    "wrong_extension": Case(GOOD, [], name="set.csv.json.txt"),
    "byte_order_mark": Case([b"\xef\xbb\xbf" + json.dumps(pair()).encode()], []),
    "utf_16": Case(["\n".join(map(json.dumps, GOOD)).encode("utf-16")], []),
    "crlf": Case(["\r\n".join(map(json.dumps, GOOD)).encode()], []),
    "cr_only": Case(["\r".join(map(json.dumps, GOOD)).encode()], []),
    "unknown_format": Case([{"height": 1, "width": 2}], []),
    "tokenized": Case([{"input_ids": [1, 2]}], []),
    "wrong_columns": Case(GOOD, [], {"columns": {"prompt": "nowhere"}}),
    "not_trainable_yet": Case([{"prompt": "a", "chosen": "b", "rejected": "c"}], []),
    "no_usable_rows": Case([pair(""), pair(" ")], []),
    "mixed_schemas": Case([*GOOD, {"question": "Why?", "answer": "So."}], [4]),
    "mixed_types": Case([*GOOD, pair(5, instruction="How many?")], [4]),
    "message_tree": Case([{"message_id": "1", "parent_id": "0", "role": "user", "text": "hello you"}], []),
    "label_not_used": Case([{"text": "I liked it.", "label": 1}, {"text": "I did not.", "label": 0}], []),
    "unused_columns": Case([pair(colour="red")], []),
    "missing_field": Case([*GOOD, {"instruction": "x"}, pair(None)], [4, 5]),
    "wrong_type": Case([*GOOD, pair(["a"]), pair({"a": 1})], [4, 5]),
    "empty_text": Case([{"text": "words"}, {"text": " \n"}, {"text": "more"}], [2]),
    "empty_answer": Case([*GOOD, pair(" ")], [4]),
    "empty_prompt": Case([*GOOD, pair(instruction=" ")], [4]),
    "unknown_role": Case([chat(USER, BOT), chat({"role": "alien", "content": "x"}, BOT)], [2]),
    "no_assistant_turn": Case([chat(USER, BOT), chat(USER), chat()], [2, 3]),
    "no_prompt": Case([chat(USER, BOT), chat(BOT)], [2]),
    "media": Case([chat(USER, BOT), {**chat(USER, BOT), "images": ["a.png"]}], [2]),
    "half_character": Case([*GOOD, '{"instruction": "x", "output": "half \\ud83d"}'], [4]),
    "zero_weight": Case([chat(USER, BOT), chat(USER, {**BOT, "weight": 0})], [2]),
    "bad_label": Case(
        [{"prompt": "a", "completion": "b", "label": flag} for flag in [True] * 250 + ["maybe"]], [251]
    ),
    "chosen_is_rejected": Case(
        [{"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": "d", "chosen": "b", "rejected": "b"}],
        [2],
    ),
    "broken_alternation": Case([chat(USER, BOT), chat(USER, USER, BOT)], [2]),
    "late_system": Case([chat(USER, BOT), chat(USER, {"role": "system", "content": "Be kind."}, BOT)], [2]),
    "trailing_question": Case([chat(USER, BOT), chat(USER, BOT, USER)], [2]),
    "leading_answer": Case([chat(USER, BOT), chat(BOT, USER, BOT)], [2]),
    "unclosed_thought": Case([pair("<think>a</think>b"), pair("<think>a")], [2]),
    "replacement_character": Case([*GOOD, pair("caf\ufffd")], [4]),
    "garbled_text": Case([*GOOD, pair("The cafÃ© is closed."), pair("Itâ€™s late.")], [4, 5]),
    "control_characters": Case([*GOOD, pair("a\x1b[2Jb"), pair("a\x00b")], [4, 5]),
    "placeholder": Case([*GOOD, pair("I am {{name}}."), pair("Dear [INSERT NAME],")], [4, 5]),
    "template_markers": Case([*GOOD, pair("Hi<|im_end|>"), pair("[INST] Hi [/INST]")], [4, 5]),
    "templated_text": Case([{"text": "<|im_start|>user\nHi<|im_end|>"}], [1]),
    "personal_data": Case([*GOOD, pair("Write to ann.ott@harbour.no"), pair("Call +47 22 33 44 51")], [4, 5]),
    "secret": Case([*GOOD, pair("key: AKIAIOSFODNN7QQQQQQQ")], [4]),
    "duplicate": Case([*GOOD, GOOD[0]], [4]),
    "same_content": Case([pair(id=1), pair(id=2)], [2]),
    "near_duplicate": Case(
        [pair(LONG, instruction="Who writes down the ships in the harbour?"),
         pair(f"{LONG} too", instruction="Who writes down the ships in the harbour?")], [2]
    ),
    "conflicting_answers": Case([*GOOD, pair("Yes."), pair("No.")], [4, 5]),
    "eval_leak": Case([*GOOD, pair()], [4], {"eval_path": [pair("Other.", instruction="what of  the Sea?")]}),
    "too_few_rows": Case(GOOD, []),
    "few_rows": Case(good(100), []),
    "imbalance": Case(classes(*["good"] * 90, *["bad"] * 10), []),
}  # fmt: skip


def check(case: Case, folder: Path) -> Findings:
    file = folder / case.name
    file.write_bytes(_bytes(case.lines))
    options = dict(case.options)
    if "eval_path" in options:
        evaluation = folder / "eval.jsonl"
        evaluation.write_bytes(_bytes(options["eval_path"]))
        options["eval_path"] = evaluation
    return gate.check(file, **options)


def _bytes(lines: list[Any]) -> bytes:
    return b"\n".join(_line(line) for line in lines)


def _line(line: Any) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


@pytest.mark.parametrize("code", CASES)
def test_the_fault_is_found_where_it_is(code: str, tmp_path: Path) -> None:
    case = CASES[code]
    found = check(case, tmp_path)
    problems = {problem.code: problem for problem in found.problems}
    assert code in problems, list(problems)
    problem = problems[code]
    assert problem.rows == case.rows
    assert problem.count >= max(1, len(case.rows))
    assert problem.severity == KINDS[code].severity
    assert problem.message.endswith(".")
    assert problem.message.isprintable()
    assert problem.fix
    lost = {n for p in found.problems if p.severity == "error" for n in p.rows}
    assert found.usable_rows <= found.rows - len(lost)


def unreadable(code: str, folder: Path) -> Path:
    made: dict[str, Callable[[Path], object]] = {
        "missing_file": lambda path: None,
        "folder": lambda path: path.mkdir(),
        "empty_file": lambda path: path.write_bytes(b" \n\n"),
        "git_lfs_pointer": lambda path: path.write_text(
            "version https://git-lfs.github.com/spec/v1\noid x\n"
        ),
        "archive": lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 99),
        "binary": lambda path: path.write_bytes(bytes(range(256)) * 9),
        "damaged": lambda path: path.write_bytes(b"PAR1" + b"x" * 99),
        "not_a_data_set": lambda path: path.write_bytes(b"%PDF-1.4\n"),
    }
    path = folder / "set.jsonl"
    made[code](path)
    return path


def test_marks_in_a_few_rows_are_strays_and_in_most_a_template(tmp_path: Path) -> None:
    marked = {"prompt": "<|im_start|>user\nWhy?<|im_end|>\n", "completion": "So.<|im_end|>"}
    plain = [{"prompt": f"Why is it {i}?", "completion": f"So, {i}."} for i in range(5)]
    told = codes_of(tmp_path, [*plain, marked])
    assert told["template_markers"] == [6]
    assert "templated_text" not in told
    told = codes_of(tmp_path, [marked, *plain[:1]])
    assert told["templated_text"] == [1]
    assert "template_markers" not in told
    told = codes_of(tmp_path, [{"text": "It ends</s>"}, {"text": "Words."}, {"text": "More."}])
    assert told["template_markers"] == [1]


@pytest.mark.parametrize(
    "document",
    [
        {"instruction": {"0": "Why?", "1": "Who?"}, "output": {"0": "So.", "1": "I."}},
        {"instruction": ["Why?", "Who?"], "output": ["So.", "I."]},
        {"0": {"instruction": "Why?", "output": "So."}, "1": {"instruction": "Who?", "output": "I."}},
        {"columns": ["instruction", "output"], "index": [0], "data": [["Why?", "So."]]},
    ],
)
def test_columns_in_place_of_rows_are_told(tmp_path: Path, document: dict[str, Any]) -> None:
    path = tmp_path / "set.json"
    path.write_text(json.dumps(document))
    fixes = [p.fix for p in gate.check(path).problems if p.code in ("wrong_type", "unknown_format")]
    assert len(fixes) == 1 and "columns, not rows" in fixes[0]


def test_a_table_without_a_header_is_told(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text("What does the harbour master write down every day?,Ships\nWhy?,So\n")
    (unknown,) = [p for p in gate.check(path).problems if p.code == "unknown_format"]
    assert "names the columns" in unknown.fix


def test_single_messages_are_told_by_who_speaks(tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]
    told = codes_of(tmp_path, rows)
    assert "message_tree" in told
    assert "message_tree" not in codes_of(tmp_path, [{"author": "Ann Ott", "content": "A story."}])


def test_an_object_in_place_of_a_text_is_a_wrong_type(tmp_path: Path) -> None:
    rows = [chat({"role": "user", "content": {"q": "Why?"}}, BOT), chat(USER, BOT)]
    assert codes_of(tmp_path, rows)["wrong_type"] == [1]
    parts = {"role": "model", "parts": [{"text": "It is "}, {"text": "wide."}]}
    assert "wrong_type" not in codes_of(tmp_path, [{"contents": [USER, parts]}])


def codes_of(folder: Path, rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {problem.code: problem.rows for problem in gate.check(path).problems}


FILE_CODES = (
    "missing_file", "folder", "empty_file", "git_lfs_pointer", "archive", "binary", "damaged",
    "not_a_data_set",
)  # fmt: skip


@pytest.mark.parametrize("code", FILE_CODES)
def test_a_file_that_cannot_be_read(code: str, tmp_path: Path) -> None:
    path = unreadable(code, tmp_path)
    with pytest.raises(UnreadableError) as caught:
        gate.check(path)
    assert caught.value.code == code
    found = gate.unreadable(path, caught.value)
    assert found.container is None
    assert [(p.code, p.severity) for p in found.problems] == [(code, "error")]
    assert found.refusal == caught.value.message


def test_the_remedy_for_another_encoding_names_more_than_one() -> None:
    for encoding in ("cp1252", "gbk", "shift_jis"):
        assert encoding in KINDS["bad_utf8"].fix
        codecs.lookup(encoding)


def test_every_code_is_tried() -> None:
    elsewhere = {
        "cut_rows", "nothing_left", "nothing_trained", "template_refuses",
        "tokenizer_refuses", "repetition_not_followed", "no_access", "bad_evaluation",
    }  # fmt: skip
    assert set(CASES) | set(FILE_CODES) | elsewhere == set(KINDS)

"""Broken and hostile data: never a traceback, every row accounted for, and its number is right."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_shapes import SHAPES

from tui_ft.data import gate
from tui_ft.data.findings import Findings
from tui_ft.data.problem_kinds import KINDS
from tui_ft.data.read import BadRow, tolerant
from tui_ft.errors import TuiFtError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "datasets"
UNREAD = {"unparsable", "bad_utf8", "not_an_object", "row_too_long", "cut_off"}
LOSING = {
    "missing_field", "wrong_type", "empty_text", "empty_answer", "empty_prompt", "unknown_role",
    "no_assistant_turn", "no_prompt", "media", "half_character", "zero_weight", "bad_label",
    "nothing_trained", "template_refuses", "tokenizer_refuses", "nothing_left",
}  # fmt: skip
"""A row that was read, and has one of these, is not trained on."""

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real sets of ../shared are not here")


def check(file: Path) -> Findings | None:
    """Check a file; None when it cannot be read at all, which is a sentence with a remedy."""
    try:
        found = gate.check(file)
    except TuiFtError as error:
        assert error.message.isprintable()
        assert error.hint
        return None
    account(found)
    return found


def account(found: Findings) -> None:
    """Every row is usable, or lost for exactly one reason; everything named can be printed."""
    bad: list[BadRow] = []
    read = sum(1 for _ in tolerant(Path(found.path), bad.append))
    unread = sum(row.count for row in bad)
    assert found.rows == read + unread
    if found.format != "unknown":
        lost = sum(p.count for p in found.problems if p.code in LOSING)
        assert found.usable_rows + lost == read
    assert {row.code for row in bad} == {p.code for p in found.problems} & UNREAD
    for problem in found.problems:
        assert problem.code in KINDS
        assert problem.rows == sorted(set(problem.rows))
        assert all(1 <= row <= found.rows + 10**6 for row in problem.rows)
        assert problem.message.isprintable()
        assert all(sample.isprintable() for sample in problem.samples)
    assert bool(found.refusal) <= bool(found.errors)


def odd_value(rng: random.Random, depth: int = 0) -> Any:
    """Something that a careless or hostile writer puts into a cell."""
    simple: list[Callable[[], Any]] = [
        lambda: None,
        lambda: rng.choice([True, False]),
        lambda: rng.choice([0, -1, 10**30, 1.5, float("nan"), float("inf"), -0.0]),
        lambda: "".join(
            chr(rng.choice([0, 9, 10, 27, 65, 97, 0x85, 0x202E, 0xFFFD, 0x1F600])) for _ in range(9)
        ),
        lambda: "\ud83d half",
        lambda: rng.choice(["", " ", "\n", "null", "[]", "{}", "[{'role': 'user'}]", '[{"role": 5}]']),
        lambda: rng.choice(["user", "assistant", "human", "gpt", "alien", "system", "tool"]),
        lambda: "word " * rng.randrange(1, 60),
    ]
    nested: list[Callable[[], Any]] = [
        lambda: [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))],
        lambda: {rng.choice(NAMES): odd_value(rng, depth + 1) for _ in range(rng.randrange(4))},
        lambda: [
            {
                rng.choice(["role", "from"]): odd_value(rng, 9),
                rng.choice(["content", "value"]): odd_value(rng, 2),
            }
            for _ in range(rng.randrange(4))
        ],
    ]
    return rng.choice(simple if depth > 2 else simple + nested)()


NAMES = (
    "instruction", "input", "output", "prompt", "completion", "messages", "conversations", "role",
    "content", "from", "value", "text", "chosen", "rejected", "label", "history", "system", "tools", "images",
    "question", "answer", "answers", "turns", "weight", "", "\x1b[31m", "parent_id",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(120))
def test_rows_of_odd_values(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    shape = rng.choice(list(SHAPES.values())).rows
    rows = []
    for _ in range(rng.randrange(1, 30)):
        row = dict(rng.choice(shape))
        for _ in range(rng.randrange(3)):
            row[rng.choice([*row, *NAMES])] = odd_value(rng)
        rows.append(row)
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = check(file)
    assert found is not None
    assert found.rows == len(rows)
    for problem in found.problems:
        assert all(1 <= number <= len(rows) for number in problem.rows)


@pytest.mark.parametrize("seed", range(60))
def test_broken_lines_have_the_right_numbers(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    lines = [json.dumps({"instruction": f"q {i}", "output": f"a {i}"}).encode() for i in range(1, 300)]
    broken = sorted(rng.sample(range(1, 300), rng.randrange(1, 15)))
    for number in broken:
        line = lines[number - 1]
        lines[number - 1] = rng.choice(
            [
                line[: rng.randrange(1, len(line) - 1)],
                b"{" + line,
                line[:-1],
                b"}{",
                b'"',
                line.replace(b":", b""),
            ]
        )
    blank = rng.sample([i for i in range(1, 300) if i not in broken], 5)
    for number in blank:
        lines[number - 1] = b""
    file = tmp_path / "set.jsonl"
    file.write_bytes(rng.choice([b"\n", b"\r\n"]).join(lines) + b"\n")
    found = check(file)
    assert found is not None
    unread = [row for p in found.problems if p.code in ("unparsable", "not_an_object") for row in p.rows]
    assert sorted(unread) == broken
    assert (found.rows, found.usable_rows) == (294, 294 - len(broken))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("container", ["json", "jsonl", "csv", "jsonl.gz"])
def test_bytes_changed_at_random(seed: int, container: str, tmp_path: Path) -> None:
    rng = random.Random(f"{seed} {container}")
    rows = [{"instruction": f"What of {i}?", "output": f'It is {i}, "quoted".'} for i in range(40)]
    data = bytearray(_written(rows, container))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        what = rng.randrange(4)
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randrange(1, 200)]
        elif what == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
        else:
            del data[max(1, at) :]
        if not data:
            break
    file = tmp_path / f"set.{container}"
    file.write_bytes(data)
    check(file)


def _written(rows: list[dict[str, str]], container: str) -> bytes:
    if container == "json":
        return json.dumps(rows, indent=1).encode()
    if container == "csv":
        quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row.values()) for row in rows]
        return "\n".join(["instruction,output", *quoted]).encode()
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return gzip.compress(lines) if container.endswith("gz") else lines


@needs_shared
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "file", sorted(SHARED.rglob("*.*")) if SHARED.is_dir() else [], ids=lambda path: path.name
)
def test_real_sets_truncated_shuffled_and_broken(file: Path, seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"{seed} {file.name}")
    data = file.read_bytes()
    for name, changed in {
        "truncated": data[: rng.randrange(1, len(data))],
        "shuffled": _shuffled(data, rng),
        "broken": _broken(data, rng),
    }.items():
        copy = tmp_path / name / file.name
        copy.parent.mkdir()
        copy.write_bytes(changed)
        check(copy)
        assert [path.name for path in copy.parent.iterdir()] == [file.name]


def _shuffled(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def _broken(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    for _ in range(1 + len(lines) // 20):
        at = rng.randrange(len(lines))
        lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)] + rng.choice([b"\n", b'"', b"\xff\n", b""])
    return b"".join(lines)

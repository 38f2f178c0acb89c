"""Reading goes on behind a row that cannot be read: every fault is named, and numbers stay right."""

from __future__ import annotations

import gzip
import json
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from data_zoo import shared_sets

from tui_ft.data import lines as line_reading
from tui_ft.data.read import BadRow, UnreadableError, look, read_rows, tolerant
from tui_ft.errors import TuiFtError

ROWS = [
    {"instruction": f"q{i} naïve", "turns": [{"role": "user", "n": i}], "output": 'a "b"'} for i in range(9)
]


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
    return path


def read(path: Path) -> tuple[dict[int, dict[str, Any]], list[tuple[int, str]]]:
    bad: list[BadRow] = []
    rows = dict(tolerant(path, bad.append))
    assert all(b.what.isprintable() and b.hint for b in bad)
    return rows, [(b.number, b.code) for b in bad]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    lines = [
        '{"a": 1}', '{"a": }', "", "[1]", "null", '{"a": "caf\udce9"}', '{"a": 1} {"a": 2}', '{"a": NaN},',
        '{"a": "\\ud800"}', '{"a": ' + "9" * 5000 + "}", '{"a": ' + "[" * 500 + "]" * 500 + "}",
        '{"a": ' * 90_000, "\x00", "{'a': 1}", '{"a": 2}', '{"a": "cut',
    ]  # fmt: skip
    rows, bad = read(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert list(rows) == [1, 8, 9, 15]
    assert bad == [
        (2, "unparsable"), (4, "not_an_object"), (5, "not_an_object"), (6, "bad_utf8"), (7, "unparsable"),
        (10, "unparsable"), (11, "unparsable"), (12, "unparsable"), (13, "unparsable"), (14, "unparsable"),
        (16, "cut_off"),
    ]  # fmt: skip


def dumped(indent: int | str | None = None, **options: Any) -> list[str]:
    return [json.dumps(row, indent=indent, ensure_ascii=False, **options) for row in ROWS]


def pretty(rows: list[str], by: str) -> str:
    return f"[\n{by}" + f",\n{by}".join(row.replace("\n", "\n" + by) for row in rows) + "\n]\n"


LAYOUTS: dict[str, tuple[list[str], Callable[[list[str]], str]]] = {
    "indented": (dumped(2), lambda rows: pretty(rows, "  ")),
    "tabs": (dumped("\t"), lambda rows: pretty(rows, "\t")),
    "a row a line": (dumped(), lambda rows: "[\n" + ",\n".join(rows) + "\n]"),
    "on one line": (dumped(), lambda rows: "[" + ", ".join(rows) + "]"),
    "no spaces": (dumped(separators=(",", ":")), lambda rows: "[" + ",".join(rows) + "]"),
    "documents": (dumped(1), lambda rows: "\n".join(rows)),
    "wrapped": (dumped(2), lambda rows: '{"version": 1, "data": ' + pretty(rows, "    ") + "}"),
}
FAULTS: dict[str, Callable[[str], str]] = {
    "no colon": lambda row: row.replace(":", "", 1),
    "no brace at its end": lambda row: row[:-1],
    "no brace at its start": lambda row: row[1:],
    "line break in a text": lambda row: row.replace("naïve", "na\nïve"),
    "quote in a text": lambda row: row.replace("naïve", 'na"ïve'),
    "no quote at a text's end": lambda row: row.replace('naïve"', "naïve"),
    "brace too many": lambda row: row + "}",
    "single quotes": lambda row: row.replace('"', "'"),
    "cut": lambda row: row[: len(row) // 2],
    "cp1252": lambda row: row.replace("ï", "\udcef"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hurt", [(0,), (4,), (8,), (2, 5), (1, 3, 7)])
def test_rows_behind_broken_ones_keep_their_numbers(
    tmp_path: Path, layout: str, fault: str, hurt: tuple[int, ...]
) -> None:
    rows, whole = LAYOUTS[layout]
    broken = [FAULTS[fault](row) if i in hurt else row for i, row in enumerate(rows)]
    found, bad = read(write(tmp_path, "a.json", whole(broken)))
    wanted = {i + 1: row for i, row in enumerate(ROWS) if i not in hurt}
    assert {number: wanted.get(number) for number in found} == found  # nothing under a wrong number
    is_cut = any(code == "cut_off" for _, code in bad)
    assert is_cut or (found == wanted and [number for number, _ in bad] == [i + 1 for i in hurt])
    if 0 not in hurt and fault != "cut":  # with a whole row before, what follows is found
        assert found == wanted


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_cut_off_gives_its_whole_rows(tmp_path: Path, layout: str) -> None:
    rows, whole = LAYOUTS[layout]
    data = whole(rows).encode()
    for end in range(40, len(data) - 4, 7):
        found, bad = read(write(tmp_path, "a.json", data[:end]))
        assert list(found.values()) == ROWS[: len(found)]
        assert list(found) == list(range(1, len(found) + 1))
        assert not bad or bad[-1][1] in ("cut_off", "bad_utf8")
        assert bad or layout == "documents"  # between two documents nothing is missing


def test_the_end_of_an_array_is_seen(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.json", '[{"a": 1}] [{"a": 2}]')) == ({1: {"a": 1}}, [(1, "unparsable")])
    assert read(write(tmp_path, "a.json", "[")) == ({}, [(1, "cut_off")])
    assert read(write(tmp_path, "a.json", "[] 3")) == ({}, [(1, "unparsable")])
    assert read(write(tmp_path, "a.json", '[{"a": 1}')) == ({1: {"a": 1}}, [(1, "cut_off")])
    assert read(write(tmp_path, "a.json", '[{"a": 1}, 3, {"a": 2}]')) == (
        {1: {"a": 1}, 3: {"a": 2}},
        [(2, "not_an_object")],
    )


def test_a_list_in_the_first_line_does_not_hide_the_rows_behind_it(tmp_path: Path) -> None:
    for first in ("[1, 2]", '["a"]', "[]", '[{"a": 0}]'):
        path = write(tmp_path, "a.jsonl", first + '\n{"a": 1}\n{"a": 2}\n')
        assert look(path).container == "jsonl"
        assert read(path) == ({2: {"a": 1}, 3: {"a": 2}}, [(1, "not_an_object")])


def test_where_the_next_row_begins_must_be_certain(tmp_path: Path) -> None:
    rows = [{"turns": [{"turns": i}, {"turns": 2}], "a": 1} for i in range(3)]  # every list looks like rows
    text = json.dumps(rows).replace('"a": 1', '"a" 1', 1)
    found, bad = read(write(tmp_path, "a.json", text.replace('"turns": 1', '"turns" 1')))
    assert not set(found) - {1, 3}
    whole, bad = read(
        write(tmp_path, "b.json", json.dumps([*rows, *rows]).replace('"turns": 1', '"turns" 1', 1))
    )
    assert whole == {1: rows[0]}
    assert bad == [(2, "unparsable"), (2, "cut_off")]


@pytest.mark.parametrize("at", [400, 900, -20])
def test_a_damaged_gzip_gives_what_is_whole(tmp_path: Path, at: int) -> None:
    text = "".join(
        json.dumps({"n": i, "text": random.Random(i).randbytes(20).hex()}) + "\n" for i in range(50)
    )
    packed = gzip.compress(text.encode())
    path = write(tmp_path, "a.jsonl.gz", packed[:at])
    found, bad = read(path)
    assert [row["n"] for row in found.values()] == list(range(len(found)))
    assert bad[-1][1] == "cut_off"
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 255
    found, bad = read(write(tmp_path, "b.jsonl.gz", bytes(broken)))
    assert [code for _, code in bad][-1:] == ["cut_off"]
    with pytest.raises(TuiFtError, match="damaged gzip"):
        list(read_rows(path))


def test_gzip_of_several_members_and_padding(tmp_path: Path) -> None:
    parts = [gzip.compress(b'{"a": 1}\n'), gzip.compress(b'{"a": 2}\n'), b"\x00" * 30]
    assert read(write(tmp_path, "a.jsonl.gz", b"".join(parts))) == ({1: {"a": 1}, 2: {"a": 2}}, [])


TWO = '{"a": "é1"}\n{"a": "😀2"}\n'


@pytest.mark.parametrize(
    ("name", "data", "container", "remarks"),
    [
        ("a.jsonl", TWO.encode(), "jsonl", set()),
        ("a.jsonl", TWO.encode("utf-8-sig"), "jsonl", {"byte_order_mark"}),
        ("a.jsonl", TWO.encode("utf-16"), "jsonl", {"utf_16"}),
        ("a.jsonl", TWO.encode("utf-16-le"), "jsonl", {"utf_16"}),
        ("a.jsonl", TWO.encode("utf-16-be"), "jsonl", {"utf_16"}),
        ("a.jsonl", TWO.encode("utf-32"), "jsonl", {"utf_16"}),
        ("a.jsonl", TWO.replace("\n", "\r\n").encode(), "jsonl", {"crlf"}),
        ("a.jsonl", TWO.replace("\n", "\r").encode(), "jsonl", {"cr_only"}),
        ("a.jsonl", TWO.replace("\n", "\r").encode("utf-16"), "jsonl", {"cr_only", "utf_16"}),
        ("a.json", TWO.encode(), "jsonl", {"wrong_extension"}),
        ("a.txt", TWO.encode(), "jsonl", {"wrong_extension"}),
        ("a.csv", TWO.encode(), "jsonl", {"wrong_extension"}),
        ("data", TWO.encode(), "jsonl", {"wrong_extension"}),
        ("a.json", gzip.compress(TWO.encode()), "jsonl", {"wrong_extension"}),
        ("a.jsonl.gz", gzip.compress(TWO.encode()), "jsonl", set()),
        ("a.jsonl", f"[{TWO.strip()}]".replace("\n", ",").encode(), "json", {"wrong_extension"}),
        ("a.json", f"[{TWO.strip()}]".replace("\n", ",\n").encode(), "json", set()),
    ],
)
def test_what_a_file_is_shows_at_its_beginning(
    tmp_path: Path, name: str, data: bytes, container: str, remarks: set[str]
) -> None:
    path = write(tmp_path, name, data)
    seen = look(path)
    assert (seen.container, {code for code, _ in seen.remarks}) == (container, remarks)
    assert read(path) == ({1: {"a": "é1"}, 2: {"a": "😀2"}}, [])


@pytest.mark.parametrize(
    ("name", "text", "container", "columns"),
    [
        ("a.csv", "q\ta\n1\t2,5\n", "tsv", ["q", "a"]),
        ("a.tsv", "q,a\n1,2\n", "csv", ["q", "a"]),
        ("a.tsv", "q, or not\ta\n1\t2\n", "tsv", ["q, or not", "a"]),
        ("a.tsv", "text\none, two\n", "tsv", ["text"]),
        ("a.csv", "q;a\n1;2,5\n", "csv", ["q", "a"]),
        ("a.txt", "instruction,output\nwhat,that\n", "csv", ["instruction", "output"]),
        ("a.json", "prompt\tcompletion\nwhat\tthat\n", "tsv", ["prompt", "completion"]),
        ("a.txt", "Question, answer, question, answer\nand so on\n", "text", ["text"]),
        ("a.txt", "Hello, world\nand, so on\n", "text", ["text"]),
    ],
)
def test_tables_are_told_by_their_header(
    tmp_path: Path, name: str, text: str, container: str, columns: list[str]
) -> None:
    path = write(tmp_path, name, text)
    assert look(path).container == container
    rows, bad = read(path)
    assert (list(rows[1]), bad) == (columns, [])


def test_byte_order_marks_of_files_that_were_put_together(tmp_path: Path) -> None:
    one = '{"a": 1}\n'.encode("utf-8-sig")
    assert read(write(tmp_path, "a.jsonl", one + one)) == ({1: {"a": 1}, 2: {"a": 1}}, [])
    assert read(write(tmp_path, "a.json", b"\xef\xbb\xbf" * 2 + b'[{"a": 1}]')) == ({1: {"a": 1}}, [])
    crs = '{"a": 1}\r{"a": 2}\r'.encode("utf-8-sig")
    assert read(write(tmp_path, "b.jsonl", crs)) == ({1: {"a": 1}, 2: {"a": 2}}, [])


def test_a_stray_zero_byte_costs_its_row_only(tmp_path: Path) -> None:
    text = '{"a": "one"}\n' * 20
    found, bad = read(write(tmp_path, "a.jsonl", text[:30] + "\x00" + text[30:]))
    assert (len(found), bad) == (19, [(3, "unparsable")])


def test_a_broken_first_row_does_not_hide_what_a_file_is(tmp_path: Path) -> None:
    rows = '{"a": 1}\n{"a": 2}\n'
    for name in ("a.jsonl", "a.json"):
        assert read(write(tmp_path, name, '{"a": \n' + rows)) == (
            {2: {"a": 1}, 3: {"a": 2}},
            [(1, "unparsable")],
        )
    chats = '[{"role": "user"}]\n[{"role": "user"}]\n'
    assert read(write(tmp_path, "c.jsonl", chats)) == ({}, [(1, "not_an_object"), (2, "not_an_object")])


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.json", b"", "empty_file"),
        ("a.json", b"\xef\xbb\xbf \n", "empty_file"),
        ("a.json", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git_lfs_pointer"),
        ("a.xlsx", b"PK\x03\x04rest", "archive"),
        ("a.json.gz", gzip.compress(gzip.compress(b"{}")), "archive"),
        ("a.tar.gz", gzip.compress(b"x" * 257 + b"ustar\x00" + b"0" * 300), "archive"),
        ("a.arrow", b"ARROW1\x00\x00", "not_a_data_set"),
        ("a.json", b"<!DOCTYPE html><html>", "not_a_data_set"),
        ("a.dat", b"some words", "not_a_data_set"),
        ("a.csv", b"q,q\n1,2\n", "not_a_data_set"),
        ("a.json", bytes(range(256)), "binary"),
        ("a.jsonl", bytes(range(1, 32)) * 4, "binary"),
        ("a.parquet", b"PAR1nonsense", "damaged"),
        ("a.json", b"\x1f\x8bnonsense", "damaged"),
    ],
)
def test_what_cannot_be_read_at_all_has_a_word(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(write(tmp_path, name, data))
    assert caught.value.code == code
    assert caught.value.hint and caught.value.message.isprintable()


def test_places_that_are_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, code in (
        ("none.json", "missing_file"), ("a\x00b", "missing_file"), ("", "folder"), ("loop", "no_access"),
        ("pipe.jsonl", "not_a_data_set"), ("x" * 999, "no_access"), ("pipe.jsonl/a", "missing_file"),
    ):  # fmt: skip
        with pytest.raises(UnreadableError) as caught:
            read(tmp_path / name if name else tmp_path)
        assert caught.value.code == code


def test_a_row_without_end_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reading, "MAX_ROW_BYTES", 100_000)
    long = json.dumps({"a": "x" * 300_000})
    few = '{"a": 1}'
    wanted = {1: {"a": 1}, 3: {"a": 1}}, [(2, "row_too_long")]
    for name, text in (
        ("a.jsonl", f"{few}\n{long}\n{few}\n"),
        ("a.json", f"[{few}, {long}, {few}]"),
        ("b.json", f"[\n{few},\n{long},\n{few}\n]"),
    ):
        assert read(write(tmp_path, name, text)) == wanted
    found, bad = read(write(tmp_path, "a.txt", "one\n" + "x" * 300_000 + "\ntwo\n"))
    assert (list(found), bad) == ([1, 3], [(2, "row_too_long")])
    found, bad = read(write(tmp_path, "a.csv", "a,b\n1,2\n3," + "x" * 300_000 + "\n5,6\n"))
    assert (list(found), bad) == ([1, 3], [(2, "row_too_long")])


def test_an_object_too_long_for_a_row_is_read_as_a_wrapper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_reading, "MAX_ROW_BYTES", 10_000)
    rows = [{"a": i, "text": "x" * 90} for i in range(3000)]
    path = write(tmp_path, "a.json", json.dumps({"version": {"n": 1}, "data": rows, "end": 1}))
    assert read(path) == (dict(enumerate(rows, 1)), [])
    found, bad = read(write(tmp_path, "b.json", json.dumps({"other": rows})))
    assert (found, bad) == ({}, [(1, "row_too_long"), (1, "cut_off")])


def test_values_are_the_same_however_a_line_is_parsed(tmp_path: Path) -> None:
    texts = ["1e5", "-0.0", "18446744073709551616", "0.1", '"\\ud83d\\ude00"', '{"k": 1, "k": 2}', "[]"]
    strict = ", ".join(texts)
    for lenient, value in (
        ("NaN", "nan"),
        ("-Infinity", "-inf"),
        ('"\\udc00"', "'\\udc00'"),
        ("1e999", "inf"),
    ):
        line = f'{{"a": [{strict}, {lenient}]}}'
        rows, bad = read(write(tmp_path, "a.jsonl", f'{line}\n{{"a": [{strict}]}}\n'))
        assert not bad
        assert repr(rows[1]["a"]) == repr(rows[2]["a"])[:-1] + f", {value}]"
        assert repr(read(write(tmp_path, "a.json", f"[{line}]"))[0][1]) == repr(rows[1])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_tables(tmp_path: Path, newline: str) -> None:
    text = newline.join(
        ["q,a", "1,2", "3,4,5", "\udce9,6", '7,"8 "x" y"', "", "9,10", '"11', '12","13"', "14,15", ""]
    )
    found, bad = read(write(tmp_path, "a.csv", text))
    assert bad == [(2, "unparsable"), (3, "bad_utf8"), (4, "unparsable")]
    within = newline if newline != "\r" else "\n"
    assert {number: list(row.values()) for number, row in found.items()} == {
        1: ["1", "2"], 5: ["9", "10"], 6: [f"11{within}12", "13"], 7: ["14", "15"],
    }  # fmt: skip


def test_a_quote_that_is_not_closed_costs_its_row_only(tmp_path: Path) -> None:
    found, bad = read(write(tmp_path, "a.csv", 'q,a\n1,2\n"3,4\n' + "5,6\n" * 1000))
    assert bad == [(2, "unparsable")]
    assert list(found) == [1, *range(3, 1003)]
    found, bad = read(write(tmp_path, "b.csv", 'q,a\n1,2\n"3,4'))
    assert (list(found), bad) == ([1], [(2, "cut_off")])
    long = 'q,a\n"one\ntwo",2\n"three,4\n"five",6\nseven,8,"9"\n'
    found, bad = read(write(tmp_path, "c.csv", long))  # cells over lines: a line does not tell a row
    assert list(found) == [1]
    assert bad[-1] == (2, "cut_off")


def test_empty_lines_before_the_rows_are_passed(tmp_path: Path) -> None:
    empty = "\n" * 300_000
    assert read(write(tmp_path, "a.csv", empty + "q,a\n1,2\n")) == ({1: {"q": "1", "a": "2"}}, [])
    assert read(write(tmp_path, "a.json", empty + '[{"a": 1}]')) == ({1: {"a": 1}}, [])
    assert read(write(tmp_path, "a.jsonl", empty + '{"a": 1}')) == ({300_001: {"a": 1}}, [])
    with pytest.raises(UnreadableError, match="no header"):
        read(write(tmp_path, "b.csv", "x" * 9_000_000 + "\nq,a\n1,2\n"))


def test_damage_to_parquet_costs_the_rows_that_it_hits(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    rows = [{"text": f"row {i} " * 20, "n": i} for i in range(300)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=100, compression="zstd")
    place = parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    bad: list[BadRow] = []
    found = dict(tolerant(path, bad.append))
    assert list(found) == [*range(1, 101), *range(201, 301)]
    assert all(found[number] == rows[number - 1] for number in found)
    assert [(b.number, b.code, b.count) for b in bad] == [(101, "unparsable", 100)]


def test_a_value_of_parquet_that_python_cannot_hold_costs_its_row(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = pyarrow.array([b"one", b"\xff\xfe", b"three"], pyarrow.binary())
    table = pyarrow.table({"text": texts.view(pyarrow.string())})
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path)
    assert read(path) == ({1: {"text": "one"}, 3: {"text": "three"}}, [(2, "bad_utf8")])


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt", "a.jsonl.gz", "a.parquet"])
def test_progress_ends_at_the_size_of_the_file(tmp_path: Path, name: str) -> None:
    text = "q,a\n" * 100_000
    if "json" in name:
        text = '{"a": "b"}\n' * 50_000
    path = write(tmp_path, name, gzip.compress(text.encode()) if name.endswith("gz") else text)
    if name == "a.parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"a": range(1000)}), path, row_group_size=100)
    told: list[tuple[int, int | None]] = []
    for _ in tolerant(path, lambda bad: None, lambda read, size: told.append((read, size))):
        pass
    assert told == sorted(told)
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


class Enough(Exception):  # noqa: N818
    pass


def test_who_is_told_may_end_the_reading(tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise Enough

    path = write(tmp_path, "a.jsonl", '{"a": 1}\n{\n{"a": 2}\n')
    with pytest.raises(Enough):
        list(tolerant(path, stop))
    with pytest.raises(Enough):
        list(tolerant(path, lambda bad: None, stop))


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt"])
def test_reading_may_begin_later(tmp_path: Path, name: str) -> None:
    text = {
        "a.csv": "n\n" + "".join(f"{i}\n" for i in range(20)),
        "a.json": json.dumps([{"n": i} for i in range(20)]),
    }
    path = write(tmp_path, name, text.get(name, "".join(json.dumps({"n": i}) + "\n" for i in range(20))))
    whole = list(tolerant(path, lambda bad: None))
    assert list(tolerant(path, lambda bad: None, first=15)) == whole[14:]


def _mutations(data: bytes, rng: random.Random) -> bytes:
    kind = rng.choice(["cut", "lines", "breaks", "bytes", "insert", "delete", "utf-16", "gzip", "crlf", "cr"])
    if kind == "cut":
        return data[: rng.randrange(len(data) + 1)]
    if kind == "lines":
        lines = data.split(b"\n")
        rng.shuffle(lines)
        return b"\n".join(lines)
    if kind == "utf-16":
        return data.decode("utf-8", "replace").encode("utf-16")
    if kind == "gzip":
        packed = gzip.compress(data, 1)
        return packed[: rng.randrange(len(packed) // 2, len(packed) + 1)]
    if kind in ("crlf", "cr"):
        return data.replace(b"\n", b"\r\n" if kind == "crlf" else b"\r")
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(len(data) + 1)
        if kind == "delete":
            data = data[:at] + data[at + rng.randrange(1, 80) :]
        else:
            new = {"breaks": b"\n", "bytes": rng.randbytes(1)}.get(
                kind,
                rng.choice([b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\x00", b"[" * 3000, b"9" * 5000]),
            )
            data = data[:at] + new + data[at + (kind == "bytes") :]
    return data


def _check(path: Path) -> None:
    """Whatever the bytes are: rows in order, every lost one named, and the strict reader of one mind."""
    bad: list[BadRow] = []
    try:
        numbers = [number for number, row in tolerant(path, bad.append) if isinstance(row, dict)]
    except UnreadableError:
        with pytest.raises(TuiFtError):
            list(read_rows(path))
        return
    lost = [b.number for b in bad if b.count]
    assert numbers == sorted(set(numbers)) and lost == sorted(set(lost))
    assert not set(numbers) & set(lost)
    if bad:
        with pytest.raises(TuiFtError):
            list(read_rows(path))
    else:
        assert [number for number, _ in read_rows(path)] == numbers


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_bytes_are(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    texts = [whole(rows) for rows, whole in LAYOUTS.values()]
    texts += ["\n".join(dumped()), "q,a\n" + '"x, y\nz",2\n3,4\n' * 9, "plain\ntext\n" * 20]
    for _ in range(60):
        data = rng.choice(texts).encode()
        for _ in range(rng.randrange(1, 4)):
            data = _mutations(data, rng)
        name = rng.choice(["a.json", "a.jsonl", "a.csv", "a.tsv", "a.txt", "a", "a.parquet"])
        _check(write(tmp_path, name, data))


FILES = shared_sets()


@pytest.mark.skipif(not FILES, reason="the collected data sets are not beside this checkout")
def test_real_sets_and_mutations_of_them(tmp_path: Path) -> None:
    rng = random.Random(7)
    for file in FILES:
        data = file.read_bytes()
        for round in range(6):
            hurt = _mutations(data[: 200_000 if round else None], rng) if round else data
            _check(write(tmp_path, f"{round}{file.suffix}", hurt))


def test_a_line_of_any_length_is_passed_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"a": 1}\n{"a": "')
        for _ in range(200):
            file.write(b"x" * 1024 * 1024)
        file.write(b'"}\n{"a": 3}\n')
    tracemalloc.start()
    try:
        found, bad = read(path)
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert (list(found), bad) == ([1, 3], [(2, "row_too_long")])

"""Rows come out of every container, and what is broken is named with its file and row."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui_ft.data import json_values
from tui_ft.data import lines as line_reading
from tui_ft.data.read import container, read_rows
from tui_ft.errors import TuiFtError

ROWS = [{"instruction": "naïve “q”", "output": "a\u2028b"}, {"instruction": "q2", "output": "{[x"}]


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt", "a.ndjson", "a.whatever"])
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (lines(ROWS), "jsonl"),
        (lines(ROWS).replace("\n", "\r\n"), "jsonl"),
        ("\n\n" + lines(ROWS), "jsonl"),
        (json.dumps(ROWS), "json"),
        (json.dumps(ROWS, indent=2), "json"),
        ("\ufeff" + json.dumps(ROWS, ensure_ascii=False), "json"),
        (json.dumps({"version": 1, "data": ROWS}, indent=1), "json"),
        ("\n".join(json.dumps(row, indent=2) for row in ROWS), "json"),
    ],
)
def test_json_is_told_by_its_content(tmp_path: Path, name: str, text: str, kind: str) -> None:
    path = write(tmp_path, name, text)
    assert container(path) == kind
    assert [row for _, row in read_rows(path)] == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("text", [lines(ROWS), json.dumps(ROWS, ensure_ascii=False)])
def test_encodings_and_gzip(tmp_path: Path, encoding: str, packed: bool, text: str) -> None:
    data = text.encode(encoding)
    path = write(tmp_path, "a.json", gzip.compress(data) if packed else data)  # gzip named .json is common
    assert [row for _, row in read_rows(path)] == ROWS


def test_a_single_document_is_a_single_row(tmp_path: Path) -> None:
    row = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
    for text in (json.dumps(row), json.dumps(row, indent=2)):
        assert list(read_rows(write(tmp_path, "a.json", text))) == [(1, row)]


def test_line_numbers_count_empty_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}')
    assert list(read_rows(path)) == [(1, {"a": 1}), (3, {"a": 2})]


def test_an_array_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_CHUNK_BYTES", 7)
    rows = [{"text": 'é\\"]},{' * 9, "n": [1.5e3, -2, None, True]} for _ in range(20)]
    path = write(tmp_path, "a.json", json.dumps(rows, ensure_ascii=False))
    assert [row for _, row in read_rows(path)] == rows
    broken = write(tmp_path, "b.json", json.dumps(rows)[:-2000] + "x")
    read = read_rows(broken)
    assert next(read) == (1, rows[0])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"a": 1}\n{"a": }\n', "row 2: not valid JSON"),
        ('{"a": 1}\n{"a": 2} {"a": 3}\n', "row 2: more than one JSON value on the line"),
        ('{"a": 1}\n[1]\n', "row 2: a list instead of an object"),
        ('{"a": 1}\n"\x1b[31mred"\n', "row 2: not valid JSON"),
        (b'{"a": 1}\n{"a": "caf\xe9"}\n', "row 2: byte 11 is not UTF-8"),
        (b'[{"a": 1}, {"a": "caf\xe9"}]', "not UTF-8"),
        ('[{"a": 1}, {"a" 2}]', "row 2: not valid JSON"),
        ('[{"a": 1}, {"a": 2}', "the array is not closed"),
        ('[{"a": 1}] x', "text after the end of the array"),
        ('[{"a": 1}, 3]', "row 2: a number instead of an object"),
        ("[" * 50 + '{"a":' * 100_000, "row 1: nested too deeply"),
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-lfs pointer"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"PAR1nonsense", "damaged Parquet"),
        (b"\x1f\x8bnonsense", "damaged gzip"),
        (gzip.compress(b'{"a": 1}\n' * 50_000)[:-20], "damaged gzip"),
        (b"\x7fELF\x00\x00", "binary"),
    ],
)
def test_broken_files_are_said_in_a_sentence(tmp_path: Path, data: str | bytes, said: str) -> None:
    path = write(tmp_path, "a.json" if str(data)[:2] in ("[{", "b'") else "a.jsonl", data)
    with pytest.raises(TuiFtError) as caught:
        list(read_rows(path))
    assert said in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_missing_folder_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(TuiFtError, match="does not exist"):
        list(read_rows(tmp_path / "none.json"))
    write(tmp_path, "rows.jsonl", '{"a": 1}')
    with pytest.raises(TuiFtError, match=r"is a folder.*rows\.jsonl"):
        list(read_rows(tmp_path))
    with pytest.raises(TuiFtError, match="no data file"):
        list(read_rows(write(tmp_path, "a.dat", "some words")))


def test_a_folder_from_the_hub_names_its_data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data", "train-00000.parquet", "x")
    write(tmp_path / "data", "more.jsonl.gz", "x")
    write(tmp_path, "README.md", "# A data set")
    with pytest.raises(TuiFtError) as caught:
        list(read_rows(tmp_path))
    assert caught.value.hint == "Give one of its files: data/more.jsonl.gz, data/train-00000.parquet."


def test_a_row_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reading, "MAX_ROW_BYTES", 1000)
    monkeypatch.setattr(json_values, "_CHUNK_BYTES", 100)
    for name, data in (("a.json", '[{"a": "' + "x" * 5000), ("a.jsonl", '{"a": 1}\n{"a": "' + "x" * 5000)):
        with pytest.raises(TuiFtError, match=r"longer than|MiB"):
            list(read_rows(write(tmp_path, name, data)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'q,a\n"x, ""y""\nz",1\nshort\n'),
        ("a.csv", '\ufeffq;a\r\n"x, ""y""\r\nz";1\r\nshort\r\n'),
        ("a.tsv", 'q\ta\n"x, ""y""\nz"\t1\nshort\n'),
    ],
)
def test_tables(tmp_path: Path, name: str, text: str) -> None:
    rows = list(read_rows(write(tmp_path, name, text)))
    assert [number for number, _ in rows] == [1, 2]
    assert rows[0][1]["q"].replace("\r", "") == 'x, "y"\nz'
    assert rows[0][1]["a"] == "1"
    assert rows[1][1] == {"q": "short", "a": None}


@pytest.mark.parametrize("text", ["sep=;\r\nq;a\r\n1,5;2\r\n", 'q,a\n"1,5",2,\n', "q;a\n1,5;2;;;\n"])
def test_tables_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    assert list(read_rows(write(tmp_path, "a.csv", text))) == [(1, {"q": "1,5", "a": "2"})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q,a\n1,2\n1,2,3\n", "row 2: 3 cells under 2 columns"),
        ("q,q\n1,2\n", "names a column twice"),
        ('q,a\n1,2\n"x,2\n', "row 2: not a whole table row"),
    ],
)
def test_broken_tables(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TuiFtError, match=said):
        list(read_rows(write(tmp_path, "a.csv", text)))
    assert len(list(read_rows(write(tmp_path, "b.csv", "q\nx\n")))) == 1


def test_text_is_a_row_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\n\ntwo  \r\n")
    assert list(read_rows(path)) == [(1, {"text": "one"}), (3, {"text": "two  "})]


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    rows = [{"messages": [{"role": "user", "content": f"q{i}"}], "n": i} for i in range(600)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert container(path) == "parquet"
    assert list(read_rows(path)) == list(enumerate(rows, 1))


def test_reading_needs_no_training_library() -> None:
    code = "import sys, tui_ft.data.prepare; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "pyarrow"} & set(found.stdout.split())


@pytest.mark.parametrize(
    ("name", "is_hub"), [("org/rows", True), ("rows.jsonl", False), ("a/rows.jsonl", False)]
)
def test_a_name_of_the_hub_that_is_no_file_is_told_how_to_come_here(name: str, is_hub: bool) -> None:
    with pytest.raises(TuiFtError) as refused:
        list(read_rows(Path(name)))
    assert ("hf download" in refused.value.hint) == is_hub

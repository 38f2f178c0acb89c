"""Labels: written by several at once, kept whole, and never a reason for the list to fail."""

from __future__ import annotations

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs import labels
from tui_ft.runs.labels import (
    Label,
    LabelBook,
    change_labels,
    labels_file,
    parse_note,
    parse_tags,
    read_labels,
)

RUN, OTHER = "20261121-demo-abcd", "/home/other/outputs/sft"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there yet"
    change_labels(root, [RUN, OTHER], tags=("best", "v2"))
    change_labels(root, [RUN], note="keep", archived=True)
    assert read_labels(root) == {
        RUN: Label(tags=("best", "v2"), note="keep", archived=True),
        OTHER: Label(tags=("best", "v2")),
    }
    assert labels_file(root).stat().st_mode & 0o777 == 0o600
    assert {entry.name for entry in root.iterdir()} == {"labels.json", "labels.lock"}


def test_a_run_of_which_nothing_is_said_any_more_leaves_the_file(tmp_path: Path) -> None:
    change_labels(tmp_path, [RUN], archived=True, note="x")
    change_labels(tmp_path, [RUN], archived=False, note=None)
    assert read_labels(tmp_path) == {}


def test_no_tags_are_something_said_where_the_spec_has_some(tmp_path: Path) -> None:
    change_labels(tmp_path, [RUN], tags=())
    assert read_labels(tmp_path)[RUN].tags == ()


def test_an_absent_file_holds_no_labels(tmp_path: Path) -> None:
    assert read_labels(tmp_path / "none") == {}


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\0" * 4096, b'{"runs": 3}', b"\xff\xfe", b'{"runs": {"a": ' + b"[" * 200_000]
)
def test_a_damaged_file_is_said_and_never_written_over(tmp_path: Path, content: bytes) -> None:
    labels_file(tmp_path).write_bytes(content)
    with pytest.raises(TuiFtError, match="damaged"):
        change_labels(tmp_path, [RUN], archived=True)
    assert labels_file(tmp_path).read_bytes() == content
    book = LabelBook(tmp_path)
    assert book.read() == {} and "damaged" in book.problem


def test_a_damaged_entry_hides_no_other(tmp_path: Path) -> None:
    runs = {RUN: {"note": "x"}, "a": 3, "b": {"tags": "no list"}, "c": None}
    labels_file(tmp_path).write_text(json.dumps({"schema": 1, "runs": runs}))
    assert read_labels(tmp_path) == {RUN: Label(note="x")}
    change_labels(tmp_path, ["a"], note="y")
    assert read_labels(tmp_path)["a"] == Label(note="y")


def test_what_nobody_could_have_typed_is_cut(tmp_path: Path) -> None:
    entry = {"tags": ["t" * 1000] * 1000, "note": "n" * 1_000_000}
    labels_file(tmp_path).write_text(json.dumps({"runs": {RUN: entry}}))
    label = read_labels(tmp_path)[RUN]
    assert label.tags == ("t" * 32,) * 16
    assert label.note == "n" * 2000


def test_what_a_newer_version_wrote_stays(tmp_path: Path) -> None:
    labels_file(tmp_path).write_text('{"schema": 9, "runs": {"r": {"note": "x", "colour": "red"}}}')
    change_labels(tmp_path, ["r"], archived=True)
    document = json.loads(labels_file(tmp_path).read_text())
    assert document["runs"]["r"] == {"note": "x", "colour": "red", "archived": True}


def test_a_fifo_is_a_sentence_and_not_a_wait(tmp_path: Path) -> None:
    os.mkfifo(labels_file(tmp_path))
    with pytest.raises(TuiFtError, match="cannot be read"):
        read_labels(tmp_path)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(change_labels, tmp_path, [f"r{n}"], note=str(n)) for n in range(60)]:
            done.result()
    assert read_labels(tmp_path) == {f"r{n}": Label(note=str(n)) for n in range(60)}


def test_a_lock_that_is_kept_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "_PATIENCE_S", 0.05)
    with open(tmp_path / "labels.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TuiFtError, match="held by another process"):
            change_labels(tmp_path, [RUN], archived=True)


def test_a_runs_root_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TuiFtError, match="cannot be written"):
        change_labels(tmp_path / "file", [RUN], archived=True)


def test_the_book_opens_the_file_only_when_it_was_replaced(tmp_path: Path) -> None:
    change_labels(tmp_path, [RUN], note="one")
    book = LabelBook(tmp_path)
    first = book.read()
    assert book.read() is first
    change_labels(tmp_path, [RUN], note="two")
    assert book.read()[RUN].note == "two"
    labels_file(tmp_path).unlink()
    assert book.read() == {}


def test_tags_as_people_type_them() -> None:
    assert parse_tags("#best, v2 Best") == ("Best", "v2")
    assert parse_tags("a\x1b[31m\x07b") == ("a[31mb",)
    assert parse_tags("") == ()
    with pytest.raises(TuiFtError, match="32 characters"):
        parse_tags("x" * 33)
    with pytest.raises(TuiFtError, match="16 tags"):
        parse_tags(" ".join(map(str, range(17))))


def test_a_note_is_one_line() -> None:
    assert parse_note(" two\nlines\t\x1b[2J ") == "two lines [2J"
    with pytest.raises(TuiFtError, match="2,000"):
        parse_note("x" * 2001)

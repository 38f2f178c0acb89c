"""A data set written anew: read back it gives the same tokens, and nothing else is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from data_zoo import CHATS, SETS, chat, lines, make_set, shared_sets

from tui_ft.data import gate, writing
from tui_ft.data.prepare import local_source, prepare
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.writing import write
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError

MAX_LENGTH = 512
SHARED = shared_sets()


@pytest.fixture(scope="module")
def demo() -> FileTokenizer:
    return load_tokenizer(demo_paths.model_folder())


def tokens(path: Path, tokenizer: FileTokenizer, train_on: str) -> list[tuple[list[int], list[bool]]]:
    found = prepare(
        [local_source(path)], tokenizer, train_on=train_on, max_length=MAX_LENGTH, eval_fraction=0
    )
    return [(row.input_ids, row.trained) for row in found.train]


def assert_reads_back(path: Path, folder: Path, tokenizer: FileTokenizer, train_on: str) -> None:
    out = folder / "out.jsonl"
    findings = gate.check(path, tokenizer=tokenizer, max_length=MAX_LENGTH, train_on=train_on)
    how: dict[str, Any] = {"tokenizer": tokenizer, "max_length": MAX_LENGTH, "train_on": train_on}
    if not findings.usable_rows:
        with pytest.raises(TuiFtError):
            write(path, out, **how)
        assert not list(folder.glob("*out*"))
        return
    done = write(path, out, **how)
    assert (done.rows, done.rows + done.skipped) == (findings.usable_rows, findings.rows)
    assert sum(done.reasons.values()) == done.skipped
    again = gate.check(out, **how)
    assert (again.rows, again.usable_rows) == (done.rows, done.rows)
    assert [p.code for p in again.errors] in ([], ["not_trainable_yet"])
    if not findings.refusal:
        assert tokens(out, tokenizer, train_on) == tokens(path, tokenizer, train_on)


@pytest.mark.parametrize("train_on", ["completion", "assistant", "all"])
@pytest.mark.parametrize("name", SETS)
def test_what_is_written_reads_back(name: str, train_on: str, tmp_path: Path, demo: FileTokenizer) -> None:
    (tmp_path / "in").mkdir()
    assert_reads_back(make_set(name, tmp_path / "in"), tmp_path, demo, train_on)


@pytest.mark.skipif(not SHARED, reason="the real data sets lie beside a checkout of the developers only")
@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_real_sets_read_back(path: Path, tmp_path: Path, demo: FileTokenizer) -> None:
    try:
        assert_reads_back(path, tmp_path, demo, "completion")
    except TuiFtError:
        with pytest.raises(TuiFtError):
            gate.check(path)


def test_the_shapes_that_the_libraries_know(tmp_path: Path) -> None:
    turns = chat(("system", "S"), ("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b"))
    path = tmp_path / "data.jsonl"
    path.write_bytes(lines(turns))
    shapes = []
    for train_on in ("completion", "assistant", "all"):
        out = tmp_path / f"{train_on}.jsonl"
        assert write(path, out, train_on=train_on).rows == 1
        shapes.append(json.loads(out.read_text()))
    said = turns["messages"]
    assert shapes == [
        {"prompt": said[:-1], "completion": said[-1:]},
        {"messages": said},
        {"messages": said},
    ]


def test_pairs_stay_pairs_and_texts_texts(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(lines({"prompt": "a ", "completion": "b", "note": 1}))
    write(path, tmp_path / "one.jsonl")
    path.write_bytes(lines({"content": "a b"}))
    write(path, tmp_path / "two.jsonl")
    assert json.loads((tmp_path / "one.jsonl").read_text()) == {"prompt": "a ", "completion": "b"}
    assert json.loads((tmp_path / "two.jsonl").read_text()) == {"text": "a b"}


def test_bad_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(lines(*CHATS[:3], b"{broken", b"[1]", CHATS[0]))
    done = write(path, tmp_path / "out.jsonl")
    assert (done.rows, done.skipped) == (3, 3)
    assert done.reasons == {"no_assistant_turn": 1, "unparsable": 1, "not_an_object": 1}
    assert done.path == str(tmp_path / "out.jsonl")
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 3


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(lines(CHATS[0]))
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data.jsonl", "is the data set itself"),
        ("link.jsonl", "is the data set itself"),
        ("there.jsonl", "there already"),
        ("dangling.jsonl", "there already"),
        ("folder.jsonl", "there already"),
        ("new.json", "would hold JSONL"),
        ("new.jsonl.gz", "would hold JSONL"),
        ("nowhere/new.jsonl", "no folder"),
        ("there.jsonl/new.jsonl", "no folder"),
        ("a" * 300 + ".jsonl", "cannot be written"),
        ("a\0b.jsonl", "cannot be written"),
    ],
)
def test_nothing_is_overwritten(name: str, words: str, good: Path) -> None:
    folder = good.parent
    (folder / "link.jsonl").symlink_to(good)
    (folder / "there.jsonl").write_text("mine")
    (folder / "dangling.jsonl").symlink_to(folder / "gone")
    (folder / "folder.jsonl").mkdir()
    before = sorted(os.listdir(folder))
    content = good.read_bytes()
    with pytest.raises(TuiFtError, match=words) as caught:
        write(good, folder / name)
    assert caught.value.hint
    assert sorted(os.listdir(folder)) == before
    assert good.read_bytes() == content
    assert (folder / "there.jsonl").read_text() == "mine"


def test_a_full_disk_leaves_nothing(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TuiFtError, match="No space left"):
        write(good, good.parent / "out.jsonl")
    assert os.listdir(good.parent) == [good.name]


def test_somebody_else_is_first(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = good.parent / "out.jsonl"
    real = os.fsync

    def meanwhile(descriptor: int) -> None:
        out.write_text("theirs")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(TuiFtError, match="File exists"):
        write(good, out)
    assert out.read_text() == "theirs"
    assert sorted(os.listdir(good.parent)) == sorted([good.name, out.name])


def test_a_file_system_without_links(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert write(good, good.parent / "out.jsonl").rows == 1
    assert sorted(os.listdir(good.parent)) == sorted([good.name, "out.jsonl"])


def test_it_can_be_stopped(good: Path) -> None:
    def stop(read: int, size: int | None) -> None:
        raise gate.Stop

    with pytest.raises(gate.Stop):
        write(good, good.parent / "out.jsonl", progress=stop)
    assert os.listdir(good.parent) == [good.name]


def test_untrained_answers_keep_their_weight() -> None:
    from tui_ft.data.convert import Example

    prompt = [{"role": "user", "content": "q"}]
    answers = [{"role": "assistant", "content": text} for text in "ab"]
    row = writing.row_of(Example(prompt=prompt, completion=answers, untrained=frozenset({0})))
    assert row == {"messages": [*prompt, {**answers[0], "weight": 0}, answers[1]]}

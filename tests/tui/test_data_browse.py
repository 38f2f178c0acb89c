"""The files of a folder as somebody looks for data: what is data comes first, and nothing makes it fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui_ft.data.names import is_hub_name, looks_like_data
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.method_facts import model_id
from tui_ft.tui.path_completion import complete
from tui_ft.tui.start_flow import with_data
from tui_ft.tui.wizard.browse import browse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jsonl", "a.csv", "notes.md", "rows.jsonl.gz", ".hidden.jsonl", "train.py"):
        (tmp_path / name).write_text("x" * 10)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.parquet").write_bytes(b"PAR1")
    return tmp_path


def names(text: str, base: Path) -> list[str]:
    return [entry.name for entry in browse(text, base).entries]


def test_data_first_then_folders_then_the_way_out(folder: Path) -> None:
    listing = browse("", folder)
    assert names("", folder) == ["a.csv", "b.jsonl", "rows.jsonl.gz", "sub/", "../", "demo"]
    assert listing.left_out == 2 and listing.folder == str(folder.resolve())
    assert [entry.size for entry in listing.entries][:2] == [10, 10]


def test_typing_narrows_down_and_shows_what_is_no_data_too(folder: Path) -> None:
    assert names("n", folder) == ["notes.md", "b.jsonl", "rows.jsonl.gz", "train.py"]
    assert names("rows", folder) == ["rows.jsonl.gz"]
    assert names(".h", folder) == [".hidden.jsonl"]
    assert names("zzz", folder) == []


def test_a_name_typed_whole_stands_first(folder: Path) -> None:
    (folder / "b.json").write_text("")
    (folder / "B.json.txt").write_text("")
    assert names("b.json", folder)[0] == "b.json"


def test_folders_are_walked_by_what_is_typed(folder: Path) -> None:
    assert names("sub/", folder) == ["inner.parquet", "../"]
    assert browse("sub/", folder).entries[0].path == "sub/inner.parquet"
    assert browse("sub/", folder).entries[1].path == ""
    assert browse("", folder).entries[-2].path == "../"
    assert browse("../", folder / "sub").entries[-1].path == "../../"
    assert [e.path for e in browse(f"{folder}/", Path("/")).entries][:1] == [f"{folder}/a.csv"]


def test_nothing_makes_it_fail(folder: Path) -> None:
    assert "No such file" in browse("nowhere/x", folder).problem
    assert browse("a\0b/", folder).problem
    assert browse("~nobody-of-that-name/", folder).problem
    (folder / "gone.jsonl").symlink_to(folder / "nothing")
    (broken,) = browse("gone", folder).entries
    assert broken.remark == "a broken link" and broken.size is None
    locked = folder / "locked"
    locked.mkdir(mode=0o000)
    if os.geteuid():
        assert "denied" in browse("locked/", folder).problem


def test_names_of_data_and_of_the_hub() -> None:
    assert looks_like_data("A.JSONL") and looks_like_data("x.csv.gz") and not looks_like_data("x.py")
    assert not looks_like_data("README.md") and not looks_like_data("notes.md")
    assert is_hub_name("org/set-v1.0") and not is_hub_name("data/rows.tab") and not is_hub_name("a/b.gz")
    assert is_hub_name("tatsu-lab/alpaca") and not is_hub_name("data/rows.jsonl")
    assert not is_hub_name("/abs/path") and not is_hub_name("alpaca") and not is_hub_name("a/b/c")


@pytest.mark.parametrize("typed", ["~nobody-of-that-name/rows.jsonl", "x" * 300, "a\0b"])
def test_what_no_file_can_be_called_is_taken_as_a_name(typed: str) -> None:
    assert with_data(RunSpec(), typed).data.train
    assert model_id(typed)
    assert complete(typed) == (typed, [])

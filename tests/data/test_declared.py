"""LLaMA-Factory's register of data sets says how a file beside it is to be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui_ft.data.declared import Declared, declared
from tui_ft.data.read import UnreadableError, look, read_rows

ROW = {"q": "what?", "a": "that"}


def register(folder: Path, content: Any) -> Path:
    path = folder / "dataset_info.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def rows(folder: Path, name: str = "rows.json") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([ROW]))
    return path


TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}


@pytest.mark.parametrize(
    ("entry", "format", "columns"),
    [
        ({}, "auto", {}),
        ({"formatting": "alpaca"}, "alpaca", {}),
        (
            {"columns": {"prompt": "q", "query": "c", "response": "a", "history": "h", "images": "i"}},
            "alpaca",
            {"instruction": "q", "input": "c", "output": "a", "history": "h"},
        ),
        ({"columns": {"prompt": "body"}}, "text", {"text": "body"}),
        ({"formatting": "sharegpt"}, "sharegpt", {}),
        (
            {"formatting": "sharegpt", "columns": {"messages": "talk", "tools": "t", "system": "s"}},
            "sharegpt",
            {"messages": "talk", "tools": "t", "system": "s"},
        ),
        (
            {"formatting": "sharegpt", "columns": {"messages": "talk"}, "tags": TAGS},
            "messages",
            {"messages": "talk"},
        ),
        (
            {
                "formatting": "sharegpt",
                "tags": {
                    "role_tag": "who",
                    "content_tag": "said",
                    "user_tag": "Kunde",
                    "observation_tag": "o",
                },
            },
            "sharegpt",
            {"role_tag": "who", "content_tag": "said", "user_tag": "Kunde", "tool_tag": "o"},
        ),
        ({"formatting": "openai", "columns": {"messages": "m"}}, "messages", {"messages": "m"}),
        (
            {"ranking": True, "columns": {"prompt": "q", "chosen": "good", "rejected": "bad"}},
            "preference",
            {"prompt": "q", "chosen": "good", "rejected": "bad"},
        ),
        (
            {
                "ranking": True,
                "formatting": "sharegpt",
                "columns": {"messages": "m", "chosen": "c", "rejected": "r"},
            },
            "preference",
            {"prompt": "m", "chosen": "c", "rejected": "r"},
        ),
        (
            {"columns": {"prompt": "q", "response": "a", "kto_tag": "ok"}},
            "kto",
            {"prompt": "q", "completion": "a", "label": "ok"},
        ),
        (
            {"formatting": "sharegpt", "columns": {"messages": "m", "kto_tag": "ok"}, "tags": TAGS},
            "kto",
            {"messages": "m", "label": "ok"},
        ),
        ({"formatting": ["?"], "columns": {"prompt": 3, "response": None}, "tags": "no"}, "auto", {}),
    ],
)
def test_what_is_declared(
    tmp_path: Path, entry: dict[str, Any], format: str, columns: dict[str, str]
) -> None:
    register(tmp_path, {"other": {"file_name": "b.json"}, "mine": {"file_name": "rows.json", **entry}})
    assert declared(rows(tmp_path)) == Declared(format, columns, "mine")


def test_files_in_a_folder_of_the_register_are_declared_too(tmp_path: Path) -> None:
    register(tmp_path, {"whole": {"file_name": "part", "columns": {"prompt": "q", "response": "a"}}})
    found = declared(rows(tmp_path, "part/one.json"))
    assert found is not None and found.name == "whole"
    assert declared(rows(tmp_path, "other/one.json")) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[1]", "3", '{"a": 1}', '{"a": {"file_name": 3}}', '{"a": {"file_name": "\\u0000"}}',
     '{"a": {"file_name": "rows.json", "hf_hub_url": "x/y"}}', "[" * 100_000, b"\xff\xfe{".decode("latin-1")],
)  # fmt: skip
def test_a_register_that_says_nothing_is_passed_over(tmp_path: Path, content: str) -> None:
    register(tmp_path, content)
    path = rows(tmp_path)
    assert declared(path) is None
    assert list(read_rows(path)) == [(1, ROW)]


def test_the_register_itself_stands_for_its_only_file(tmp_path: Path) -> None:
    path = register(
        tmp_path,
        {
            "hub": {"hf_hub_url": "x/y"},
            "gone": {"file_name": "gone.json"},
            "mine": {"file_name": "rows.json", "columns": {"prompt": "q", "response": "a"}},
        },
    )
    rows(tmp_path)
    assert list(read_rows(path)) == [(1, ROW)]
    assert look(path).container == "json"
    assert declared(path) == Declared("alpaca", {"instruction": "q", "output": "a"}, "mine")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": {"file_name": "a.json"}, "b": {"file_name": "b.json"}}, r"2 data files.*a\.json, b\.json"),
        ({"a": {"hf_hub_url": "x/y"}}, "none of them a file here"),
        ({"a": {"file_name": "../secret.json"}}, "none of them a file here"),
        ({"a": {"file_name": "/etc/hostname"}}, "none of them a file here"),
        ({"a": {"file_name": "x" * 5000}}, "none of them a file here"),
        ([{"ms_dataset_id": "x/y", "tags": []}], "ms-swift"),
        ({"features": {}, "splits": {}}, "Hugging Face datasets"),
    ],
)
def test_a_register_of_none_or_several_is_a_sentence(tmp_path: Path, content: Any, said: str) -> None:
    folder = tmp_path / "data"
    path = rows(folder, "a.json")
    rows(folder, "b.json")
    rows(tmp_path, "secret.json")
    path = register(folder, content)
    with pytest.raises(UnreadableError, match=said) as caught:
        list(read_rows(path))
    assert caught.value.code == "not_a_data_set"


def test_rows_in_a_file_of_that_name_are_read(tmp_path: Path) -> None:
    assert list(read_rows(register(tmp_path, [ROW]))) == [(1, ROW)]

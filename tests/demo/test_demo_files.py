"""The built-in model and its data are whole, small, and made by the script that is said to make them."""

from __future__ import annotations

import json

from tui_ft.data.convert import convert
from tui_ft.data.detect import detect
from tui_ft.data.read import container, read_rows
from tui_ft.demo import paths

LIMIT_BYTES = 3_000_000


def test_the_model_is_small_and_whole() -> None:
    folder = paths.model_folder()
    names = {path.name for path in folder.iterdir()}
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert wanted <= names
    template = "chat_template.jinja" in names
    assert template or "chat_template" in json.loads((folder / "tokenizer_config.json").read_text())
    assert sum(path.stat().st_size for path in folder.iterdir()) <= LIMIT_BYTES


def test_nothing_of_the_box_that_made_it_is_left_in_the_files() -> None:
    for path in paths.model_folder().glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert "/tmp" not in text
        assert "/home" not in text


def test_every_row_teaches_the_skill() -> None:
    path = paths.data_file()
    assert container(path) == "jsonl"
    rows = [row for _, row in read_rows(path)]
    found = detect(rows)
    assert found.name == "messages"
    assert 300 <= len(rows) <= 500
    questions = set()
    for row in rows:
        (example,) = convert(row, found)
        assert isinstance(example.prompt, list)
        assert isinstance(example.completion, list)
        order = json.loads(example.completion[0]["content"])
        question = example.prompt[0]["content"]
        questions.add(question)
        assert list(order) == ["item", "count", "color", "for"]
        for word in (order["item"], order["color"], order["for"]):
            assert word in question
    assert len(questions) == len(rows)

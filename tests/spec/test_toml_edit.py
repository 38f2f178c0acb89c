"""Changing values in a spec that a person wrote."""

from __future__ import annotations

import pytest

from tui_ft.spec import toml
from tui_ft.spec.overrides import apply
from tui_ft.spec.toml_edit import rewrite

TEXT = """\
# My own words.

[training]      # out of order, on purpose
batch_size = 2  # small card # really

[model]
  id = "demo"   # "quoted # sign"
[method]
kind = "lora"
targets = [
  "q_proj",  # attention
  "v_proj",
]
# rank = 16

[notes]
text = "a # b"
"""


def changed_lines(*overrides: str, text: str = TEXT) -> tuple[list[str], list[str]]:
    spec = apply(toml.loads(text), list(overrides))
    after = rewrite(text, spec)
    assert toml.loads(after) == spec
    before_lines, after_lines = text.splitlines(), after.splitlines()
    gone = [line for line in before_lines if line not in after_lines]
    new = [line for line in after_lines if line not in before_lines]
    return gone, new


def test_a_text_that_means_the_spec_already_stays_byte_for_byte() -> None:
    assert rewrite(TEXT, toml.loads(TEXT)) == TEXT
    windows = TEXT.replace("\n", "\r\n")
    assert rewrite(windows, toml.loads(windows)) == windows


@pytest.mark.parametrize(
    ("override", "gone", "new"),
    [
        (
            "training.batch_size=8",
            ["batch_size = 2  # small card # really"],
            ["batch_size = 8  # small card # really"],
        ),
        ("model.id=org/x", ['  id = "demo"   # "quoted # sign"'], ['  id = "org/x"   # "quoted # sign"']),
        ("method.rank=32", ["# rank = 16"], ["rank = 32"]),
        ("notes.text=c", ['text = "a # b"'], ['text = "c"']),
        ("training.max_steps=5", [], ["max_steps = 5"]),
        ("hardware.gpus=1", [], ["[hardware]", "gpus = 1"]),
        (
            "method.targets=o_proj",
            ["targets = [", '  "q_proj",  # attention', '  "v_proj",', "]"],
            ['targets = ["o_proj"]'],
        ),
        (
            "method.targets=",
            ["targets = [", '  "q_proj",  # attention', '  "v_proj",', "]"],
            ["# targets = [", '#   "q_proj",  # attention', '#   "v_proj",', "# ]"],
        ),
    ],
)
def test_only_the_line_of_the_changed_field_changes(override: str, gone: list[str], new: list[str]) -> None:
    assert changed_lines(override) == (gone, new)


def test_a_text_without_a_last_newline_can_be_added_to() -> None:
    text = '[model]\nid = "demo"'
    assert changed_lines("model.revision=main", "notes.name=x", text=text)[0] == []


@pytest.mark.parametrize("text", ['model.id = "demo"\nmodel.dtype = "auto"\n', 'model = { id = "demo" }\n'])
def test_a_text_that_cannot_be_edited_by_line_is_written_anew(text: str) -> None:
    spec = apply(toml.loads(text), ["model.dtype=float32", "method.rank=4"])
    assert toml.loads(rewrite(text, spec)) == spec

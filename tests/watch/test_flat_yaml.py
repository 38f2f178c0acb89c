# ruff: noqa: E501 - lines as the trainers write them
"""The small reader of flat YAML, and numbers as others write them."""

from __future__ import annotations

import math

import pytest

from tui_ft.watch.sources.flat_yaml import MOST_SETTINGS, read_yaml
from tui_ft.watch.sources.words import json_number, title_of, whole_step, word_number


def test_plain_values() -> None:
    text = ("a: 1\nb: 2.5e-05\nc: true\nd: null\ne: 'two words'\nf: \"3\"\ng: plain text # said\nh: .inf\n"
            "i: -7\nj: 1.0e-5\nk: ~\nl: [1, 2]\nm: no\nn: http://x:80/y\n")  # fmt: skip
    assert read_yaml(text) == {
        "a": 1, "b": 2.5e-5, "c": True, "d": None, "e": "two words", "f": "3", "g": "plain text", "h": math.inf,
        "i": -7, "j": 1e-5, "k": None, "l": "1, 2", "m": False, "n": "http://x:80/y",
    }  # fmt: skip


def test_names_inside_names_and_lists() -> None:
    text = "model:\n  name: gpt2\n  opt:\n    lr: 0.1\n  tags:\n  - a\n  - b\ntop.x: 1\nlist:\n- 1\n- 2\nafter: 3\n"
    assert read_yaml(text) == {
        "model.name": "gpt2", "model.opt.lr": 0.1, "model.tags": "a, b", "top.x": 1, "list": "1, 2", "after": 3,
    }  # fmt: skip


def test_tags_make_no_objects() -> None:
    text = (
        "a: !!python/object/apply:os.system ['id']\nb: !!python/tuple\n- 1\nc: &x 3\nd: *x\ne: |\n  block\n"
    )
    found = read_yaml(text)
    assert found["a"] == "'id'"
    assert "c" not in found
    assert "d" not in found


@pytest.mark.parametrize("text", ["", "\0" * 50, ": : :\n", "- - -\n", "a\n" * 9, "\t\t:\n", "'", '"a: 1\n', "a:" * 9_000,
                                  "  " * 5_000 + "a: 1", "{a: 1}\n", "? x\n"])  # fmt: skip
def test_anything_is_read_without_an_error(text: str) -> None:
    assert isinstance(read_yaml(text), dict)


def test_it_is_bounded() -> None:
    assert len(read_yaml("".join(f"k{at}: {at}\n" for at in range(50_000)))) <= MOST_SETTINGS
    deep = "".join(" " * at + f"k{at}:\n" for at in range(200))
    assert all(name.count(".") <= 12 for name in read_yaml(deep))


@pytest.mark.parametrize(("text", "number"), [
    ("1", 1.0), ("-1.5e-3", -0.0015), (".5", 0.5), ("5.", 5.0), (" 7 ", 7.0), ("'3.996'", 3.996), ("inf", math.inf),
    ("-Infinity", -math.inf), ("tensor(1.5)", 1.5), ("tensor([2.])", 2.0), ("np.float64(0.25)", 0.25), ("1e999", math.inf),
    ("", None), ("x", None), ("1_000", None), ("0x10", None), ("1.2.3", None), ("--1", None), ("None", None), ("9" * 500, None),
])  # fmt: skip
def test_numbers_in_words(text: str, number: float | None) -> None:
    assert word_number(text) == number


def test_numbers_of_json() -> None:
    assert json_number(True) is None
    assert json_number([1]) is None
    assert json_number(10**400) == math.inf
    assert json_number(-(10**400)) == -math.inf
    assert math.isnan(json_number("NaN") or 0.0)


@pytest.mark.parametrize(("value", "step"), [(5, 5), (5.0, 5), ("5", 5), (5.5, None), (-1, None), (math.nan, None), (math.inf, None),
                                             (None, None), (10**30, None), (True, None)])  # fmt: skip
def test_whole_steps(value: object, step: int | None) -> None:
    assert whole_step(value) == step


@pytest.mark.parametrize(("path", "title"), [("/a/my-run", "my-run"), ("/a/my-run/outputs", "my-run/outputs"), ("/outputs", "outputs"),
                                             ("/a/my/outputs/checkpoint-60", "my/outputs/checkpoint-60")])  # fmt: skip
def test_a_generic_name_is_told_with_the_folder_above(path: str, title: str) -> None:
    from pathlib import Path

    assert title_of(Path(path)) == title

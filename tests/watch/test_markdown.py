"""Others' words in Markdown: whatever they hold, a reader of Markdown sees the same letters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tui_ft.watch import markdown
from tui_ft.watch.log import clean_line

SIGNS = st.text(alphabet="`*_[](){}<>&|\\#+-=!~$@:/. \n0123abcwww<!--\"'", max_size=60)


def rendered(text: str) -> list[tuple[str, str]]:
    """The kinds and words of all tokens."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return [
        (child.type, child.content) for token in reader.parse(text) for child in token.children or [token]
    ]


@settings(deadline=None, database=None)
@given(SIGNS)
def test_a_text_is_read_as_its_letters(words: str) -> None:
    kinds = rendered(f"- {markdown.text(words)}")
    shown = "".join(content for kind, content in kinds if kind == "text")
    wanted = " ".join(clean_line(" ".join(words.split("\n"))).split())
    assert shown.replace("\u200b", "") == (wanted or "–")
    allowed = {"bullet_list_open", "list_item_open", "paragraph_open", "text", "paragraph_close",
               "list_item_close", "bullet_list_close", "inline"}  # fmt: skip
    assert {kind for kind, _ in kinds} <= allowed


@settings(deadline=None, database=None)
@given(SIGNS)
def test_code_is_read_as_its_letters_in_a_table_too(words: str) -> None:
    wanted = " ".join(clean_line(" ".join(words.split("\n"))).split())
    (content,) = [
        content for kind, content in rendered(f"x {markdown.code(words)}") if kind == "code_inline"
    ] or [""]
    assert content == wanted
    rows = "\n".join(markdown.table(["a", "b"], [[markdown.code(words), markdown.text(words)]]))
    tokens = MarkdownIt("commonmark").enable("table").parse(rows)
    assert sum(token.type == "td_open" for token in tokens) == 2


@settings(deadline=None, database=None)
@given(st.lists(SIGNS, max_size=5))
def test_a_block_holds_every_line(lines: list[str]) -> None:
    rows = [line.replace("\n", " ") for line in lines]
    tokens = MarkdownIt("commonmark").parse("\n".join(markdown.fenced(rows, "sh")))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == "".join(clean_line(line).rstrip() + "\n" for line in rows)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1"),
        (0.1234567, "0.123457"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (None, "–"),
        (0.0, "0"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert markdown.number(value) == shown
    assert markdown.count(None) == "–" and markdown.count(12_345) == "12,345"
    assert list(markdown.table(["a"], [])) == []

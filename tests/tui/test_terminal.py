"""When to keep to ASCII, and what stands for what."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui_ft.tui.terminal import is_ascii_only, to_ascii


@pytest.mark.parametrize(
    ("environ", "encoding", "expected"),
    [
        ({}, "utf-8", False),  # a container without a locale: its terminal is UTF-8 all the same
        ({"LANG": "en_US.UTF-8"}, "utf-8", False),
        ({"LANG": "C.utf8"}, "utf-8", False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"LANG": "de_DE.ISO-8859-1"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8"}, "iso-8859-1", True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"TUI_FT_ASCII": "1", "LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"TUI_FT_ASCII": "0", "LC_ALL": "C"}, "ascii", False),
    ],
)
def test_ascii_follows_wish_encoding_locale_and_terminal(
    environ: dict[str, str], encoding: str, expected: bool
) -> None:
    assert is_ascii_only(environ, encoding) is expected


@pytest.mark.parametrize("text", ["⠁⡀⣿ ", "━─│●×▲", "日本", "é–…→", "▏^p palette", "✗ FAILED"])
def test_the_translation_is_as_wide_as_the_text(text: str) -> None:
    translated = to_ascii(text)
    assert translated.isascii()
    assert len(translated) == cell_len(text)


def test_a_curve_keeps_its_shape() -> None:
    assert to_ascii("⠉⣀⣿") == "'.:"

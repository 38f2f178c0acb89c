"""A row's tokens as lines: what is trained, cut and special shows by its marks alone, and nothing is lost."""

from __future__ import annotations

import random

from rich.cells import cell_len

from tui_ft.data.view import Piece
from tui_ft.tui.wizard.mask_lines import (
    CLOSE,
    LINE_END,
    MOST_CHARACTERS,
    OPEN,
    SCISSORS,
    SEAM,
    MaskLine,
    mask_lines,
)  # fmt: skip

CHAT = [
    Piece("<|user|>", 1, special=True),
    Piece("Say ", 2),
    Piece("hi", 3),
    Piece("<|assistant|>", 4, special=True),
    Piece("Hel", 5, trained=True),
    Piece("lo!", 6, trained=True),
    Piece("<|end|>", 7, trained=True, special=True),
    Piece("\n", 8),
]
MARKS = (OPEN, CLOSE, SCISSORS, SEAM)


def drawn(lines: list[MaskLine]) -> str:
    return "".join(text for line in lines for text, _ in line.pieces)


def without_marks(text: str) -> str:
    return "".join(character for character in text if character not in MARKS)


def test_what_is_trained_stands_between_marks_and_has_its_kind() -> None:
    (line,) = mask_lines(CHAT, 80)
    assert "".join(text for text, _ in line.pieces) == f"<|user|>Say hi<|assistant|>▐Hello!<|end|>▌{LINE_END}"
    kinds = dict(line.pieces)
    assert kinds["<|user|>"] == "special" and kinds["Say hi"] == "plain"
    assert kinds["▐Hello!"] == "trained" and kinds["<|end|>"] == "special-trained"
    assert line.gutter == "▌"


def test_what_is_cut_begins_with_scissors_and_is_not_marked_as_trained() -> None:
    pieces = [*CHAT[:5], *(Piece(p.text, p.token_id, p.trained, True, p.special) for p in CHAT[5:])]
    (line,) = mask_lines(pieces, 80)
    assert drawn([line]).endswith(f"▐Hel▌✂lo!<|end|>{LINE_END}")
    assert line.gutter == SCISSORS
    assert {kind for text, kind in line.pieces if "lo!" in text} == {"cut"}


def test_the_gutter_says_how_much_of_a_line_is_trained() -> None:
    lines = mask_lines([Piece("a\n"), Piece("b\n", trained=True), Piece("c"), Piece("d", trained=True)], 10)
    assert [line.gutter for line in lines] == [" ", "█", "▌"]


def test_seams_stand_between_tokens_and_nowhere_else() -> None:
    text = drawn(mask_lines(CHAT, 80, seams=True))
    assert text == f"<|user|>·Say ·hi·<|assistant|>▐Hel·lo!·<|end|>▌·{LINE_END}"
    assert text.count(SEAM) + text.count(OPEN) == len(CHAT) - 1


def test_lines_break_at_blanks_where_they_can_and_never_get_too_wide() -> None:
    lines = mask_lines([Piece("eins zwei drei vier fünf", trained=True)], 10)
    assert [drawn([line]) for line in lines] == ["▐eins ", "zwei drei ", "vier fünf▌"]
    wide = mask_lines([Piece("日本語" * 20)], 11)
    assert all(cell_len(drawn([line])) <= 11 for line in wide)
    assert drawn(wide) == "日本語" * 20


def test_no_control_character_reaches_the_screen() -> None:
    text = drawn(mask_lines([Piece("a\x1b[31mb\x07\u202ec\td\u200de\ufffd")], 80))
    assert text == "a\\x1b[31mb\\x07\\u202ec⇥de\ufffd"
    odd = [t for line in mask_lines([Piece("a\x1bb\ufffd")], 80) for t, kind in line.pieces if kind == "odd"]
    assert odd == ["\\x1b", "\ufffd"]


def test_nothing_is_lost_whatever_the_width() -> None:
    rng = random.Random(3)
    for _ in range(200):
        pieces = [
            Piece("".join(rng.choices("ab \n日é", k=rng.randrange(6))), 1, rng.random() < 0.5, index > 15)
            for index in range(rng.randrange(1, 25))
        ]
        lines = mask_lines(pieces, rng.randrange(4, 30), seams=rng.random() < 0.5)
        told = without_marks(drawn(lines)).replace(LINE_END, "\n")
        assert told == "".join(piece.text for piece in pieces)
        marked = drawn(lines)
        assert marked.count(OPEN) == marked.count(CLOSE)


def test_a_huge_row_is_shown_in_part_and_says_so() -> None:
    lines = mask_lines([Piece("x" * 1000) for _ in range(1000)], 100)
    assert f"{MOST_CHARACTERS:,} shown" in drawn(lines)
    assert len(drawn(lines)) < MOST_CHARACTERS + 2000

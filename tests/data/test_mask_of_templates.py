"""Which tokens are trained under the chat templates of real models, as the view shows them.

The templates are those that TRL brings along; TRL itself is not imported.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from tokenizer_zoo import write_kind

from tui_ft.data.examples import Reading
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.view import Piece, of_row

TURNS = [
    ("system", "Be brief."),
    ("user", "What is two plus two?"),
    ("assistant", "It is four."),
    ("user", "And three?"),
    ("assistant", "Five it is."),
]
ROW = {"messages": [{"role": role, "content": content} for role, content in TURNS]}
ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "</s>", "<|end|>", "<|END_OF_TURN_TOKEN|>")
OF_IMAGES = ("idefics3", "llava_next", "smolvlm")
"""Their templates take contents as lists of parts only: they are not for models of text."""


def templates() -> list[Path]:
    spec = importlib.util.find_spec("trl")
    assert spec is not None
    assert spec.origin is not None
    found = sorted((Path(spec.origin).parent / "chat_templates").glob("*.jinja"))
    return [path for path in found if not path.stem.startswith(OF_IMAGES)]


def tokenizer_of(template: Path, folder: Path) -> FileTokenizer:
    """A tokenizer with this template that knows the tokens which the template spells."""
    source = template.read_text()
    (write_kind("with bos", folder) / "chat_template.jinja").write_text(source)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["extra_special_tokens"] = sorted(set(re.findall(r"<[^<>{}'\" \n]{2,40}>", source)))
    settings["eos_token"] = next((end for end in ENDS if end in source), settings["eos_token"])
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return load_tokenizer(folder)


def trained_stretches(pieces: list[Piece]) -> list[str]:
    stretches, is_open = [], False
    for piece in pieces:
        if piece.trained:
            stretches += [] if is_open else [""]
            stretches[-1] += piece.text
        is_open = piece.trained
    return stretches


@pytest.mark.parametrize("template", templates(), ids=lambda path: path.stem)
def test_answers_and_their_ends_are_trained_and_nothing_else(template: Path, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(template, tmp_path)
    for train_on, answers in (("completion", TURNS[4:]), ("assistant", [TURNS[2], TURNS[4]])):
        seen = of_row(ROW, 1, Reading.of([ROW], train_on=train_on), tokenizer=tokenizer)
        assert seen.code == ""
        stretches = trained_stretches(seen.pieces)
        assert len(stretches) == len(answers)
        for stretch, (_, answer) in zip(stretches, answers, strict=True):
            before, found, end = stretch.partition(answer)
            assert found
            assert re.fullmatch(r"<[^ ]+>", end), "the token that ends an answer, and no more"
            assert not any(said in before for _, said in TURNS)
        for _, said in TURNS:
            assert said in seen.text

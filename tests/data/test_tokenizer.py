"""A model's tokenizer from its files: what is refused, and with which sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizer_zoo import CHATML, write_kind

from tui_ft.data.layout import TemplateRefusal
from tui_ft.data.template import LARGEST_TEXT, ChatTemplate
from tui_ft.data.tokenizer import load_tokenizer
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError

CHAT = [{"role": "user", "content": "Who?"}]


def set_settings(folder: Path, **changes: Any) -> Path:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(TuiFtError) as caught:
        load_tokenizer(folder)
    assert caught.value.hint
    return str(caught.value)


def test_the_demo_tokenizer_is_loaded_without_the_trainers_libraries() -> None:
    code = (
        "import sys; from tui_ft.data.tokenizer import load_tokenizer; from tui_ft.demo import paths;"
        "tokenizer = load_tokenizer(paths.model_folder());"
        "print(tokenizer.decode(tokenizer.encode('Hi 😀', True)[0]));"
        "assert not {'torch', 'transformers', 'numpy', 'pyarrow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Hi 😀"), done.stderr


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no tokenizer in"),
        ({"tokenizer.model": b"\x0a"}, "SentencePiece"),
        ({"tekken.json": b"{}"}, "own format"),
        ({"vocab.json": b"{}", "merges.txt": b""}, "no tokenizer.json"),
        ({"vocab.txt": b"a"}, "no tokenizer.json"),
        ({"tokenizer.json": b"version https://git-lfs.github.com/spec/v1\noid 1\n"}, "git-lfs pointer"),
        ({"tokenizer.json": b"{"}, "cannot be loaded"),
        ({"tokenizer.json": b"[" * 100_000}, "cannot be loaded"),
        ({"tokenizer.json": b""}, "cannot be loaded"),
        (
            {"tokenizer.json": b'{"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}}'},
            "neither",
        ),
    ],
)
def test_files_that_make_no_tokenizer(files: dict[str, bytes], words: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert words in refusal(tmp_path)
    assert words == "no tokenizer in" or str(tmp_path) in refusal(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "no tokenizer" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokenizer_class": "T5TokenizerFast"}, "is a T5Tokenizer"),
        ({"tokenizer_class": "CodeLlamaTokenizer"}, "is a CodeLlamaTokenizer"),
        ({"fix_mistral_regex": True}, "word pattern"),
        ({"auto_map": {"AutoTokenizer": ["their.Code", None]}, "tokenizer_class": "Own"}, "code of its own"),
        ({"eos_token": None, "pad_token": None}, "neither a padding nor an end token"),
        ({"chat_template": "{% for %}"}, "chat template cannot be read"),
    ],
)
def test_what_only_the_trainer_can_make(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in refusal(set_settings(write_kind("as filed", tmp_path), **changes))


def test_a_class_that_does_not_go_with_its_file(tmp_path: Path) -> None:
    folder = set_settings(write_kind("unigram", tmp_path), tokenizer_class="LlamaTokenizer")
    assert "does not go with the class" in refusal(folder)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b"[" * 100_000])
def test_settings_that_cannot_be_read(name: str, content: bytes, tmp_path: Path) -> None:
    folder = write_kind("as filed", tmp_path)
    (folder / name).write_bytes(content)
    assert "no JSON object" in refusal(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"added_tokens_decoder": [1, 2]},
        {"added_tokens_decoder": {"x": 1, "-1": {"content": "a"}, "5": None, "9": {"content": 7}}},
        {"extra_special_tokens": 5, "additional_special_tokens": {"a": {"b": 1}}},
        {"pad_token": 7, "bos_token": ["x"]},
        {"chat_template": [1, {"name": 2}], "auto_map": None, "tokenizer_class": 9},
    ],
)
def test_strange_settings_are_no_traceback(settings: dict[str, Any], tmp_path: Path) -> None:
    tokenizer = load_tokenizer(set_settings(write_kind("as filed", tmp_path), **settings))
    assert tokenizer.encode("a", True)[0]


def test_a_template_that_writes_without_end_is_refused() -> None:
    endless = "{% for i in range(90000) %}" + "x" * 1000 + "{% endfor %}"
    assert LARGEST_TEXT < 90_000 * 1000
    with pytest.raises(TemplateRefusal, match="without end"):
        ChatTemplate(endless, {}).render(CHAT, False)
    for source in ("{{ 'x' * 10000000000 }}", "{{ [0] * 10000000000 }}", "{{ 9 ** 99999999 }}"):
        with pytest.raises(TemplateRefusal):
            ChatTemplate(source, {}).render(CHAT, False)


def test_loops_in_loops_are_refused() -> None:
    inner = "{% for j in range(90000) %}{% endfor %}"
    looping = ChatTemplate("{% for i in range(90000) %}" + inner + "{% endfor %}done", {})
    for _ in range(2):
        with pytest.raises(TemplateRefusal, match="without end"):
            looping.render(CHAT, False)
    for cheat in ("{{ range._begin() }}", "{% set range._left = 9 %}"):
        with pytest.raises(TemplateRefusal):
            ChatTemplate(cheat, {}).render(CHAT, False)
    assert ChatTemplate("{{ range._left }}", {}).render(CHAT, False) == ""
    often = ChatTemplate("{% for i in range(90000) %}{% endfor %}done", {})
    assert [often.render(CHAT, False) for _ in range(20)] == ["done"] * 20


def test_an_empty_chat_is_refused() -> None:
    with pytest.raises(TemplateRefusal):
        ChatTemplate(CHATML, {}).render([], True)


def test_tokens_are_spelt_and_special_ones_known() -> None:
    tokenizer = load_tokenizer(demo_paths.model_folder())
    assert tokenizer.eos_token_id is not None
    assert tokenizer.token(tokenizer.eos_token_id) == "<|end|>"
    assert tokenizer.is_special(tokenizer.eos_token_id)
    assert not tokenizer.is_special(tokenizer.encode("a", False)[0][0])
    assert tokenizer.token(1 << 40 >> 9) == ""

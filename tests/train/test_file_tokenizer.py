"""The tokenizer that is made of files alone gives what transformers gives to the trainer."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import transformers
import trl
from tokenizer_zoo import CHATML, HARD, KINDS, write_kind
from transformers.models.auto import tokenization_auto
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from tui_ft.data import tokenizer_names
from tui_ft.data.layout import TemplateRefusal
from tui_ft.data.template import ChatTemplate
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.tokenizer_classes import REBUILT
from tui_ft.data.wording import RowProblem
from tui_ft.demo import paths as demo_paths
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import model as training_model
from tui_ft.train.tokenizer import ComparedTokenizer, HubTokenizer, folder_of

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

TEMPLATES = sorted((Path(trl.__file__).parent / "chat_templates").glob("*.jinja"))
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in turns]


CHATS = [
    said(("user", "Who?")),
    said(("user", "Who?"), ("assistant", "  I.  ")),
    said(
        ("system", "Be brief."),
        ("user", "Who\n{{ x }}?"),
        ("assistant", "<think>hm</think>I."),
        ("user", "é"),
    ),
    said(("user", "a"), ("assistant", "b"), ("tool", '{"x": 1}'), ("assistant", "c")),
    said(("user", "a"), ("user", "b"), ("assistant", "<tool_call>{}</tool_call>")),
    said(("critic", "a"), ("assistant", "b")),
    said(("assistant", "b")),
]


def both(folder: Path) -> tuple[HubTokenizer, FileTokenizer]:
    """The trainer's tokenizer of a folder, loaded as the trainer does, and the one made of files."""
    spec = overrides.apply(RunSpec(), [f"model.id={folder}"])
    return HubTokenizer(training_model.load_tokenizer(spec)), load_tokenizer(folder)


def encoded(tokenizer: HubTokenizer | FileTokenizer, text: str, add_special_tokens: bool) -> Any:
    try:
        return tokenizer.encode(text, add_special_tokens)
    except RowProblem as problem:
        return problem.code


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_ids_places_and_texts(kind: str, tmp_path: Path) -> None:
    theirs, ours = both(write_kind(kind, tmp_path))
    library = theirs._tokenizer
    assert ours.special_tokens == library.special_tokens_map
    assert ours.eos_token_id == theirs.eos_token_id
    assert ours._tokenizer.get_vocab_size() == len(library)
    assert ours.has_chat_template == theirs.has_chat_template
    for text in HARD:
        for add_special_tokens in (True, False):
            found = encoded(theirs, text, add_special_tokens)
            assert encoded(ours, text, add_special_tokens) == found, text
            if not isinstance(found, str):
                assert ours.decode(found[0]) == theirs.decode(found[0])
    assert [ours.is_special(i) for i in range(600)] == [theirs.is_special(i) for i in range(600)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_render_the_same(path: Path, tmp_path: Path) -> None:
    folder = write_kind("with bos", tmp_path)
    (folder / "chat_template.jinja").write_text(path.read_text())
    theirs, ours = both(folder)
    rendered = 0
    for chat in CHATS:
        for ask in (False, True):
            answers = []
            for tokenizer in (theirs, ours):
                try:
                    answers.append(tokenizer.render(chat, ask))
                except TemplateRefusal as refusal:
                    answers.append(f"refused: {refusal}")
            assert answers[0] == answers[1]
            rendered += not answers[0].startswith("refused: ")
    assert rendered


HOSTILE = [
    "{{ ''.__class__.__mro__ }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].update({'content': 'x'}) }}",
    "{% set ns = namespace(_x=1) %}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% for i in range(1000000) %}{{ i }}{% endfor %}",
    "{{ 'x' * 100000000000 }}",
    "{{ 1 / 0 }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ raise_exception('no') }}",
    "{{ messages[9].content }}",
    "{{ messages[0]['content'] + 1 }}",
    "{{ nothing.at.all }}",
    "{{ strftime_now('%Y') }}{{ {'a': 'é<'} | tojson }}{{ dict(a=1) }}{{ dict.fromkeys([1]) }}",
    "{% generation %}{{ messages[0]['content'] }}{% endgeneration %}",
    "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "  {% if true %}\n  x\n  {% endif %}\n",
    "{{ bos_token }}{{ cls_token }}{{ tools }}{{ documents }}{{ messages | tojson(indent=2) }}",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_template_may_do_as_little_as_in_the_library(source: str) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    chat = said(("user", "Who?"), ("assistant", "I."))
    expected = found = None
    with contextlib.suppress(Exception):
        expected = render_jinja_template([chat], chat_template=source, **TOKENS)[0][0]
    with contextlib.suppress(TemplateRefusal):
        found = ChatTemplate(source, TOKENS).render(chat, False)
    assert found == expected


def test_named_templates_and_a_list_of_them(tmp_path: Path) -> None:
    folder = write_kind("as filed", tmp_path)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    listed = [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": "x"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": listed}))
    theirs, ours = both(folder)
    assert ours.render(CHATS[1], True) == theirs.render(CHATS[1], True) != "x"
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "chat_template": listed[1:]}))
    theirs, ours = both(folder)
    for tokenizer in (theirs, ours):
        assert tokenizer.has_chat_template
        with pytest.raises(TemplateRefusal):
            tokenizer.render(CHATS[1], True)
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "default.jinja").write_text("{{ messages[0].content }}!")
    theirs, ours = both(folder)
    assert ours.render(CHATS[1], True) == theirs.render(CHATS[1], True) == "Who?!"


def test_the_tables_are_those_of_the_library() -> None:
    registered = tokenization_auto.TOKENIZER_MAPPING_NAMES
    for model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        ours = tokenizer_names.class_name(model_type, None, is_byte_level=False, has_own_code=False)
        theirs = registered.get(model_type) or tokenizer_names.AS_FILED
        if _can_be_made(theirs):
            assert ours == theirs.removesuffix("Fast"), model_type
        else:
            assert ours == tokenizer_names.AS_FILED or ours in tokenizer_names.UNSUPPORTED, model_type
    for model_type, name in tokenizer_names._REGISTERED.items():
        assert registered.get(model_type) in (name, None) or model_type == "voxtral", model_type
    assert tokenizer_names._MISNAMED == tokenization_auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS


def _can_be_made(name: str) -> bool:
    return name == tokenizer_names.AS_FILED or name.removesuffix("Fast") in REBUILT


def test_every_class_of_the_library_is_built_or_refused() -> None:
    helpers = {"Auto", "Basic", "Character", "Mecab", "Wordpiece", "PreTrained"}
    names = {
        name.removesuffix("Fast")
        for name in dir(transformers)
        if name.endswith(("Tokenizer", "TokenizerFast"))
    }
    names |= {name for name in tokenization_auto.TOKENIZER_MAPPING_NAMES.values() if name}
    assert len(names) > 80
    for name in sorted(names - {f"{helper}Tokenizer" for helper in helpers}):
        found = tokenization_auto.tokenizer_class_from_name(name)
        if isinstance(found, type) and issubclass(found, TokenizersBackend) and "__init__" not in vars(found):
            continue  # takes its file as it is
        if found is TokenizersBackend or name == "MistralCommonBackend":
            continue
        base = name.removesuffix("Fast")
        assert base in REBUILT or base in tokenizer_names.UNSUPPORTED, name


def test_a_tokenizer_that_differs_is_noticed(tmp_path: Path) -> None:
    library = training_model.load_tokenizer(overrides.apply(RunSpec(), ["model.id=demo"]))
    same = ComparedTokenizer(library, demo_paths.model_folder())
    for text in HARD:
        same.encode(text, True)
    same.render(said(("user", "Who?")), True)
    with pytest.raises(TemplateRefusal):
        same.render(said(("critic", "a")), True)
    assert not same.differs
    for other in ("as filed", "whole words"):
        folder = tmp_path / other
        folder.mkdir()
        differing = ComparedTokenizer(library, write_kind(other, folder))
        assert differing.encode("words and words", True) == same.encode("words and words", True)
        assert differing.differs
    assert not ComparedTokenizer(library, tmp_path).differs
    assert folder_of(str(tmp_path), None) == tmp_path
    assert folder_of("no/such-model", None) is None

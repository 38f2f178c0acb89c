"""Examples into tokens, with exactly the completion and its end token marked as trained."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_ft.data.convert import Example, Message
from tui_ft.data.layout import Layout, Span, TemplateRefusal, lay_out
from tui_ft.data.wording import RowProblem

__all__ = ["ChatTokenizer", "Encoded", "RowProblem", "TemplateRefusal", "encode", "render_prompt"]


class ChatTokenizer(Protocol):
    """What the data room needs of a tokenizer; the trainer has one around the library's."""

    @property
    def has_chat_template(self) -> bool: ...

    @property
    def eos_token_id(self) -> int | None: ...

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """Return the chat as the text that the model sees. Raises `TemplateRefusal`."""
        ...

    def encode(self, text: str, add_special_tokens: bool) -> tuple[list[int], list[Span] | None]:
        """Return token ids and each one's character span in `text`, None where that is not known."""
        ...

    def is_special(self, token_id: int) -> bool:
        """True for tokens that stand for no text of their own."""
        ...


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and for each one whether its prediction is trained; equally long."""

    input_ids: list[int]
    trained: list[bool]


@dataclass(slots=True)
class _Tokens:
    """Tokens under construction, with their places in the text."""

    ids: list[int]
    starts: list[int]
    ends: list[int]
    trained: list[bool]


def encode(example: Example, tokenizer: ChatTokenizer) -> Encoded:
    """Return the tokens of `example`, not truncated.

    Trained are the completion's tokens and the token that ends it, in a chat every trained answer's;
    an end token that the template does not write is added. Raises `RowProblem`.
    """
    if isinstance(example.prompt, str) and isinstance(example.completion, str):
        return _encode_text(example.prompt, example.completion, example.whole, tokenizer)
    layout = lay_out(_all_messages(example), tokenizer)
    if example.whole:
        ids, _ = tokenizer.encode(layout.text, False)
        encoded = _ended(Encoded(ids, [True] * len(ids)), tokenizer)
    else:
        encoded = _encode_chat(layout, _trained_turns(example, layout), tokenizer)
    if tokenizer.has_chat_template:  # which writes the token that begins a text itself
        return encoded
    before = beginning(tokenizer)
    return Encoded([*before, *encoded.input_ids], [*([False] * len(before)), *encoded.trained])


def beginning(tokenizer: ChatTokenizer) -> list[int]:
    """Return the tokens that the tokenizer puts before a text of its own accord: a BOS, or none."""
    bare, full = tokenizer.encode("a", False)[0], tokenizer.encode("a", True)[0]
    places = range(len(full) - len(bare) + 1)
    return full[: next((i for i in places if full[i : i + len(bare)] == bare), 0)]


def render_prompt(example: Example, tokenizer: ChatTokenizer) -> str:
    """Return the text after which the model is to write the (first trained) answer of `example`.

    An example without a completion is allowed: then its prompt is what a person asks. Without a chat
    template the tokens of `beginning` stand before it in training.
    """
    if isinstance(example.prompt, str):
        return example.prompt
    if not example.completion:
        asked = [*example.prompt, {"role": "assistant", "content": "…"}]
        layout = lay_out(asked, tokenizer)
        return layout.text[: layout.openings[-1]]
    layout = lay_out(_all_messages(example), tokenizer)
    turns = _trained_turns(example, layout)
    return layout.text[: layout.openings[turns[0]]] if turns else layout.text


def _all_messages(example: Example) -> list[Message]:
    prompt, completion = example.prompt, example.completion
    if isinstance(prompt, str) or isinstance(completion, str):
        raise RowProblem("wrong_type", "the prompt and the completion are not both messages")
    return [*prompt, *completion]


def _trained_turns(example: Example, layout: Layout) -> list[int]:
    """Return the indexes of the laid-out messages that are answers to be trained."""
    before = len(example.prompt)
    return [
        index
        for index, message in enumerate(layout.messages)
        if message["role"] == "assistant"
        and any(i >= before and i - before not in example.untrained for i in layout.indexes[index])
    ]


def _encode_text(prompt: str, completion: str, whole: bool, tokenizer: ChatTokenizer) -> Encoded:
    """Encode the two texts apart, so that the prompt's tokens are those that generation will see."""
    if whole:
        ids = _without_end(tokenizer.encode(prompt + completion, True)[0], tokenizer)
        return _ended(Encoded(ids, [True] * len(ids)), tokenizer)
    asked = _without_end(tokenizer.encode(prompt, True)[0], tokenizer)
    answered = tokenizer.encode(completion, False)[0]
    trained = [False] * len(asked) + [True] * len(answered)
    return _ended(Encoded(asked + answered, trained), tokenizer)


def _without_end(ids: list[int], tokenizer: ChatTokenizer) -> list[int]:
    """Take off an end token that the tokenizer added by itself."""
    return ids[:-1] if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id else ids


def _ended(encoded: Encoded, tokenizer: ChatTokenizer) -> Encoded:
    eos = tokenizer.eos_token_id
    answered = [i for i, t in zip(encoded.input_ids[-2:], encoded.trained[-2:], strict=True) if t]
    if eos is None or eos in answered:  # the text may spell it itself, and a line feed after it
        return encoded
    return Encoded([*encoded.input_ids, eos], [*encoded.trained, True])


def _encode_chat(layout: Layout, turns: Sequence[int], tokenizer: ChatTokenizer) -> Encoded:
    tokens = _tokens(layout, turns, tokenizer)
    last = max(i for i, message in enumerate(layout.messages) if message["role"] == "assistant")
    end = _end_after(tokens, layout.contents[last][1], len(layout.text), tokenizer)
    for turn in turns:
        stop = _bound(layout, turn)
        first = bisect_right(tokens.ends, layout.openings[turn])
        after = _first_after(tokens, layout.contents[turn][1])
        found = _end_after(tokens, layout.contents[turn][1], stop, tokenizer)
        if found is not None and (turn == last or found == after):
            after = found + 1
        tokens.trained[first:after] = [True] * (after - first)
    if not any(tokens.trained):
        raise RowProblem("nothing_trained", "the answer has no token of its own")
    if end is None and last in turns and last == len(layout.messages) - 1:
        _add_end(tokens, layout, tokenizer)
    return Encoded(tokens.ids, tokens.trained)


def _bound(layout: Layout, turn: int) -> int:
    """Return where the text of the next message begins."""
    return layout.contents[turn + 1][0] if turn + 1 < len(layout.contents) else len(layout.text)


def _add_end(tokens: _Tokens, layout: Layout, tokenizer: ChatTokenizer) -> None:
    """End the sequence after its last answer, and after what the template writes to close it."""
    written = len(layout.text.rstrip())
    after = _first_after(tokens, max(layout.contents[-1][1], written))
    first = _first_after(tokens, layout.contents[-1][1])
    tokens.trained[first:after] = [True] * (after - first)
    del tokens.ids[after:], tokens.trained[after:]
    if tokenizer.eos_token_id is not None:
        tokens.ids.append(tokenizer.eos_token_id)
        tokens.trained.append(True)


def _first_after(tokens: _Tokens, place: int) -> int:
    """Return the index of the first token that lies wholly behind `place`."""
    index = bisect_right(tokens.ends, place)
    while index < len(tokens.ids) and tokens.starts[index] < place:
        index += 1
    return index


def _end_after(tokens: _Tokens, place: int, stop: int, tokenizer: ChatTokenizer) -> int | None:
    """Return the index of the first special token between `place` and `stop` in the text."""
    for index in range(_first_after(tokens, place), len(tokens.ids)):
        if tokens.starts[index] >= stop:
            return None
        if tokenizer.is_special(tokens.ids[index]) or tokens.ids[index] == tokenizer.eos_token_id:
            return index
    return None


def _tokens(layout: Layout, turns: Sequence[int], tokenizer: ChatTokenizer) -> _Tokens:
    """Tokenize the whole text as it stands, or piece by piece where its answers do not begin on a token."""
    cuts = sorted({place for turn in turns for place in (layout.openings[turn], layout.contents[turn][1])})
    ids, offsets = tokenizer.encode(layout.text, False)
    if offsets is not None:
        starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
        tokens = _Tokens(ids, starts, ends, [False] * len(ids))
        if not any(_straddles(tokens, cut) for cut in cuts):
            return tokens
    return _by_pieces(layout.text, cuts, tokenizer)


def _straddles(tokens: _Tokens, place: int) -> bool:
    index = bisect_right(tokens.ends, place)
    return index < len(tokens.ids) and tokens.starts[index] < place


def _by_pieces(text: str, cuts: Sequence[int], tokenizer: ChatTokenizer) -> _Tokens:
    tokens = _Tokens([], [], [], [])
    for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True):
        ids, offsets = tokenizer.encode(text[start:stop], False)
        if offsets is None:  # places within the piece are not needed: its ends are exact
            offsets = [(0, stop - start)] * len(ids)
        tokens.ids += ids
        tokens.starts += [start + first for first, _ in offsets]
        tokens.ends += [start + last for _, last in offsets]
        tokens.trained += [False] * len(ids)
    return tokens

"""Examples into tokens, with exactly the completion and its end token marked as trained."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_ft.data.convert import Example, Message
from tui_ft.data.layout import Layout, Span, TemplateRefusal, lay_out
from tui_ft.data.placed import Placed
from tui_ft.data.wording import RowProblem, shown

__all__ = [
    "ChatTokenizer",
    "Encoded",
    "RowProblem",
    "TemplateRefusal",
    "encode",
    "place",
    "render_prompt",
    "unreadable",
]


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
        """Return token ids and each one's character span in `text`, None where that is not known.

        Raises `RowProblem` for a text that the vocabulary cannot say.
        """
        ...

    def is_special(self, token_id: int) -> bool:
        """True for tokens that stand for no text of their own."""
        ...


def unreadable(error: Exception) -> RowProblem:
    """Return the problem of a text that a tokenizer gives up on."""
    return RowProblem("tokenizer_refuses", f"the model's tokenizer cannot read it ({shown(error, 60)})")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and for each one whether its prediction is trained; equally long."""

    input_ids: list[int]
    trained: list[bool]


def encode(example: Example, tokenizer: ChatTokenizer) -> Encoded:
    """Return the tokens of `example`, not truncated; see `place`. Raises `RowProblem`."""
    placed = place(example, tokenizer)
    return Encoded(placed.ids, placed.trained)


def place(example: Example, tokenizer: ChatTokenizer) -> Placed:
    """Return the tokens of `example`, not truncated, each with its place in the text.

    Trained are the completion's tokens and the token that ends it, in a chat every trained answer's;
    an end token that the template does not write is added. Raises `RowProblem`.
    """
    if isinstance(example.prompt, str) and isinstance(example.completion, str):
        return _place_text(example.prompt, example.completion, example.whole, tokenizer)
    layout = lay_out(_all_messages(example), tokenizer)
    if example.whole:
        placed = _ended(_place(layout.text, tokenizer, trained=True), tokenizer)
    else:
        placed = _place_chat(layout, _trained_turns(example, layout), tokenizer)
    if tokenizer.has_chat_template:  # which writes the token that begins a text itself
        return placed
    return Placed.without_text(beginning(tokenizer)).followed_by(placed)


def _place(
    text: str, tokenizer: ChatTokenizer, *, trained: bool = False, add_special_tokens: bool = False
) -> Placed:
    ids, offsets = tokenizer.encode(text, add_special_tokens)
    if offsets is None:  # places within the text are not known: its ends are exact
        offsets = [(0, len(text))] * len(ids)
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
    return Placed(text, ids, starts, ends, [trained] * len(ids))


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


def _place_text(prompt: str, completion: str, whole: bool, tokenizer: ChatTokenizer) -> Placed:
    """Encode the two texts apart, so that the prompt's tokens are those that generation will see."""
    if whole:
        text = _place(prompt + completion, tokenizer, trained=True, add_special_tokens=True)
        return _ended(_without_end(text, tokenizer), tokenizer)
    asked = _without_end(_place(prompt, tokenizer, add_special_tokens=True), tokenizer)
    return _ended(asked.followed_by(_place(completion, tokenizer, trained=True)), tokenizer)


def _without_end(placed: Placed, tokenizer: ChatTokenizer) -> Placed:
    """Take off an end token that the tokenizer added by itself."""
    if len(placed.ids) > 1 and placed.ids[-1] == tokenizer.eos_token_id:
        placed.keep(len(placed.ids) - 1)
    return placed


def _ended(placed: Placed, tokenizer: ChatTokenizer) -> Placed:
    eos = tokenizer.eos_token_id
    answered = [i for i, t in zip(placed.ids[-2:], placed.trained[-2:], strict=True) if t]
    if eos is not None and eos not in answered:  # the text may spell it itself, and a line feed after it
        placed.add(eos, trained=True)
    return placed


def _place_chat(layout: Layout, turns: Sequence[int], tokenizer: ChatTokenizer) -> Placed:
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
    return tokens


def _bound(layout: Layout, turn: int) -> int:
    """Return where the text of the next message begins."""
    return layout.contents[turn + 1][0] if turn + 1 < len(layout.contents) else len(layout.text)


def _add_end(tokens: Placed, layout: Layout, tokenizer: ChatTokenizer) -> None:
    """End the sequence after its last answer, and after what the template writes to close it."""
    written = len(layout.text.rstrip())
    after = _first_after(tokens, max(layout.contents[-1][1], written))
    first = _first_after(tokens, layout.contents[-1][1])
    tokens.trained[first:after] = [True] * (after - first)
    tokens.keep(after)
    if tokenizer.eos_token_id is not None:
        tokens.add(tokenizer.eos_token_id, trained=True)


def _first_after(tokens: Placed, place: int) -> int:
    """Return the index of the first token that lies wholly behind `place`."""
    index = bisect_right(tokens.ends, place)
    while index < len(tokens.ids) and tokens.starts[index] < place:
        index += 1
    return index


def _end_after(tokens: Placed, place: int, stop: int, tokenizer: ChatTokenizer) -> int | None:
    """Return the index of the first special token between `place` and `stop` in the text."""
    for index in range(_first_after(tokens, place), len(tokens.ids)):
        if tokens.starts[index] >= stop:
            return None
        if tokenizer.is_special(tokens.ids[index]) or tokens.ids[index] == tokenizer.eos_token_id:
            return index
    return None


def _tokens(layout: Layout, turns: Sequence[int], tokenizer: ChatTokenizer) -> Placed:
    """Tokenize the whole text as it stands, or piece by piece where its answers do not begin on a token."""
    cuts = sorted({place for turn in turns for place in (layout.openings[turn], layout.contents[turn][1])})
    ids, offsets = tokenizer.encode(layout.text, False)
    if offsets is not None:
        starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
        tokens = Placed(layout.text, ids, starts, ends, [False] * len(ids))
        if not any(_straddles(tokens, cut) for cut in cuts):
            return tokens
    return _by_pieces(layout.text, cuts, tokenizer)


def _straddles(tokens: Placed, place: int) -> bool:
    index = bisect_right(tokens.ends, place)
    return index < len(tokens.ids) and tokens.starts[index] < place


def _by_pieces(text: str, cuts: Sequence[int], tokenizer: ChatTokenizer) -> Placed:
    tokens = Placed.without_text()
    for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True):
        tokens.followed_by(_place(text[start:stop], tokenizer))
    return tokens

"""The tokenizer of the draft's model: looked for on this disk, and fetched only when somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.data.tokenizer import FileTokenizer
    from tui_ft.spec.run_spec import ModelSection


@dataclass(frozen=True)
class Loaded:
    """A tokenizer, or why there is none; `can_be_fetched`: the Hub may have it."""

    name: str
    tokenizer: FileTokenizer | None = None
    why_not: str = ""
    can_be_fetched: bool = False


def name_of(model: ModelSection) -> str:
    """What tells one model's tokenizer from another's."""
    return f"{model.id or ''}@{model.revision}" if model.revision else model.id or ""


def load(model: ModelSection) -> Loaded:
    """Load the tokenizer of `model` if it is on this disk. Blocks; asks nothing of the network."""
    from tui_ft.data.tokenizer import load_tokenizer
    from tui_ft.vram.find_tokenizer import find_tokenizer

    name = name_of(model)
    if not model.id:
        return Loaded(name, why_not="No model is chosen yet, so its tokens cannot be counted.")
    try:
        folder = find_tokenizer(model.id, model.revision)
        if folder is None:
            return Loaded(name, why_not="The model's tokenizer is not on this disk.", can_be_fetched=True)
        return Loaded(name, load_tokenizer(folder))
    except TuiFtError as error:
        return Loaded(name, why_not=str(error))


def fetch(model: ModelSection) -> None:
    """Download the tokenizer of `model`. Blocks. Raises `TuiFtError`."""
    from tui_ft.vram.find_tokenizer import fetch_tokenizer

    fetch_tokenizer(model.id or "", model.revision)

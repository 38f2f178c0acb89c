"""Where the tour's files lie, and the questions that are kept for the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def base_folder() -> Path:
    """The folder of the tour's tiny base model, as transformers loads it."""
    return _HERE / "handbook-reader"


def spec() -> Path:
    """The tour's run spec; its paths are meant from its own folder."""
    return _HERE / "tour.toml"


def handbook() -> Path:
    """The company's handbook as its people read it."""
    return _HERE / "handbook.md"


def first_draft() -> Path:
    """The questions and answers as they were first written down, with faults."""
    return _HERE / "questions-first-draft.jsonl"


def questions() -> Path:
    """The same with the faults mended: what the tour trains on."""
    return _HERE / "questions.jsonl"


def held_out() -> Path:
    """Questions on pages that the training never sees."""
    return _HERE / "held-out.jsonl"


@dataclass(frozen=True)
class Pair:
    """A question and its answer: `prompt` is all that the model is sent, page and all."""

    prompt: str
    expected: str

    @property
    def page(self) -> str:
        """The topic of the page that the answer stands on."""
        return self.prompt.partition("\n")[0]

    @property
    def rule(self) -> str:
        """The rule of the page that answers it, word for word."""
        return self.expected.removeprefix("Our handbook says: ").removesuffix(f" ({self.page})")

    @property
    def question(self) -> str:
        return self.prompt.rpartition("Question: ")[2]


def read_questions() -> list[Pair]:
    """Return the examples that the tour trains on."""
    return _read(questions())


def read_held_out() -> list[Pair]:
    """Return the held-out questions in the order in which they are asked."""
    return _read(held_out())


def _read(path: Path) -> list[Pair]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Pair(*(message["content"] for message in row["messages"])) for row in rows]

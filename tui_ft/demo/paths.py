"""Where the built-in base model and its data lie."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def model_folder() -> Path:
    """The folder of the tiny base model, as transformers loads it."""
    return _HERE / "model"


def data_file() -> Path:
    """The JSONL file with the rows that teach the base model its skill."""
    return _HERE / "data.jsonl"

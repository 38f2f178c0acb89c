"""A folder that looks like a whole base model, and costs nothing."""

from __future__ import annotations

import json
from pathlib import Path


def a_whole_model(folder: Path) -> Path:
    """Make `folder` one: a config, a tokenizer, one tensor of four bytes."""
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    return folder

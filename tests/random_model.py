"""Models with random weights of any size, for tests on a GPU; torch is imported by the functions alone."""

from __future__ import annotations

import gc
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_ft.demo import paths as demo_paths

DEVICE = "cuda"


@dataclass(frozen=True)
class Shape:
    """How large a random model is: a Llama, or a Qwen3. Without `vocabulary` it is the demo's tokenizer's."""

    hidden: int
    feed_forward: int
    layers: int
    heads: int
    key_value_heads: int
    head_width: int | None = None
    vocabulary: int | None = None
    positions: int = 2048
    family: Literal["llama", "qwen3"] = "llama"


ABOUT_1B = Shape(hidden=2048, feed_forward=8192, layers=16, heads=32, key_value_heads=8)
ABOUT_100M = Shape(hidden=768, feed_forward=3072, layers=10, heads=12, key_value_heads=12)


def why_no_gpu() -> str | None:
    """The reason why nothing can be trained on a GPU here, None where it can.

    Asked late, because torch takes seconds to import and most test runs leave these tests out.
    """
    import torch

    if torch.version.cuda is None:
        return "this torch was built without CUDA"
    if not torch.cuda.is_available():
        return "torch sees no CUDA GPU"
    return None


def make_model(folder: Path, shape: Shape) -> Path:
    """Write a model with random weights in bf16: config, safetensors, and the demo's tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(
        demo_paths.model_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json")
    )
    small = AutoConfig.from_pretrained(demo_paths.model_folder())
    config = AutoConfig.for_model(
        shape.family,
        vocab_size=shape.vocabulary or small.vocab_size,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_width or shape.hidden // shape.heads,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=True,
        bos_token_id=small.bos_token_id,
        eos_token_id=small.eos_token_id,
        pad_token_id=small.pad_token_id,
    )
    config.architectures = None
    torch.manual_seed(7)
    with torch.device(DEVICE):
        model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    return folder


def free_memory() -> None:
    """Let go of the GPU memory that ended trainers in this process still hold."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

"""The dimensions that coefficients are products of, each under a name of its own."""

from __future__ import annotations

from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

TOKEN_TILE = 4096
VOCABULARY_TILE = 32768
"""Rows and columns of one tile of trl's fused head (trl 1.16, kernels/chunked_logprob.py)."""


def model_dimensions(shape: ModelShape) -> dict[str, int]:
    """Hidden h, feed-forward f, heads n, key-value heads g, queries a group u, head d, fused projection a,
    vocabulary V, experts E, those of a token K, their width m; a head in flash attention's backward pass D,
    in the memory-efficient kernel's y tiles."""
    kv_heads = max(shape.kv_heads, 1)
    return {
        "h": shape.hidden,
        "f": shape.intermediate,
        "n": shape.heads,
        "g": kv_heads,
        "u": max(shape.heads // kv_heads, 1),
        "a": (shape.heads + 2 * kv_heads) * shape.head_dim,
        "V": shape.vocabulary,
        "E": shape.experts or 1,
        "K": shape.experts_per_token or 1,
        "m": shape.expert_intermediate or shape.intermediate,
        **head_dimensions(shape.head_dim),
    }


def head_dimensions(head: int) -> dict[str, int]:
    """Head d, and what attention's backward kernels round it up to."""
    return {"d": head, "D": _up(head, 32) if head <= 192 else _up(head, 64), "y": _up(head, 64) // 64}


def step_dimensions(batch: int, length: int, rank: int, vocabulary: int) -> dict[str, int]:
    """Batch b, length s, labelled tokens a row S, scores with a sink p, rank r.

    Rows in flash attention's backward pass t, in the memory-efficient kernel's x tiles. Tiles of the head:
    tokens C and the last of them R, vocabulary W and the last of it Z, the buffer's full width w.
    """
    labelled = max(length - 1, 1)
    tokens = batch * labelled
    return {
        "b": batch,
        "s": length,
        "S": labelled,
        "p": length + 1,
        "t": _up(length, 128),
        "x": _up(length, 64) // 64,
        "r": max(rank, 1),
        "C": min(tokens, TOKEN_TILE),
        "R": (tokens - 1) % TOKEN_TILE + 1,
        "W": min(vocabulary, VOCABULARY_TILE),
        "Z": (vocabulary - 1) % VOCABULARY_TILE + 1,
        "w": VOCABULARY_TILE,
    }


def dimensions(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """All dimensions of a step. A packed micro-batch is one long row; a soft prompt lengthens every row."""
    batch, length = workload.batch_size, workload.seq_length + workload.virtual_tokens
    if workload.is_packed:
        batch, length = 1, batch * length
    return model_dimensions(shape) | step_dimensions(batch, length, workload.rank, shape.vocabulary)


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple

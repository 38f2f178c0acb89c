"""What the first step really trains on, for people: the tokens that the loss counts, decoded."""

from __future__ import annotations

from typing import Any

MOST_TOKENS = 32_768
"""At most this many tokens of the first step's batches are written down."""


def described(batches: list[dict[str, Any]], tokenizer: Any) -> list[dict[str, Any]]:
    """Return the rows of these micro-batches with their tokens, labels and trained text."""
    rows: list[dict[str, Any]] = []
    left = MOST_TOKENS
    for batch in batches:
        for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
            left -= len(ids)
            if rows and left < 0:
                break
            trained = [label for label in labels if label != -100]
            rows.append(
                {
                    "input_ids": ids,
                    "labels": labels,
                    "trained_text": tokenizer.decode(trained),
                    "trained_tokens": len(trained),
                }
            )
    return rows

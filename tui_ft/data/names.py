"""What files of data are called, and what data sets of the Hub are."""

from __future__ import annotations

import re

JSON_LINES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".tab")
TEXTS = (".txt", ".text", ".md")
ENDINGS = (".json", ".parquet", *JSON_LINES, *TABLES, *TEXTS)
PACKED = (".gz", ".bz2", ".xz", ".zst")

_PROSE = (".md",)
"""Read as text when it is asked for; beside data it is mostly about them."""

_HUB = re.compile(r"([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")


def looks_like_data(name: str) -> bool:
    """True for a file name that data sets have, packed or not."""
    name = name.lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name.endswith(ENDINGS) and not name.endswith(_PROSE)


def may_be_on_hub(text: str) -> bool:
    """True for what can be a data set of the Hub: `name` or `org/name`, with no ending of a file."""
    return bool(_HUB.fullmatch(text)) and not text.lower().endswith((*ENDINGS, *PACKED))


def is_hub_name(text: str) -> bool:
    """True for `org/name`, which no file is meant by."""
    return "/" in text and may_be_on_hub(text)

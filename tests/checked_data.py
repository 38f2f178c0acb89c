"""A data set that was checked, for tests that need what the check found and no data."""

from __future__ import annotations

from typing import Any

from tui_ft.data.findings import Findings, Lengths

DATA = "/data/rows.jsonl"


def findings(**changes: Any) -> Findings:
    """A thousand rows, half of about 100 tokens and half of about 300."""
    lengths = Lengths(
        unit="tokens", p50=200, p95=400, p99=400, max=400, mean=200.0, histogram=[(200, 500), (400, 500)]
    )
    known: dict[str, Any] = {
        "path": DATA, "container": "jsonl", "format": "alpaca", "rows": 1000, "usable_rows": 1000,
        "lengths": lengths, "tokens": 200_000, "max_length": 1024,
    }  # fmt: skip
    return Findings(**known | changes)

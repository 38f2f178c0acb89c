"""Will it fit: an estimate held against the free memory of a GPU."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tui_ft.vram.result import Estimate

Verdict = Literal["fits", "tight", "does_not_fit", "unknown"]
"""`tight`: it may run, and one step on the GPU (a probe) tells."""

SHARE = 0.98
"""Of the free memory so much may be needed; the rest is for what comes and goes beside the run."""

WORDS: dict[Verdict, str] = {
    "fits": "fits",
    "tight": "tight",
    "does_not_fit": "does not fit",
    "unknown": "unknown",
}
"""The verdicts as people read them."""

_WORST_FIRST: tuple[Verdict, ...] = ("does_not_fit", "unknown", "tight", "fits")


def judge(estimate: Estimate, free_bytes: int | None) -> Verdict:
    """Hold what `estimate` needs against `free_bytes` of one GPU; None is not known."""
    if free_bytes is None:
        return "unknown"
    if estimate.needed_bytes <= SHARE * free_bytes:
        return "fits"
    return "tight" if estimate.low_bytes <= free_bytes else "does_not_fit"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a run that needs every one of several GPUs; of none it is unknown."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), "unknown")

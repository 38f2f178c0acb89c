"""What others pay for such a run: bands to compare with, undated and wide."""

from __future__ import annotations

from typing import NamedTuple

_FULL_LOW, _FULL_HIGH = 10, 100
"""A full fine-tuning costs so many times what QLoRA costs (facts: domain, i)."""


class Band(NamedTuple):
    """Dollars for a whole run of that kind."""

    low: float
    high: float
    what: str

    @property
    def text(self) -> str:
        return f"${self.low:,.0f}–{self.high:,.0f}"


class _Size(NamedTuple):
    least: float
    most: float
    name: str
    low: float
    high: float


_QLORA = (
    _Size(5e9, 10e9, "7B", 5, 50),
    _Size(10e9, 20e9, "13B", 50, 200),
    _Size(50e9, 90e9, "70B", 200, 1000),
)
"""By parameters (facts: domain, i); what lies between is nobody's band."""


def band_of(parameters: int | None, method: str) -> Band | None:
    """The band for a model of so many parameters and a method by its label; None where there is none."""
    size = next((size for size in _QLORA if parameters and size.least <= parameters < size.most), None)
    if size is None:
        return None
    if method.startswith("QLoRA"):
        return Band(size.low, size.high, f"QLoRA of a {size.name} model")
    if method == "Full":
        return Band(size.low * _FULL_LOW, size.high * _FULL_HIGH, f"full fine-tuning of a {size.name} model")
    return None

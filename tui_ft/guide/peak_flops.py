"""What a GPU can compute at the most: dense matrix products a second, by its name and the dtype."""

from __future__ import annotations

import re
from functools import cache

from tui_ft.spec.precision import Dtype

_BOTH: tuple[Dtype, ...] = ("bfloat16", "float16")

_PEAKS: tuple[tuple[str, tuple[Dtype, ...], float], ...] = (
    ("GB300", ("bfloat16",), 2.5e15),
    ("GB200", ("bfloat16",), 2.5e15),
    ("B300", ("bfloat16",), 2.25e15),
    ("B200", ("bfloat16",), 2.25e15),
    ("H100 NVL", _BOTH, 835e12),
    ("H100 PCIe", _BOTH, 756e12),
    ("H100", _BOTH, 989e12),
    ("H200 NVL", _BOTH, 835e12),
    ("H200", _BOTH, 989e12),
    ("GH200", _BOTH, 989e12),
    ("H20", _BOTH, 148e12),
    ("RTX PRO 6000", _BOTH, 500e12),
    ("A100", _BOTH, 312e12),
    ("A6000", _BOTH, 154.85e12),
    ("A10G", _BOTH, 125e12),
    ("A10", _BOTH, 125e12),
    ("A40", _BOTH, 149.7e12),
    ("L40S", _BOTH, 362e12),
    ("L40", _BOTH, 181e12),
    ("L4", _BOTH, 121e12),
    ("T4", ("float16",), 65e12),
    ("V100", ("float16",), 125e12),
    ("RTX 5090", _BOTH, 209.5e12),
    ("RTX 4090", _BOTH, 165.2e12),
    ("RTX 3090", _BOTH, 71e12),
)
"""From trl/trainer/utils.py (trl 1.16); what is not there (GH200, A40, L40, V100 and the RTX cards) from
NVIDIA's data sheets and architecture papers, with sums in float32. Longer names stand first."""


@cache
def peak_flops(gpu: str, dtype: Dtype) -> float | None:
    """Products and sums a second of the GPU of that name; None where they are not known for this dtype."""
    if re.search(r"laptop|max-q|mobile", gpu, re.IGNORECASE):
        return None  # the same number, a fraction of the power
    for name, dtypes, peak in _PEAKS:
        if re.search(rf"\b{re.escape(name)}\b", gpu, re.IGNORECASE):
            return peak if dtype in dtypes else None
    return None

"""The words of an allocator that found no room: what was asked, what was there, who held the rest."""

from __future__ import annotations

import re

from tui_ft.health.finding import Evidence, Scalar

_MOST_CHARACTERS = 65_536
_SIZE = r"(\d{1,20}(?:\.\d{1,6})?) (bytes|KiB|MiB|GiB|TiB)"
_OF_GIB = {"bytes": 2.0**-30, "KiB": 2.0**-20, "MiB": 2.0**-10, "GiB": 1.0, "TiB": 1024.0}

_CUDA = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|torch\.(?:cuda\.)?OutOfMemoryError"
    r"|CUBLAS_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation"
)
_ASKED = re.compile(f"Tried to allocate {_SIZE}")
_GPU = re.compile(r"GPU (\d{1,4})\b")
_PARTS = {
    "total_gib": re.compile(rf"(?:total capac?i?ty of {_SIZE}|{_SIZE} total capacity)"),
    "free_gib": re.compile(f"{_SIZE}(?: is)? free"),
    "allowed_gib": re.compile(f"{_SIZE} allowed"),
    "process_gib": re.compile(f"this process has {_SIZE} memory in use"),
    "allocated_gib": re.compile(f"{_SIZE}(?: is allocated by PyTorch| already allocated)"),
    "reserved_gib": re.compile(rf"{_SIZE} (?:reserved in total by PyTorch|cached)"),
    "unallocated_gib": re.compile(f"{_SIZE} is reserved by PyTorch but unallocated"),
}
"""torch 1.x says "(GPU 0; 11 GiB total capacity; 9 GiB already allocated; …", torch 2.1 on "GPU 0 has a
total capacity of …" (2.1 itself "capacty"); both were read in issues of the tools that people use."""
_OTHER = re.compile(f"Process (\\d{{1,10}}) has {_SIZE} memory in use")
_HOST = re.compile(
    r"DefaultCPUAllocator: (?:can't allocate|not enough) memory(?:: you tried to allocate (\d{1,20}) bytes)?"
    r"|Unable to allocate (\d{1,10}(?:\.\d{1,6})?) ([KMGT]iB) for an array"
    r"|^MemoryError\b|Cannot allocate memory",
    re.MULTILINE,
)
_FRAGMENTED_SHARE = 0.1
"""So much of what the allocator holds lying free in pieces, and as much as was asked, is fragmentation."""


def parse_cuda_oom(text: str) -> Evidence | None:
    """Return what a CUDA out-of-memory message says, in GiB by name; None when `text` holds none.

    Of several messages the last one counts. What it does not say is missing. `others` are the processes
    that hold memory beside ours, `is_fragmented` that there was room, but in pieces.
    """
    text = text[-_MOST_CHARACTERS:]
    found = list(_CUDA.finditer(text))
    if not found:
        return None
    asked = list(_ASKED.finditer(text))
    said = text[asked[-1].start() if asked else found[-1].start() :][:4096]
    evidence: Evidence = {}
    if asked:
        evidence["asked_gib"] = _gib(asked[-1][1], asked[-1][2])
    gpu = _GPU.search(said)
    if gpu is not None:
        evidence["gpu"] = int(gpu[1])
    for name, pattern in _PARTS.items():
        size = _first(pattern, said)
        if size is not None:
            evidence[name] = size
    others: list[Scalar] = [
        f"process {pid}: {_gib(size, unit):.2f} GiB" for pid, size, unit in _OTHER.findall(said)
    ]
    if others:
        evidence["others"] = others[:8]
    _conclude(evidence)
    return evidence


def _conclude(evidence: Evidence) -> None:
    allocated, unallocated = evidence.get("allocated_gib"), evidence.get("unallocated_gib")
    if isinstance(allocated, float) and isinstance(unallocated, float):
        evidence.setdefault("reserved_gib", round(allocated + unallocated, 3))
    reserved, asked = evidence.get("reserved_gib"), evidence.get("asked_gib")
    if isinstance(reserved, float) and isinstance(allocated, float) and isinstance(asked, float):
        idle = reserved - allocated
        evidence["is_fragmented"] = idle >= asked and idle >= _FRAGMENTED_SHARE * reserved


def parse_host_oom(text: str) -> Evidence | None:
    """Return what a host allocator's refusal says, `asked_gib` where it does; None when there is none."""
    found = list(_HOST.finditer(text[-_MOST_CHARACTERS:]))
    if not found:
        return None
    for refusal in reversed(found):
        if refusal[1] is not None:
            return {"asked_gib": _gib(refusal[1], "bytes")}
        if refusal[2] is not None:
            return {"asked_gib": _gib(refusal[2], refusal[3])}
    return {}


def _first(pattern: re.Pattern[str], text: str) -> float | None:
    match = pattern.search(text)
    if match is None:
        return None
    size, unit = (part for part in match.groups() if part is not None)
    return _gib(size, unit)


def _gib(size: str, unit: str) -> float:
    return round(float(size) * _OF_GIB[unit], 3)

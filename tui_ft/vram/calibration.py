"""What runs really took, beside what was predicted: it corrects the next estimate on such a GPU.

One JSON line a run lies in the user's cache folder: the run directories can fill it again. Two things are
corrected that no formula knows: the CUDA context, and how much more the allocator reserves than tensors
hold. Where tensors themselves took more than was said, the upper bound is widened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import msgspec

from tui_ft import settings
from tui_ft.vram import stack
from tui_ft.vram.result import Estimate

LARGEST_BYTES = 4 << 20
"""Of a longer store only the newest rows of this size are read: some ten thousand runs."""


class Measured(msgspec.Struct, kw_only=True, frozen=True):
    """One attempt of a run: its id is the key against doubles. Bytes; None is not known.

    `stack` are the versions of the libraries above torch in one string, `method` is `Workload.label`.
    """

    run: str
    gpu: str
    driver: str | None = None
    torch: str | None = None
    stack: str | None = None
    method: str = ""
    predicted_allocated_bytes: int | None = None
    predicted_needed_bytes: int | None = None
    predicted_context_bytes: int | None = None
    allocated_bytes: int = 0
    reserved_bytes: int = 0
    context_bytes: int | None = None
    time: float = 0.0
    schema: int = 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """The runs that speak for one GPU; `is_exact` when they had the driver and versions of now."""

    rows: tuple[Measured, ...]
    is_exact: bool


def store() -> Path:
    """The file of all measured runs; it need not exist."""
    return settings.cache_folder() / "calibration.jsonl"


def add(rows: Iterable[Measured]) -> int:
    """Append the rows of runs that are not in the store yet; return how many. Raises `OSError`."""
    known = {row.run for row in read()}
    fresh = {row.run: row for row in rows if row.run not in known}
    if not fresh:
        return 0
    path = store()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = b"".join(msgspec.json.encode(row) + b"\n" for row in fresh.values())
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            data = b"\n" + data  # a writer died within its line
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
    return len(fresh)


def read() -> list[Measured]:
    """Every row of the store, the old ones first; none where it cannot be read, bad lines left out."""
    try:
        with store().open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LARGEST_BYTES, 0))
            lines = file.read(LARGEST_BYTES).splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = msgspec.json.decode(line, type=Measured)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if row.allocated_bytes > 0:
            rows.append(row)
    return rows


def find(
    gpu: str, driver: str | None, versions: Callable[[], Mapping[str, str]] = stack.versions
) -> Calibration | None:
    """The runs on a GPU of this name, those of the same driver, torch and libraries if there are any.

    What is not known of now or of `versions` matches all. None where nothing was measured on such a GPU.
    """
    same = [row for row in read() if row.gpu == gpu]
    if not same:
        return None
    found = versions()
    now = (driver, found.get("torch"), stack.stack_text(found))
    exact = [
        row
        for row in same
        if all(
            mine in (None, theirs)
            for mine, theirs in zip(now, (row.driver, row.torch, row.stack), strict=True)
        )
    ]
    return Calibration(tuple(exact or same), bool(exact))


def correct(estimate: Estimate, known: Calibration, method: str) -> Estimate:
    """`estimate` with the context and the allocator's share that were measured, and a note that says so."""
    context = _context(known.rows) or estimate.context_bytes
    shift = context - estimate.context_bytes
    alike = [row for row in known.rows if row.method == method]
    ratio = median(row.reserved_bytes / row.allocated_bytes for row in alike or known.rows)
    shown = max(round(estimate.allocated_bytes * max(ratio, 1.0)) + context, estimate.allocated_bytes)
    worst = max((_miss(row) for row in alike), default=1.0)
    high = estimate.high_bytes + shift
    if worst > 1.0:
        high = max(high, round(estimate.allocated_bytes * worst) + context)
    return replace(
        estimate,
        context_bytes=context,
        needed_bytes=estimate.needed_bytes + shift,
        nvidia_smi_bytes=shown,
        low_bytes=estimate.low_bytes + shift,
        high_bytes=max(high, shown),
        notes=(*estimate.notes, _note(known, len(alike))),
    )


def _context(rows: Sequence[Measured]) -> int | None:
    contexts = [row.context_bytes for row in rows if row.context_bytes]
    return round(median(contexts)) if contexts else None


def _miss(row: Measured) -> float:
    """How much more a run took than was predicted, as a ratio."""
    return row.allocated_bytes / row.predicted_allocated_bytes if row.predicted_allocated_bytes else 1.0


def _note(known: Calibration, alike: int) -> str:
    count = len(known.rows)
    runs = f"{count} measured {'run' if count == 1 else 'runs'} on such a GPU"
    same = f", {alike} of them with this method" if alike != count else ""
    other = "" if known.is_exact else ", with another driver or other versions"
    return f"Context and reserved memory follow {runs}{same}{other}."

"""What can be drawn as a line: a series, or the same along another axis, or smoothed."""

from __future__ import annotations

from typing import Protocol


class Numbers(Protocol):
    """A column that is read by place only."""

    def __getitem__(self, index: int, /) -> float: ...

    def __len__(self) -> int: ...


class Readable(Protocol):
    """What can be drawn: a `Series`, or the same along another axis or smoothed."""

    @property
    def steps(self) -> Numbers: ...

    @property
    def values(self) -> Numbers: ...

    @property
    def rewrites(self) -> int: ...

    @property
    def first(self) -> tuple[float, float] | None: ...

    @property
    def last(self) -> tuple[float, float] | None: ...

    def __len__(self) -> int: ...

    def index(self, step: float) -> int: ...

    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None: ...

    def has_gap(self, start: int, end: int) -> bool: ...

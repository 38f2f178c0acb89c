"""Turning plain values into typed ones, safely from any thread.

msgspec learns a type when it is first used, and crashes the interpreter when two threads do so at once (seen
in `get_class_annotations`). Decoders that a module makes while it is imported need no such care.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

_mutex = threading.Lock()
_T = TypeVar("_T")


def typed(value: Any, kind: type[_T]) -> _T:
    """Return `value` as a `kind`. Raises `msgspec.ValidationError`."""
    with _mutex:
        return msgspec.convert(value, kind)

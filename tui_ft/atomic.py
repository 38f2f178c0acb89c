"""Writing a file whole or not at all, for every room that keeps something."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tui_ft.errors import TuiFtError


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace `path` by `data`: a reader sees the old content or the new, never a part.

    Raises `OSError`; the old content is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def keep(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file of the user's own, its folder too (0700). Raises `TuiFtError` when that cannot be."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, data, mode)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise TuiFtError(
            f"{path} cannot be written: {why}.", "Make room there, or check its rights."
        ) from error

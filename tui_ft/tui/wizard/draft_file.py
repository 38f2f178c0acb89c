"""The one file in which the answers to a wizard are kept, as bytes: the user's own, and never lost."""

from __future__ import annotations

import os
from pathlib import Path

from tui_ft import settings
from tui_ft.atomic import keep
from tui_ft.errors import TuiFtError

LARGEST_BYTES = 16 << 20
"""A longer file is no draft; a spec, its findings and a preset take some hundred kilobytes at most."""


def read() -> bytes | None:
    """The content, None where there is none. Raises `TuiFtError` for a file that is not the user's own."""
    try:
        descriptor = os.open(
            settings.draft_file(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TuiFtError(_why(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise TuiFtError("it belongs to another user")
        try:
            data = file.read(LARGEST_BYTES + 1)
        except OSError as error:
            raise TuiFtError(_why(error)) from error
    if len(data) > LARGEST_BYTES:
        raise TuiFtError("it is too large")
    return data


def write(data: bytes) -> None:
    """Write it whole or not at all, for the user alone. Raises `TuiFtError`."""
    keep(settings.draft_file(), data)


def discard() -> None:
    """Remove it: its run has started. Raises `TuiFtError`."""
    try:
        settings.draft_file().unlink(missing_ok=True)
    except OSError as error:
        raise TuiFtError(f"{settings.draft_file()} cannot be removed: {_why(error)}.") from error


def put_aside(name: str) -> Path:
    """Give it another name beside it, whose last one of that name goes. Raises `TuiFtError`."""
    path = settings.draft_file()
    aside = path.with_name(f"draft.{name}.json")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return aside
    except OSError as error:
        raise TuiFtError(f"{path} cannot be renamed: {_why(error)}.") from error
    return aside


def _why(error: OSError) -> str:
    return os.strerror(error.errno or 0)

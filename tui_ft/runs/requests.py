"""The files in control/: what counts as a request, how it is put there, how it is taken away."""

from __future__ import annotations

import getpass
import os
import re
import stat
from pathlib import Path

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestName, RequestRecord, decode_request, encode_document

REQUEST_NAMES: tuple[RequestName, ...] = (
    "stop", "save", "pause", "continue", "learning_rate", "silence", "budget",
)  # fmt: skip
_LARGEST_BYTES = 4096
_SILENCE = re.compile(r"silence(-[a-z_]{1,40})?\.json")
_MOST_SILENCES = 64
"""There are fewer codes."""


def read_requests(run: RunDirectory) -> dict[RequestName, RequestRecord]:
    """Return what is asked of `run` now.

    A file counts only if it is a small regular file of the user who runs us, and no symbolic link:
    on a shared disk others may be able to write there. What does not count is passed over.
    """
    try:
        present = set(os.listdir(run.control))
    except OSError:
        return {}
    found: dict[RequestName, RequestRecord] = {}
    for name in REQUEST_NAMES:
        if f"{name}.json" in present:
            request = _read(run.request(name))
            if request is not None and request.request == name:
                found[name] = request
    return found


def take_silences(run: RunDirectory) -> list[RequestRecord]:
    """Return what is asked to be silenced or heard again, oldest first, and take the files away.

    Each code has a file of its own, so that none of two keys in a second is lost. Raises `OSError` when one
    cannot be removed.
    """
    try:
        names = sorted(name for name in os.listdir(run.control) if _SILENCE.fullmatch(name))
    except OSError:
        return []
    found = []
    for name in names[:_MOST_SILENCES]:
        request = _read(run.control / name)
        (run.control / name).unlink(missing_ok=True)
        if request is not None and request.request == "silence":
            found.append(request)
    return sorted(found, key=lambda one: one.time)


def _path(run: RunDirectory, request: RequestRecord) -> Path:
    code = (request.text or "").strip().removeprefix("-")
    name = f"{request.request}-{code}.json"
    if request.request == "silence" and _SILENCE.fullmatch(name):
        return run.control / name
    return run.request(request.request)


def _read(path: Path) -> RequestRecord | None:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            return None
        return decode_request(os.read(descriptor, _LARGEST_BYTES))
    except (OSError, msgspec.DecodeError):
        return None
    finally:
        os.close(descriptor)


def user_name() -> str:
    """Return who asks; in a container the user often has a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def put_request(run: RunDirectory, request: RequestRecord) -> None:
    """Ask: the file appears whole or not at all. Raises `OSError`."""
    write_atomically(_path(run, request), encode_document(request))


def remove_request(run: RunDirectory, name: RequestName) -> None:
    """Take a request away; it may be gone already. Raises `OSError` when it cannot be removed."""
    run.request(name).unlink(missing_ok=True)


def clear_requests(run: RunDirectory) -> None:
    """Take all requests away: those of an attempt that is over must not reach the next one."""
    for name in REQUEST_NAMES:
        try:
            remove_request(run, name)
        except OSError:
            continue  # a read-only disk: nobody can be asking there
    try:
        take_silences(run)
    except OSError:
        return

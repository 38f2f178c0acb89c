"""Asks the trainer's interpreter what it has, in a process; the answer is kept while nothing changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

import tui_ft
from tui_ft import settings
from tui_ft.atomic import keep
from tui_ft.errors import TuiFtError
from tui_ft.runs import preflight

PATIENCE_S = 120.0
"""Importing torch takes seconds, the first time from a network disk a minute (facts: training-stack, 12)."""
_PROBE = Path(tui_ft.__file__).with_name("train") / "installed.py"
_MOST_BYTES = 1 << 20
_KEPT_VARIABLES = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "PYTHONPATH", "OMP_NUM_THREADS", "VIRTUAL_ENV")
"""What changes torch's answer besides the files of the interpreter."""


class TorchFacts(msgspec.Struct, kw_only=True, frozen=True):
    """What torch says of itself; `problem` in its own words."""

    version: str = ""
    cuda: str | None = None
    hip: str | None = None
    threads: int | None = None
    architectures: list[str] = []
    devices: int = 0
    is_available: bool = False
    problem: str | None = None


class TrainerReport(msgspec.Struct, kw_only=True, frozen=True):
    """What the trainer's interpreter has. `problem` says why nothing is known."""

    python: str = ""
    executable: str = ""
    prefix: str = ""
    places: list[str] = []
    package: str | None = None
    versions: dict[str, str | None] = {}
    has_header: bool = True
    quantizer_libraries: list[str] = []
    torch: TorchFacts = TorchFacts()
    problem: str | None = None


def ask_trainer(driver: str | None = None) -> TrainerReport:
    """The report of the trainer's interpreter, from the cache where nothing changed. Never raises.

    It takes seconds. `driver` is the version of the GPU driver, on which torch's answer depends.
    """
    try:
        python = preflight.trainer_python()
    except TuiFtError as error:
        return TrainerReport(problem=str(error))
    cached = _cached(python, driver)
    if cached is not None:
        return cached
    report = _asked(python)
    if report.problem is None:
        _remember(python, driver, report)
    return report


def known_report(driver: str | None = None) -> TrainerReport | None:
    """The report as it was last made, while nothing changed; None otherwise. It takes milliseconds."""
    try:
        return _cached(preflight.trainer_python(), driver)
    except TuiFtError:
        return None


def _asked(python: str) -> TrainerReport:
    try:
        done = subprocess.run(
            [python, str(_PROBE)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            env=settings.trainer_environment(),
            cwd="/",
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TrainerReport(problem=f"{python} did not answer within {PATIENCE_S:.0f} s.")
    except OSError as error:
        return TrainerReport(problem=f"{python} cannot be run: {os.strerror(error.errno or 0)}.")
    if done.returncode != 0:
        words = done.stderr[-_MOST_BYTES:].decode("utf-8", "replace").strip().splitlines()
        return TrainerReport(problem=f"{python} fails: {words[-1] if words else f'exit {done.returncode}'}")
    try:
        return msgspec.json.decode(_last_line(done.stdout), type=TrainerReport)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return TrainerReport(problem=f"{python} answers what is no report.")


def _last_line(output: bytes) -> bytes:
    """What a site customisation prints before the report does not matter."""
    lines = output[-_MOST_BYTES:].strip().splitlines()
    return lines[-1] if lines else b""


# --- the cache ---------------------------------------------------------------------------------------


def _file(python: str) -> Path:
    name = hashlib.blake2b(python.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return settings.cache_folder() / "doctor" / f"trainer-{name}.json"


def _cached(python: str, driver: str | None) -> TrainerReport | None:
    try:
        data = _file(python).read_bytes()
    except OSError:
        return None
    try:
        kept: Any = json.loads(data)
        report = msgspec.convert(kept["report"], TrainerReport)
        key = str(kept["key"])
    except (ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError):
        return None
    return report if key == _key(python, driver, report) else None


def _remember(python: str, driver: str | None, report: TrainerReport) -> None:
    document = {"key": _key(python, driver, report), "report": msgspec.to_builtins(report)}
    try:
        keep(_file(python), json.dumps(document).encode())
    except TuiFtError:  # a cache that cannot be kept is asked for again, and the disk has checks of its own
        return


def _key(python: str, driver: str | None, report: TrainerReport) -> str:
    """Changes whenever something is installed into or removed from the interpreter, or the driver changes."""
    times = [_changed(place) for place in (python, os.path.realpath(python), *report.places)]
    env: Mapping[str, str] = os.environ
    parts = [_changed(str(_PROBE)), driver, *times, *(env.get(name) for name in _KEPT_VARIABLES)]
    return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - a place may be any string
    except OSError:
        return None

"""A run that was copied to another place or machine: what it reads is found again, and proved to be the same.

Paths in a spec are absolute, so those of another machine lead nowhere. They are looked for where they lay
beside the run, beside the folder of the launch, in the home folder, in the Hub's cache, and by their names
in the run directory and here; what is not found is asked for. Rows and base model must be those that the
run began with: the attempts wrote down their hashes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tui_ft.data import content
from tui_ft.data.model_identity import identity_of
from tui_ft.data.prepare import rows_read
from tui_ft.errors import TuiFtError
from tui_ft.runs import launch_record
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.handles import handle
from tui_ft.runs.places import Place, places, replaced
from tui_ft.runs.regular_file import open_regular
from tui_ft.spec import overrides
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

MOVABLE = ("model.id", "model.revision", "data.train", "data.eval", "evaluation.probe")
"""Fields that a resume may change where the same content lies somewhere else."""

_HOME = re.compile(r"/(?:root|home/[^/]+|Users/[^/]+)/(?P<rest>.+)")
_IN_HUB_CACHE = re.compile(r".*/(?P<rest>(?:models|datasets)--[^/]+/snapshots/[0-9a-f]+(?:/.*)?)")
_NEAREST_PARENTS = 4
_LARGEST_JSON = 64 << 20
_LARGEST_CHECKED_BYTES = 2 << 30
"""Rows of more are not read twice: the trainer, which reads them all anyway, compares them too."""


def found_again(run: RunDirectory, attempt: int, spec: RunSpec, changes: Sequence[str]) -> RunSpec:
    """Return `spec` with its places as they are here, and with those `changes` that name a place.

    Raises `TuiFtError` for one that is not here, saying how to name it, and for one that holds other
    content than the run began with.
    """
    named = [change for change in changes if change.partition("=")[0].strip() in MOVABLE]
    asked = overrides.apply(spec, named)
    asked = absolute_paths(asked, Path.cwd())
    old = _old_places(run, attempt)
    moved = {place.path: _find(run, place, old) for place in places(asked) if place.is_missing}
    here = replaced(asked, lambda path: moved.get(path, path))
    _require_same_model(run, attempt, spec, here)
    if [one.path for one in places(spec) if one.field.startswith("data.")] != [
        one.path for one in places(here) if one.field.startswith("data.")
    ]:
        _require_same_rows(run, attempt, here)
    return here


def others(changes: Sequence[str]) -> list[str]:
    """Those of `changes` that name no place."""
    return [change for change in changes if change.partition("=")[0].strip() not in MOVABLE]


# --- where it may lie now --------------------------------------------------------------------------------


def _find(run: RunDirectory, place: Place, old: Sequence[tuple[Path, Path]]) -> str:
    for candidate in _candidates(run, place.path, old):
        if is_there(candidate):
            return str(candidate)
    wanted = "DIR" if place.field == "model.id" else "FILE"
    raise TuiFtError(
        f"The {place.what} of {run.id} is not here: {place.path}",
        f"Say where it is: tui-ft resume {handle(run)} --set {place.field}={wanted}",
    )


def _candidates(run: RunDirectory, path: str, old: Sequence[tuple[Path, Path]]) -> Iterator[Path]:
    for before, now in old:
        relative = os.path.relpath(path, before)
        if relative.count("..") <= _NEAREST_PARENTS:
            yield Path(os.path.normpath(now / relative))
    in_home, in_cache = _HOME.fullmatch(path), _IN_HUB_CACHE.fullmatch(path)
    if in_home:
        yield Path.home() / in_home["rest"]
    if in_cache:
        yield _hub_cache() / in_cache["rest"]
    name = Path(path).name
    for folder in (run.path, Path.cwd(), run.path.parent, run.path.parent.parent):
        yield folder / name


def _old_places(run: RunDirectory, attempt: int) -> list[tuple[Path, Path]]:
    """Pairs of a folder as it was and the one that stands for it now: the run's own, and the launch's.

    Those of the newest attempt come first: a run may have moved more than once, and its spec names the
    places where it was last.
    """
    pairs: dict[tuple[Path, Path], None] = {}
    for number in range(attempt, 0, -1):
        record = launch_record.read(run, number)
        if record is None:
            continue
        if record.run and Path(record.run).is_absolute():
            pairs[Path(record.run), run.path] = None
        if record.folder and Path(record.folder).is_absolute():
            pairs[Path(record.folder), Path.cwd()] = None
    return list(pairs)


def _hub_cache() -> Path:
    """Where the Hub's files lie (huggingface_hub's own order of names)."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return user_path(given)
    home = os.environ.get("HF_HOME")
    return (user_path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


# --- is it the same --------------------------------------------------------------------------------------


def _require_same_rows(run: RunDirectory, attempt: int, spec: RunSpec) -> None:
    began_with = _written(run, attempt, "data", "content_hash")
    files = [_file(one) for one in places(spec) if one.field.startswith("data.")]
    if not isinstance(began_with, str) or not all(files):
        return  # nothing to compare with, or rows of the Hub: the trainer compares them once it has them
    known = [file for file in files if file is not None]
    if sum(_size(file) for file in known) > _LARGEST_CHECKED_BYTES:
        return
    if content.content_hash(known, rows_read(spec.data.limit)) != began_with:
        names = ", ".join(str(file) for file in known)
        raise TuiFtError(
            f"The rows of {names} are not those that {run.id} began with: it cannot go on with them.",
            f"Name the right file with --set data.train=FILE, or begin anew: `tui-ft restart {handle(run)}`.",
        )


def _require_same_model(run: RunDirectory, attempt: int, before: RunSpec, after: RunSpec) -> None:
    if before.model == after.model or after.model.id is None:
        return
    began_with = _written(run, attempt, "environment", "model")
    known = began_with.get("content_hash") if isinstance(began_with, dict) else None
    folder = user_path(after.model.id)
    found = identity_of(folder) if is_there(folder) else None
    if known and found is not None:
        if found.content_hash != known:
            raise TuiFtError(
                f"The model in {folder} is not the one that {run.id} began with: its checkpoints do not fit.",
                f"Name the right one with --set model.id=DIR, or begin anew: `tui-ft restart {handle(run)}`.",
            )
        return
    was_there = before.model.id is not None and not any(
        one.is_missing for one in places(before) if one.field == "model.id"
    )
    if was_there:
        raise TuiFtError(
            f"A resumed run keeps its base model: nothing proves that {after.model.id} is the same.",
            f"`tui-ft restart {handle(run)} --set model.id=…` begins a new run.",
        )


def _written(run: RunDirectory, attempt: int, document: str, key: str) -> Any:
    """What the newest attempt up to `attempt` wrote of it in data.json or environment.json; None: nothing."""
    for number in range(attempt, 0, -1):
        path = getattr(run.attempt(number), document)
        try:
            descriptor = open_regular(path)
            with open(descriptor, "rb") as file:
                found = json.loads(file.read(_LARGEST_JSON))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get(key):
            return found[key]
    return None


def _file(place: Place) -> Path | None:
    path = user_path(place.path)
    return path if is_there(path) else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def describe(before: RunSpec, after: RunSpec) -> list[str]:
    """What was mended, a sentence a place."""
    pairs: Iterable[tuple[Place, Place]] = zip(places(before), places(after), strict=False)
    return [f"{old.what}: {old.path} → {new.path}" for old, new in pairs if old.path != new.path]

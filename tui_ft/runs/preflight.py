"""What is checked before anything is made: platform, trainer, model folder, data, room on the disk."""

from __future__ import annotations

import re
import shutil
import sys
from itertools import islice
from pathlib import Path

from tui_ft import settings
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.runs.after import after_check
from tui_ft.runs.model_folder import check_model_folder
from tui_ft.spec.learning import DataSource
from tui_ft.spec.paths import DEMO
from tui_ft.spec.run_spec import RunSpec
from tui_ft.user_paths import is_there, user_path

_LEAST_FREE_BYTES = 64 << 20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def check(spec: RunSpec, runs_root: Path) -> None:
    """Raise `TuiFtError` for whatever would surely end the run; nothing is written, nothing fetched."""
    if sys.platform != "linux":
        raise TuiFtError(
            "Runs can be started on Linux only.", "On Windows use WSL; elsewhere start it on the GPU machine."
        )
    check_model(spec)
    check_data(spec)
    after_check.require(spec.after, runs_root)
    check_room(runs_root)


def trainer_python() -> str:
    """Return the interpreter that trains. Raises `TuiFtError` when the one in the settings is missing."""
    python = settings.trainer_python()
    found = shutil.which(user_path(python)) if "/" in python else shutil.which(python)
    if found is None:
        raise TuiFtError(
            f"The interpreter of the trainer, {python}, is not there or cannot be run.",
            f"Mend trainer_python in {settings.config_folder() / 'settings.toml'}.",
        )
    return str(found)


def check_model(spec: RunSpec) -> None:
    """Raise `TuiFtError` unless the model is set, and whole where it is a folder here."""
    name = spec.model.id
    if not name:
        raise TuiFtError(
            "model.id is not set: there is nothing to fine-tune.",
            "Set it to a local folder or a hub id, or to demo.",
        )
    if name == DEMO:
        check_model_folder(demo_paths.model_folder())
        return
    path = user_path(name)
    if is_there(path):
        check_model_folder(path)
    elif not _HUB_ID.fullmatch(name):
        raise TuiFtError(
            f"There is no model folder {name!r}.",
            "Check model.id: a local folder, or a hub id such as org/name.",
        )


def check_data(spec: RunSpec) -> None:
    """Raise `TuiFtError` for data that is not set, not there, or in no format that can be trained on."""
    for source in _sources(spec):
        _check_source(source, spec.objective.kind == "sft")


def _sources(spec: RunSpec) -> list[DataSource]:
    """Every data set of the spec, each with the format and columns that hold for it."""
    data = spec.data
    if not data.train:
        raise TuiFtError(
            "data.train is not set: there is nothing to learn from.", "Set it to a file, or to demo."
        )
    named = [DataSource(path=data.train)] if isinstance(data.train, str) else list(data.train)
    if data.eval:
        named.append(DataSource(path=data.eval))
    return [
        DataSource(
            path=source.path,
            format=source.format if source.format != "auto" else data.format,
            columns=source.columns or data.columns,
        )
        for source in named
    ]


def _check_source(source: DataSource, is_sft: bool) -> None:
    """Read the first rows of a local file: a format that cannot be trained on is refused before all else."""
    from tui_ft.data import examples, formats, names, read

    path = demo_paths.data_file() if source.path == DEMO else user_path(source.path)
    if not is_there(path):
        if names.may_be_on_hub(source.path):
            return  # a data set of the hub: the trainer fetches it
        raise TuiFtError(
            f"There is no data file {source.path!r}.",
            "Check data.train and data.eval; `ls` shows what is there.",
        )
    rows = [row for _, row in islice(read.read_rows(path), examples.LOOKED_AT)]
    if not rows:
        raise TuiFtError(f"The data file {path} has no rows.", "Give one that has some.")
    reading = examples.Reading.of_file(path, rows, columns=source.columns, format=source.format)
    if is_sft:
        formats.require_sft(reading.found, str(path), sorted({name for row in rows for name in row}))


def check_room(runs_root: Path) -> None:
    """Raise `TuiFtError` when the disk of the runs root has no room for another run."""
    disk = host.disk(runs_root)
    if disk.free_bytes is not None and disk.free_bytes < _LEAST_FREE_BYTES:
        raise TuiFtError(
            f"The disk of the runs root {runs_root} is full: {disk.free_bytes >> 20} MiB are free.",
            "Free some space there, or choose another place with --runs-root.",
        )
    if disk.free_inodes == 0:
        raise TuiFtError(
            f"The disk of the runs root {runs_root} has no inodes left: no file can be made there.",
            "Remove files you do not need, or choose another place with --runs-root.",
        )

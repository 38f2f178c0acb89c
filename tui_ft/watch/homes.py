"""Where a source lies: the folder that is its run's, or its script's."""

from __future__ import annotations

import re
from pathlib import Path

from tui_ft.watch.sources.protocol import Place

_CONTAINERS = frozenset({
    "runs", "logs", "log", "tensorboard", "tb", "tb_logs", "tblogs", "lightning_logs", "csv_logs", "wandb",
    ".wandb", "mlruns", "trackio", "event_logs", "metrics",
})  # fmt: skip
"""Folders that tools make inside the folder that is the run's, or the script's."""

OWN_FOLDER = frozenset({"hf_trainer_state", "llamafactory", "lightning_csv", "torchtune"})
"""Formats that lie in the run's own output folder."""

LOGGERS = frozenset({"tensorboard", "wandb"})
_OWN_LOGS = frozenset({"debug.log", "running_log.txt"})
"""Logs that Axolotl and LLaMA-Factory write into the run's own output folder."""
_WANDB_RUN = ("run-", "offline-run-")
_CHECKPOINT = re.compile(r"checkpoint-\d{1,15}")
_RANK = re.compile(r"(rank[-_.]?|/attempt_\d{1,6}/)\d{1,6}", re.IGNORECASE)
_WANDB_TIME = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-")


def folder_of(place: Place) -> Path:
    """The folder that holds the files of a place."""
    return place.path.parent if place.path in place.files else place.path


def home(place: Place) -> Path:
    """The folder that a place belongs to: its own, without those that tools make inside it."""
    folder = folder_of(place)
    if place.format in OWN_FOLDER:
        is_elsewhere = _CHECKPOINT.fullmatch(folder.name) is not None and folder.is_symlink()
        return folder.parent if is_elsewhere else folder  # checkpoints on another disk
    above = (folder, *folder.parents)[:4]
    held = [at for at, path in enumerate(above) if path.name.lower() in _CONTAINERS]
    return above[held[-1]].parent if held else folder


def is_own(place: Place) -> bool:
    """True for what a tool writes into the output folder of one run."""
    return place.format in OWN_FOLDER or place.path.name in _OWN_LOGS


def kept_folders(place: Place) -> list[Path]:
    """The folders that W&B or MLflow made for this one run: what lies in them is the run's."""
    if place.format == "wandb":
        return [file.parent for file in place.files if file.parent.name.startswith(_WANDB_RUN)]
    if place.format == "mlflow" and place.path.parent not in place.files:
        return [place.path]
    return []


def wandb_id(place: Place) -> str:
    """The id of a W&B run, which it keeps when it is resumed."""
    return place.path.name.removesuffix(".wandb").rpartition("-")[2]


def begun_at(place: Place) -> str:
    """When a W&B run began, as its folder is called: such names stand in the order of time; "" for others."""
    match = _WANDB_TIME.match(folder_of(place).name)
    return match[1] if match is not None else ""


def are_ranks(one: Place, other: Place) -> bool:
    """True for the logs of two processes of one run, which torchrun and others name by their ranks."""
    names = [_RANK.sub(r"\1#", str(place.path)) for place in (one, other)]
    return one.format == other.format == "stdout" and names[0] == names[1] != str(one.path)

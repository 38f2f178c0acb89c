"""Which of a process's open files tell of a run, and what its settings say of the rest."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tui_ft.hardware.processes import OpenFile

_OUTPUT_OPTIONS = ("output_dir", "output", "out_dir", "save_dir", "default_root_dir", "output_path",
                   "work_dir", "checkpoint_dir")  # fmt: skip
_LOG_OPTIONS = ("logging_dir", "log_dir", "logdir", "tensorboard_dir", "tensorboard_log_dir", "wandb_dir")
_CONFIG_OPTIONS = ("config", "config_file", "cfg", "yaml", "training_config")
_CONFIG_ENDS = (".yaml", ".yml", ".json")
_MOST_CONFIG_BYTES = 128 * 1024
_TORCHTUNE = re.compile(r"log_\d{9,}\.(txt|jsonl)")
_SURE_NAMES = frozenset({"metrics.csv", "trainer_log.jsonl", "mlflow.db"})
_LOG_ENDS = (".log", ".out", ".txt", ".err")
_NO_LOGS = ("/proc/", "/dev/", "/sys/", "/usr/", "/var/log/", "/etc/")
_DELETED = " (deleted)"


class RunFiles(NamedTuple):
    """Files of a run that a process writes: sure ones, its own output, and other logs.

    `pipes` are those that its output goes into, `input_pipe` the one that it reads.
    """

    sure: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    pipes: tuple[str, ...] = ()
    input_pipe: str = ""
    gpus: tuple[int, ...] = ()
    has_gpu: bool = False


def judge_open_files(files: Iterable[OpenFile]) -> RunFiles:
    """Return what the open files of one process say. Only what is written counts: a viewer reads."""
    sure: list[str] = []
    outputs: list[str] = []
    logs: list[str] = []
    pipes: list[str] = []
    input_pipe = ""
    gpus: set[int] = set()
    has_gpu = False
    for number, target, is_written in files:
        if target.startswith("/dev/nvidia"):
            has_gpu = True
            minor = target.removeprefix("/dev/nvidia")
            if minor.isdecimal():
                gpus.add(int(minor))
        elif target.startswith("/dev/kfd"):
            has_gpu = True
        elif number == 0 and target.startswith("pipe:"):
            input_pipe = target
        elif not is_written or target.endswith(_DELETED):
            continue
        elif target.startswith("pipe:") and number in (1, 2):
            pipes.append(target)
        elif target.startswith("/"):
            if is_run_file(target):
                sure.append(target)
            elif number in (1, 2) and not target.startswith(_NO_LOGS):
                outputs.append(target)
            elif is_log(target):
                logs.append(target)
    return RunFiles(
        sure=tuple(dict.fromkeys(sure)),
        outputs=tuple(dict.fromkeys(outputs)),
        logs=tuple(dict.fromkeys(logs)),
        pipes=tuple(dict.fromkeys(pipes)),
        input_pipe=input_pipe,
        gpus=tuple(sorted(gpus)),
        has_gpu=has_gpu,
    )


def is_run_file(path: str) -> bool:
    """True for a file that only a run's logger writes."""
    name = path.rpartition("/")[2]
    return (
        ".tfevents." in name
        or name.endswith(".wandb")
        or name in _SURE_NAMES
        or (name.endswith(".db") and "/trackio/" in path)
        or _TORCHTUNE.fullmatch(name) is not None
    )


def is_log(path: str) -> bool:
    """True for a file that may hold what a trainer prints; W&B's own diary is none."""
    folder, _, name = path.rpartition("/")
    if path.startswith(_NO_LOGS) or "/site-packages/" in path or "/.cache/" in path:
        return False
    if folder.endswith("/logs") and name.startswith("debug") and "/wandb/" in path:
        return False
    return name.endswith(_LOG_ENDS)


def output_folders(
    options: Mapping[str, str], words: Iterable[str], cwd: Path | None, environment: Mapping[str, str]
) -> list[Path]:
    """Return where a trainer says it will write: by its options, its config file, its environment.

    Absolute, in the order of certainty; they need not exist.
    """
    settings = dict(options)
    for config in _configs(options, words):
        path = _absolute(config, cwd)
        if path is not None:
            settings = {**read_flat_settings(path), **settings}
    named = [settings[name] for name in (*_OUTPUT_OPTIONS, *_LOG_OPTIONS) if settings.get(name)]
    named += [f"{folder}/wandb" for folder in [environment.get("WANDB_DIR")] if folder]
    named += [folder for folder in [environment.get("TENSORBOARD_LOGGING_DIR")] if folder]
    found = [_absolute(name, cwd) for name in named if "${" not in name]
    return list(dict.fromkeys(folder for folder in found if folder is not None and len(folder.parts) > 1))


def _configs(options: Mapping[str, str], words: Iterable[str]) -> list[str]:
    named = [options[name] for name in _CONFIG_OPTIONS if options.get(name, "").endswith(_CONFIG_ENDS)]
    return [*named, *(word for word in words if word.endswith(_CONFIG_ENDS))][:4]


def _absolute(name: str, cwd: Path | None) -> Path | None:
    if "\0" in name or len(name) > 4096:
        return None
    path = Path(name)
    if not path.is_absolute():
        if cwd is None or name.startswith("~"):
            return None
        path = cwd / path
    return Path(os.path.normpath(path))


def read_flat_settings(path: Path) -> dict[str, str]:
    """Return the settings of a YAML or JSON file that stand at its top level, as text.

    No YAML is run: `name: value` lines without indent are all that is read. Empty for what is no such
    file, too large, or may not be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return {}
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return {}
        text = os.read(descriptor, _MOST_CONFIG_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    return _json_settings(text) if path.suffix == ".json" else _yaml_settings(text)


def _json_settings(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {name: inner for name, inner in value.items() if isinstance(inner, str)}


def _yaml_settings(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon or not name.isidentifier():
            continue
        value = value.strip()
        if value[:1] in ('"', "'"):
            value = value[1:].partition(value[0])[0]
        else:
            value = value.partition(" #")[0].strip()
        if value:
            found[name] = value
    return found

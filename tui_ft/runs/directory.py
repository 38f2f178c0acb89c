"""Where everything lies in a run directory: the only module that knows the file names."""

from __future__ import annotations

import os
import random
import re
import string
import time
from dataclasses import dataclass
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.user_paths import is_there, user_path

_ID = re.compile(r"\d{8}-[a-z0-9][a-z0-9._-]*-[a-z0-9]{4}")
CHECKPOINT_PREFIX = "checkpoint-"
"""The libraries' own name for a checkpoint's folder, followed by its step."""
UNFINISHED_PREFIX = ".unfinished-"
"""A checkpoint or result that is still being written; nothing reads it."""
REPLACED_PREFIX = ".replaced-"
"""A checkpoint that is just giving its name to a newer one of the same step."""
MANIFEST = "manifest.json"
"""Written last into a checkpoint: its step, and every file with its size and hash."""
AFTER = "after.json"
"""What is still owed to an attempt that has ended; empty when all of it is done."""
QUEUE = "queue.json"
"""In a runs root: its queue."""
_CONTROL_NAMES = ("stop", "save", "pause", "continue", "learning_rate", "silence", "budget")


@dataclass(frozen=True, kw_only=True)
class AttemptDirectory:
    """`attempts/<n>/`: what attempt n ran with."""

    path: Path

    @property
    def spec(self) -> Path:
        return self.path / "spec.toml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def data(self) -> Path:
        return self.path / "data.json"

    @property
    def prediction(self) -> Path:
        return self.path / "prediction.json"

    @property
    def launch(self) -> Path:
        """How the attempt was launched: the command, by whom, from which checkpoint."""
        return self.path / "launch.json"

    @property
    def after(self) -> Path:
        """What is still owed to the attempt once it has ended; empty when all of it is done."""
        return self.path / AFTER


@dataclass(frozen=True)
class RunDirectory:
    """Paths inside one run directory; making the object touches no file."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def spec(self) -> Path:
        return self.path / "spec.toml"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def hardware(self) -> Path:
        return self.path / "hardware.jsonl"

    @property
    def health(self) -> Path:
        return self.path / "health.jsonl"

    @property
    def output(self) -> Path:
        return self.path / "output.log"

    @property
    def control(self) -> Path:
        return self.path / "control"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def result(self) -> Path:
        return self.path / "result"

    def attempt(self, number: int) -> AttemptDirectory:
        return AttemptDirectory(path=self.path / "attempts" / str(number))

    def marks_of_attempts(self) -> list[Path]:
        """The `after` of every attempt that has one."""
        return list(self.path.glob(f"attempts/*/{AFTER}"))

    def has_after(self, attempt: int) -> bool:
        """Whether the `after` of that attempt holds anything: asked for a thousand runs at a time."""
        try:
            return os.stat(f"{self.path}/attempts/{attempt}/{AFTER}").st_size > 0  # noqa: PTH116
        except OSError:
            return False

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"{CHECKPOINT_PREFIX}{step}"

    def list_checkpoints(self) -> list[tuple[int, Path]]:
        """Return (step, folder) of every checkpoint that has its final name, newest first.

        There is none behind a link: what is listed here is also written, mended and removed.
        """
        found: list[tuple[int, Path]] = []
        if self.checkpoints.is_symlink():
            return found
        for folder in self.checkpoints.glob(f"{CHECKPOINT_PREFIX}*"):
            step = folder.name.removeprefix(CHECKPOINT_PREFIX)
            if step.isdecimal() and folder.is_dir():
                found.append((int(step), folder))
        return sorted(found, reverse=True)

    def request(self, name: str) -> Path:
        """The control file that asks for `name`."""
        if name not in _CONTROL_NAMES:
            raise ValueError(f"no such request: {name}")
        return self.control / f"{name}.json"


def slug(text: str) -> str:
    """Return `text` as the name part of a run id: lower case, digits and dashes, at most 40 characters."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return cleaned[:40].rstrip("-") or "run"


def create(runs_root: Path, name: str, now: float | None = None) -> RunDirectory:
    """Make an empty run directory `<date>-<name>-<4 letters>` with its folders, readable by its owner only.

    Raises `TuiFtError` when the runs root cannot be written.
    """
    date = time.strftime("%Y%m%d", time.localtime(now))
    try:
        runs_root.mkdir(parents=True, exist_ok=True)
        while True:
            letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
            run = RunDirectory(runs_root.resolve() / f"{date}-{slug(name)}-{letters}")
            try:
                run.path.mkdir(mode=0o700)
            except FileExistsError:
                continue
            break
        for folder in (run.control, run.checkpoints, run.path / "attempts"):
            folder.mkdir(mode=0o700)
    except OSError as error:
        raise TuiFtError(
            f"The runs root {runs_root} cannot be written: {os.strerror(error.errno or 0)}.",
            "Choose another with --runs-root DIR or TUI_FT_RUNS, or free some space there.",
        ) from error
    return run


def is_run(path: Path) -> bool:
    """True when `path` holds a run of ours: a state, or at least the spec that launch wrote first."""
    run = RunDirectory(path)
    return run.state.is_file() or (run.spec.is_file() and run.control.is_dir())


def find(runs_root: Path, name: str) -> RunDirectory:
    """Return the run that `name` means: a path, an id, or a unique beginning of one, with or without date.

    Raises `TuiFtError` when there is none, or more than one.
    """
    path = user_path(name)
    if is_there(path) and is_run(path):
        return RunDirectory(path.resolve())
    if is_there(path) and path.is_dir() and (path.is_absolute() or "/" in name):
        raise TuiFtError(
            f"{path} is not a run directory: it holds no state.json.",
            "See `tui-ft ls` for the runs there are.",
        )
    runs = list_directories(runs_root) if name else []
    matches = [run for run in runs if run.id.startswith(name)]
    matches = matches or [run for run in runs if without_date(run.id).startswith(name)]
    exact = [run for run in matches if run.id == name]
    if exact:
        return exact[0]
    if not matches and name and is_there(path) and path.is_dir():
        raise TuiFtError(
            f"{path} is there, but is no run directory, and no run under {runs_root} begins so.",
            "See `tui-ft ls` for the runs there are.",
        )
    if not matches:
        raise TuiFtError(
            f"There is no run {name!r} under {runs_root}.", "See `tui-ft ls` for the runs there are."
        )
    if len(matches) > 1:
        names = ", ".join(run.id for run in matches[:4])
        raise TuiFtError(
            f"{name!r} begins the names of {len(matches)} runs: {names}.", "Write a longer beginning."
        )
    return matches[0]


def without_date(run_id: str) -> str:
    """An id as lists show it."""
    date, dash, rest = run_id.partition("-")
    return rest if dash and len(date) == 8 and date.isdecimal() else run_id


def has_queue(root: Path) -> bool:
    """Whether something was ever queued in a runs root: else nothing need be loaded for its queue."""
    return os.path.lexists(root / QUEUE)


def list_directories(runs_root: Path) -> list[RunDirectory]:
    """Return the run directories under `runs_root`, newest name first; an absent root holds none."""
    root = runs_root.resolve()
    return [RunDirectory(root / name) for name in list_ids(runs_root)]


def list_ids(runs_root: Path) -> list[str]:
    """Return the ids of the runs under `runs_root`, newest name first; an absent root holds none."""
    try:
        with os.scandir(runs_root) as entries:
            return sorted((entry.name for entry in entries if _ID.fullmatch(entry.name)), reverse=True)
    except OSError:
        return []

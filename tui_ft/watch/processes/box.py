"""Every training process of this box, grouped by run; asked every few seconds from a worker thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui_ft.hardware import gpu, processes
from tui_ft.hardware.gpu import GpuReading
from tui_ft.watch.log import clean_line
from tui_ft.watch.processes.gpu_owners import Owner, hidden_owners, owners
from tui_ft.watch.processes.grouping import group_looks
from tui_ft.watch.processes.looks import Look, Looker
from tui_ft.watch.processes.run_files import output_folders
from tui_ft.watch.processes.secrets import mask_arguments

_LONGEST_COMMAND = 500
_ENVIRONMENT = ("WANDB_DIR", "TENSORBOARD_LOGGING_DIR")


@dataclass(frozen=True, kw_only=True)
class Group:
    """The processes of one training: a launcher with its ranks and their workers, or one alone.

    `pid` is the head's, with its `start_time` (clock ticks since boot) and `started_at` (unix seconds);
    `pids` are all, the head first. `command` is one line, safe to show: cleaned, secrets masked. `paths`
    are what it writes, the surest first: open files of loggers, then logs, then the folders that it was
    told; they need not exist. `our_run` is the run directory of a run of ours. `gpu_bytes` and `gpus` are
    what is known of its GPU memory and of the GPUs it holds; `why` says what gave it away.
    """

    pid: int
    start_time: int
    started_at: float | None
    pids: tuple[int, ...]
    user: str
    command: str
    title: str
    cwd: Path | None = None
    paths: tuple[Path, ...] = ()
    our_run: Path | None = None
    gpu_bytes: int | None = None
    gpus: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Box:
    """What trains on this box, the newest first; `notes` are sentences on GPUs whose owner is hidden."""

    groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()


class Scanner:
    """Scans again and again; one at a time, from any thread."""

    def __init__(self) -> None:
        self._looker = Looker()
        self._folders: dict[tuple[int, int], list[Path]] = {}
        self._lock = threading.Lock()

    def scan(self, reading: GpuReading | None = None) -> Box:
        """Return what trains now. `reading` are the GPUs with their processes; None: without them."""
        with self._lock:
            known = owners(reading) if reading is not None else []
            looks = self._looker.look(frozenset(owner.pid for owner in known))
            writers = _pipe_readers(looks)
            groups = [self._group(members, known, writers) for members in group_looks(looks)]
            folders = self._folders
            self._folders = {key: folders[key] for key in ((g.pid, g.start_time) for g in groups)}
        holders = {index for look in looks.values() for index in look.files.gpus}
        notes = hidden_owners(reading, holders) if reading is not None else []
        groups.sort(key=lambda group: -group.start_time)
        return Box(groups=tuple(groups), notes=tuple(notes))

    def _group(self, members: Sequence[Look], known: Sequence[Owner], tees: Mapping[str, list[str]]) -> Group:
        head = members[0]
        pids = {look.pid for look in members}
        mine = [owner for owner in known if owner.pid in pids]
        shares = [owner.used_bytes for owner in mine if owner.used_bytes is not None]
        held = {owner.gpu for owner in mine} or {index for look in members for index in look.files.gpus}
        our_run = next((look.command.run_path for look in members if look.command.run_path), None)
        folders = self._output_folders(head, members)
        paths = _written(members, tees) + folders
        trainer = next((look for look in members if look.is_training), head)
        telling = next((look for look in members if look.files.sure), trainer)
        return Group(
            pid=head.pid,
            start_time=head.stat.started,
            started_at=processes.started_at(head.stat.started),
            pids=tuple(look.pid for look in members),
            user=_user_name(head.stat.user),
            command=clean_line(" ".join(mask_arguments(head.arguments)))[:_LONGEST_COMMAND],
            title=clean_line(_title(our_run, folders, trainer, head)),
            cwd=trainer.cwd or head.cwd,
            paths=tuple(dict.fromkeys(paths)),
            our_run=our_run,
            gpu_bytes=sum(shares) if shares else None,
            gpus=tuple(sorted(held)),
            why=clean_line(telling.why),
        )

    def _output_folders(self, head: Look, members: Sequence[Look]) -> list[Path]:
        key = (head.pid, head.stat.started)
        known = self._folders.get(key)
        if known is None:
            known = []
            for look in (look for look in members if look.is_training or look is head):
                if look.is_elsewhere:
                    continue
                environment = processes.environment(look.pid, _ENVIRONMENT)
                command = look.command
                known += output_folders(command.options, command.words, look.cwd, environment)
            known = [Path(os.path.realpath(folder)) for folder in known]  # as the kernel names open files
            self._folders[key] = known = list(dict.fromkeys(known))
        return known


_scanner = Scanner()


def scan(*, with_gpus: bool = True) -> Box:
    """Return what trains on this box now: tens of milliseconds; never raises.

    The first call with GPUs initialises NVML, which can take seconds: call it from a worker.
    """
    return _scanner.scan(gpu.read_gpus() if with_gpus else None)


def _pipe_readers(looks: Mapping[int, Look]) -> dict[str, list[str]]:
    """What `tee` writes of each pipe: where the output of `python train.py | tee train.log` goes."""
    found: dict[str, list[str]] = {}
    for look in looks.values():
        if look.stat.name == "tee" and look.files.input_pipe:
            found.setdefault(look.files.input_pipe, []).extend(look.files.logs)
    return found


def _written(members: Sequence[Look], tees: Mapping[str, list[str]]) -> list[Path]:
    sure = [name for look in members for name in look.files.sure]
    logs = [name for look in members for name in look.files.logs]
    teed = [name for look in members for pipe in look.files.pipes for name in tees.get(pipe, ())]
    return [Path(name) for name in (*sure, *logs, *teed)]


def _title(our_run: Path | None, folders: Sequence[Path], trainer: Look, head: Look) -> str:
    if our_run is not None:
        return our_run.name
    if folders:
        return folders[0].name
    script = trainer.command.script or head.command.script
    return script.rpartition("/")[2] or head.stat.name


def _user_name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a container that does not know the user
        return str(user)

"""Every training process of this box, grouped by run; asked every few seconds from a worker thread."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tui_ft.hardware import gpu, processes
from tui_ft.hardware.gpu import GpuReading
from tui_ft.watch.log import clean_line
from tui_ft.watch.processes.gpu_owners import Owner, hidden_owners, owners
from tui_ft.watch.processes.grouping import group_looks
from tui_ft.watch.processes.looks import Look, Looker
from tui_ft.watch.processes.run_files import output_folders
from tui_ft.watch.processes.searching import Key, Recent, Searches
from tui_ft.watch.processes.secrets import mask_arguments

_LONGEST_COMMAND = 500
_PLAIN_NAMES = frozenset({"out", "output", "outputs", "results", "result", "checkpoints", "model", "models",
                          "runs", "logs", "lora", "saves"})  # fmt: skip
"""What half of all output folders are called: the folder above tells more."""
_ENVIRONMENT = ("WANDB_DIR", "TENSORBOARD_LOGGING_DIR")


@dataclass(frozen=True, kw_only=True)
class Group:
    """The processes of one training: a launcher with its ranks and their workers, or one alone.

    `pid` is the head's, with its `start_time` (clock ticks since boot) and `started_at` (unix seconds);
    `pids` are all, the head first. `command` is one line, safe to show: cleaned, secrets masked. `paths`
    are what it writes, the surest first: files of loggers, then logs, then the folders that it was told;
    they need not exist. `outputs` are the logs that its standard output goes to. `likely` are run files in
    its working directory that are as young as it and that no other training there can have written.
    `our_run` is the run directory of a run of ours. `gpu_bytes` and `gpus` are what is known of its GPU
    memory and of the GPUs it holds; `why` says what gave it away.
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
    outputs: tuple[Path, ...] = ()
    likely: tuple[Path, ...] = ()
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
        self._folders: dict[Key, tuple[object, list[Path]]] = {}
        self._searches = Searches()
        self._lock = threading.Lock()

    def scan(self, reading: GpuReading | None = None) -> Box:
        """Return what trains now. `reading` are the GPUs with their processes; None: without them."""
        with self._lock:
            self._searches.begin()
            known = owners(reading) if reading is not None else []
            looks = self._looker.look(frozenset(owner.pid for owner in known))
            writers = _pipe_readers(looks)
            groups = [self._group(members, known, writers) for members in group_looks(looks)]
            keys = {(group.pid, group.start_time) for group in groups}
            self._folders = {key: known for key, known in self._folders.items() if key in keys}
            self._searches.keep(keys)
            groups = _without_shared(groups)
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
        trainer = next((look for look in members if look.is_training), head)
        recent = self._recent(head, trainer, folders, pids) if our_run is None else Recent()
        outputs = _outputs(members, tees)
        sure = [Path(name) for look in members for name in look.files.sure]
        logs = [Path(name) for look in members for name in look.files.logs]
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
            paths=tuple(dict.fromkeys((*sure, *recent.named, *outputs, *logs, *folders))),
            outputs=tuple(dict.fromkeys(outputs)),
            likely=recent.young,
            our_run=our_run,
            gpu_bytes=sum(shares) if shares else None,
            gpus=tuple(sorted(held)),
            why=clean_line(telling.why),
        )

    def _recent(self, head: Look, trainer: Look, folders: Sequence[Path], pids: Collection[int]) -> Recent:
        tops = [*folders, *([trainer.cwd] if trainer.cwd is not None else [])]
        since = processes.started_at(head.stat.started)
        return self._searches.of((head.pid, head.stat.started), tops, since, pids)

    def _output_folders(self, head: Look, members: Sequence[Look]) -> list[Path]:
        key = (head.pid, head.stat.started)
        telling = [look for look in members if (look.is_training or look is head) and not look.is_elsewhere]
        commands = {look.arguments for look in telling}  # a fork may still become another program
        known = self._folders.get(key)
        if known is None or known[0] != commands:
            folders: list[Path] = []
            for look in telling:
                environment = processes.environment(look.pid, _ENVIRONMENT)
                folders += output_folders(look.command.options, look.command.words, look.cwd, environment)
            real = [Path(os.path.realpath(folder)) for folder in folders]  # as the kernel names open files
            known = self._folders[key] = (commands, list(dict.fromkeys(real)))
        return known[1]


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


def _without_shared(groups: Sequence[Group]) -> list[Group]:
    """Leave out of `likely` what two trainings could have written, and what one of them surely has."""
    claims = Counter(path for group in groups for path in (*group.paths, *group.likely))
    return [
        replace(group, likely=tuple(path for path in group.likely if claims[path] == 1)) for group in groups
    ]


def _outputs(members: Sequence[Look], tees: Mapping[str, list[str]]) -> list[Path]:
    """The logs that standard output and errors go to, directly or through `tee`."""
    own = [name for look in members for name in look.files.outputs]
    teed = [name for look in members for pipe in look.files.pipes for name in tees.get(pipe, ())]
    return [Path(name) for name in (*own, *teed)]


def _title(our_run: Path | None, folders: Sequence[Path], trainer: Look, head: Look) -> str:
    if our_run is not None:
        return our_run.name
    if folders:
        folder = folders[0]
        is_plain = folder.name.lower() in _PLAIN_NAMES and len(folder.parts) > 2
        return f"{folder.parent.name}/{folder.name}" if is_plain else folder.name
    script = trainer.command.script or head.command.script
    return script.rpartition("/")[2] or head.stat.name


def _user_name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a container that does not know the user
        return str(user)

"""One case's own small world: a runs root, the run in it, and what the kernel says of its processes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults import rig, warm

from tui_ft.errors import TuiFtError
from tui_ft.runs import adopting, launch
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

CHANGES = (
    "model.id=demo", "data.train=demo", "data.max_length=256", "method.rank=4", "method.dropout=0.1",
    "training.batch_size=2", "training.gradient_accumulation=2", "training.max_steps=12",
    "evaluation.every_steps=4", "checkpoints.every_steps=3", "checkpoints.keep=2", "notes.name=fault",
)  # fmt: skip
"""Dropout makes every step depend on the random state; saves fall between evaluations and on one of them."""
STEPS, KEEP = 12, 2


def spec(*more: str) -> RunSpec:
    return overrides.apply(RunSpec(), [*CHANGES, *more])


@dataclass
class Died:
    """What `launch` said in the process that called it; `error` is None where it was killed itself."""

    code: int
    error: str | None


@dataclass
class World:
    """`folder` is the case's own; `say` tells what was done, for whoever reads a failure."""

    folder: Path
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.folder / "runs"
        self.root.mkdir(parents=True, exist_ok=True)
        self._pids = self.folder / "pids"
        self.began = time.monotonic()
        self.launcher: int | None = None
        self.died: Died | None = None
        self._killed: list[int] = []
        warm.install(self.note)
        warm.crashes = str(self.folder / "crashes")

    def say(self, text: str) -> None:
        self.story.append(f"{time.monotonic() - self.began:7.3f} {text}")

    # --- processes ---------------------------------------------------------------------------------

    def note(self, role: str, attempt: int) -> None:
        """Called by each forked process: where it stands in the tree is known before it does anything."""
        line = f"{role} {os.getpid()} {_start(os.getpid())} {attempt}\n".encode()
        descriptor = os.open(self._pids, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)
        os.close(descriptor)

    def noted(self) -> list[tuple[str, int, int, int]]:
        try:
            lines = self._pids.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [(role, int(pid), int(start), int(n)) for role, pid, start, n in map(str.split, lines)]

    def pid(self, role: str) -> int | None:
        """The newest process of a role, if it lives."""
        found = [(pid, start) for name, pid, start, _ in self.noted() if name == role]
        return found[-1][0] if found and _start(found[-1][0]) == found[-1][1] else None

    def condition(self, role: str) -> str:
        """`alive`, `suspended` or `gone`, as the kernel says."""
        pid = self.pid(role)
        if pid is None:
            return "gone"
        return "suspended" if _state(pid) in "Tt" else "alive"

    def living(self, role: str) -> list[int]:
        return [pid for name, pid, start, _ in self.noted() if name == role and self.is_alive(pid, start)]

    @staticmethod
    def is_alive(pid: int, start: int) -> bool:
        return _start(pid) == start

    def aside(self, do: Callable[[], int]) -> int:
        """Run `do` in a process of its own, and return what it ended with."""
        return warm.fork(do, self.folder / "aside.log", self.folder).wait()

    def attempt(self) -> int:
        """The attempt of the newest trainer."""
        return max((n for role, _, _, n in self.noted() if role == "trainer"), default=0)

    def signal(self, role: str, number: int) -> bool:
        pid = self.pid(role)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        self.say(f"{signal.Signals(number).name} to the {role} {pid}")
        if number == signal.SIGKILL:
            self._killed.append(pid)
        return True

    def killed(self) -> None:
        """Wait until all that were sent SIGKILL are dead: on a busy machine that takes a while."""
        if not self.wait(lambda: all(_fields(pid)[0] in (b"Z", b"X") for pid in self._killed), 120.0):
            raise TimeoutError(f"SIGKILL, and not dead after two minutes: {self._killed}")
        self._killed.clear()

    def end_all(self) -> None:
        """Nothing outlives the case."""
        for _ in range(50):
            living = [pid for _, pid, start, _ in self.noted() if _start(pid) == start]
            if self.launcher is not None:
                living.append(self.launcher)
            for pid in living:
                for end in (lambda p: os.killpg(p, signal.SIGKILL), lambda p: os.kill(p, signal.SIGKILL)):
                    try:
                        end(pid)
                    except (ProcessLookupError, PermissionError):
                        continue
            self.reap()
            if not living:
                return
            time.sleep(0.02)

    # --- what a person does ------------------------------------------------------------------------

    @property
    def run(self) -> RunDirectory | None:
        found = list_directories(self.root)
        return found[0] if found else None

    def begin(self, do: Callable[[], Any], name: str) -> None:
        """Call the product in a process of its own, as a command is; `result` waits for it."""
        answer = self.folder / "answer"
        answer.unlink(missing_ok=True)
        self.died = None

        def command() -> int:
            rig.enter("launcher", self.note)
            try:
                do()
            except TuiFtError as error:
                answer.write_text(str(error))
                return 1
            return 0

        self.say(name)
        self.launcher = warm.fork(command, self.folder / "launcher.log", self.folder).pid

    def reap(self) -> Died | None:
        """What the launcher said, once it has ended; None while it lives."""
        if self.launcher is None:
            return None
        pid, status = os.waitpid(self.launcher, os.WNOHANG)
        if not pid:
            return None
        self.launcher = None
        answer = self.folder / "answer"
        died = self.died = Died(
            os.waitstatus_to_exitcode(status), answer.read_text() if answer.exists() else None
        )
        if died.code:
            self.say(f"the command ended with {died.code}: {died.error}")
        return died

    def start(self, *more: str) -> None:
        self.begin(lambda: launch.start(spec(*more), self.root), "start")

    def resume(self, take_over: bool = False) -> None:
        run = self.run
        assert run is not None
        self.begin(lambda: launch.resume(run, take_over=take_over), "resume")

    def adopt(self) -> None:
        self.begin(lambda: adopting.adopt_orphans(self.root), "the next command: adopt_orphans")

    # --- what the files say ------------------------------------------------------------------------

    def events(self, attempt: int | None = None) -> list[dict[str, Any]]:
        """All events, or those of one attempt; a torn line is no event."""
        run = self.run
        rows = read_rows(run.events) if run is not None else []
        if attempt is None:
            return rows
        found, mine = [], False
        for row in rows:
            mine = row["attempt"] == attempt if row["event"] == "attempt" else mine
            if mine:
                found.append(row)
        return found

    def wait(self, is_so: Callable[[], object], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True


def read_rows(path: Path) -> list[dict[str, Any]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    rows = []
    for line in data.split(b"\n"):
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return [row for row in rows if isinstance(row, dict)]


def _fields(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return [b"X"]


def _state(pid: int) -> str:
    return _fields(pid)[0].decode()


def _start(pid: int) -> int | None:
    fields = _fields(pid)
    return None if fields[0] in (b"Z", b"X", b"x") else int(fields[19])

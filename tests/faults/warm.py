"""Supervisors and trainers forked from one process that has imported everything.

A trainer's imports cost ten seconds, what follows them two; forked, hundreds of runs are killed in minutes.
The code after the imports is the product's own: `supervisor.main` and `entry.run_attempt`, in processes of
their own sessions, whose command lines say in /proc what those of real ones say.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faults import rig

from tui_ft.hardware import processes

ROOM = "--room"
_ROOM_BYTES = 2000
_ARGUMENTS_FROM, _ARGUMENTS_TO = 45, 46
"""Places in /proc/self/stat after the name: where the kernel reads our command line from."""

NEEDED = (
    "tui_ft.train.session", "tui_ft.train.entry", "tui_ft.runs.supervisor", "tui_ft.runs.launch",
    "tui_ft.runs.adopting", "tui_ft.data.read", "tui_ft.data.examples", "numpy.ctypeslib", "torch.profiler",
    "transformers.models.llama.modeling_llama", "peft.tuners.lora.bnb",
    "peft.utils.transformers_weight_conversion", "torch.utils.serialization.config",
)  # fmt: skip


def with_room() -> None:
    """Start this program again with an argument that leaves room for the command lines of those it forks."""
    if ROOM not in sys.argv:
        os.execv(sys.executable, [sys.executable, *sys.argv, ROOM, "x" * _ROOM_BYTES])
    at = sys.argv.index(ROOM)
    del sys.argv[at : at + 2]


def import_all() -> None:
    """Pay for the imports once. What a version of the product does not have (yet) is left out."""
    import tui_ft.train.entry as entry
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.spec.toml import loads

    entry.prepare_environment(
        loads('schema = 1\n[model]\nid = "demo"\n[data]\ntrain = "demo"\n') or RunSpec()
    )
    for name in NEEDED:
        importlib.import_module(name)


def call_me(arguments: Sequence[str]) -> None:
    """Make `arguments` the end of this process's command line, as the kernel shows it to others."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    begin, end = int(fields[_ARGUMENTS_FROM]), int(fields[_ARGUMENTS_TO])
    text = b"".join(argument.encode() + b"\0" for argument in arguments)
    front = b"python" + b" " * (end - begin - len(text) - 7) + b"\0"
    if len(front) + len(text) != end - begin:
        raise RuntimeError("no room for the command line: was `with_room` called?")
    ctypes.memmove(begin, front + text, len(front) + len(text))


crashes = os.devnull
"""Where it is written what the matrix itself, or the product, let fall."""


class Forked:
    """Looks like the Popen of a child that was forked."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self) -> int:
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def fork(
    do: Callable[[], int],
    output: Path,
    folder: Path,
    keep: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> Forked:
    """Run `do` in a child that has nothing of ours: own session, own output, default signals."""
    pid = os.fork()
    if pid:
        return Forked(pid)
    code = 70
    try:
        os.setsid()
        log = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        kept = sorted({0, 1, 2, *keep})
        for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - they last as long as the process
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGCONT, signal.SIGCHLD):
            if signal.getsignal(number) is not signal.SIG_IGN:  # an ignored one stays so through an exec
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(-1)
        os.chdir(folder)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        random.seed()
        code = do()
    except SystemExit as leaving:
        with open(crashes, "a") as file:
            file.write(f"exit {leaving.code}\n")
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - a fork must never go on in its parent's code
        traceback.print_exc()
        with open(crashes, "a") as file:  # a start that failed takes its own log away
            traceback.print_exc(file=file)
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def install(note: Callable[[str, int], None]) -> None:
    """Let this process fork supervisors and trainers instead of starting them; `note` is told of each."""
    from tui_ft.runs import spawn, supervision, supervisor, trainer_process
    from tui_ft.runs.records import ProcessRecord
    from tui_ft.train import entry

    def start_supervisor(run, command, descriptors, environment):  # type: ignore[no-untyped-def]
        arguments = [str(part) for part in command[3:] if part != "--detach"]

        def do() -> int:
            if os.fork() > 0:
                os._exit(0)  # what --detach does; here, so that the supervisor's own pid is noted
            call_me(["-m", "tui_ft.runs.supervisor", *arguments])
            rig.enter("supervisor", note)
            return supervisor.main(arguments)

        complete = spawn._environment(run, environment)
        return fork(do, run.output, run.path, descriptors, complete)

    def start_trainer(run, attempt, command):  # type: ignore[no-untyped-def]
        def do() -> int:
            call_me(["-m", "tui_ft.train", *trainer_process.trainer_arguments(run, attempt)])
            rig.enter("trainer", note, attempt)
            return entry.run_attempt(run.path, attempt)

        child = fork(do, run.output, run.path)
        started = processes.start_time(child.pid) or 0
        record = ProcessRecord(role="trainer", pid=child.pid, start_time=started)
        return trainer_process.TrainerProcess(record, is_child=True)

    spawn._start = start_supervisor  # type: ignore[assignment]
    supervision.start_trainer = start_trainer

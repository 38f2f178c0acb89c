"""The door to the trainer's side: runs one of its modules as a process and asks for one answer.

The request is one JSON object on stdin, the answer one on stdout. On stderr come JSON lines: progress
(`step`, `done`, `total`), and before an exit with code 2 the `error` and its `hint`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.spec.errors import printable

Progress = Callable[[str, int, int], None]
"""Called with the step, how much of it is done, and of how much."""

POLL_S = 0.1
LARGEST_ANSWER_BYTES = 16 << 20
_TAIL_LINES = 5
_LONGEST_LINE = 4000


def call(
    module: str,
    request: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 600.0,
    command: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Run `python -m module` with the trainer's interpreter on `request` and return its answer.

    Blocks. `progress` is called from this thread, `cancelled` is asked ten times a second; then, after
    `timeout_s` or when this call ends otherwise, the process and all that it started are killed.
    `environment` is added to ours. `command` stands in for the interpreter in tests.

    Raises `TuiFtError`: with the process's own sentence, or with what is known of its end.
    """
    process = _start([*(command or (settings.trainer_python(),)), "-m", module], environment)
    reader = _Reader(process)
    try:
        reader.send(msgspec.json.encode(request))
        _wait(process, reader, progress, cancelled, time.monotonic() + timeout_s, timeout_s)
    finally:
        _kill(process)
        reader.close()
    return _answer(module, process.returncode, reader)


def _start(command: list[str], environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**settings.trainer_environment(), **(environment or {})},
            start_new_session=True,
        )
    except OSError as error:
        raise TuiFtError(
            f"The interpreter of the trainer, {printable(command[0])}, is not there or cannot be run.",
            f"Mend trainer_python in {settings.config_folder() / 'settings.toml'}.",
        ) from error


@dataclass
class _Reader:
    """Three threads at the pipes of a process, so that none of them ever fills up and blocks it."""

    process: subprocess.Popen[bytes]
    answer: bytearray = field(default_factory=bytearray)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    steps: queue.SimpleQueue[tuple[str, int, int]] = field(default_factory=queue.SimpleQueue)
    error: tuple[str, str] | None = None
    threads: list[threading.Thread] = field(default_factory=list)

    def send(self, request: bytes) -> None:
        self._in_thread(self._write, request)
        self._in_thread(self._read_answer)
        self._in_thread(self._read_lines)

    def close(self) -> None:
        """Wait until everything that the dead process wrote is read."""
        for thread in self.threads:
            thread.join(timeout=5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            _close(pipe)

    def _in_thread(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)

    def _write(self, request: bytes) -> None:
        pipe = self.process.stdin
        assert pipe is not None
        try:
            pipe.write(request)
        except OSError:
            return  # it ended before it read: its exit code says more
        finally:
            _close(pipe)

    def _read_answer(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        while chunk := pipe.read(65536):
            if len(self.answer) <= LARGEST_ANSWER_BYTES:
                self.answer += chunk

    def _read_lines(self) -> None:
        pipe = self.process.stderr
        assert pipe is not None
        while line := pipe.readline(_LONGEST_LINE):
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            row = None
        if not isinstance(row, dict):
            text = printable(line.decode("utf-8", "replace").strip())
            if text:
                self.tail.append(text)
        elif isinstance(row.get("error"), str):
            self.error = printable(row["error"]), printable(str(row.get("hint") or ""))
        elif isinstance(row.get("step"), str):
            self.steps.put((printable(row["step"]), _count(row.get("done")), _count(row.get("total"))))


def _wait(
    process: subprocess.Popen[bytes],
    reader: _Reader,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
    deadline: float,
    timeout_s: float,
) -> None:
    while True:
        try:
            process.wait(POLL_S)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        while progress is not None and not reader.steps.empty():
            progress(*reader.steps.get())
        if ended:
            return
        if cancelled is not None and cancelled():
            raise TuiFtError("It was called off.", exit_code=1)
        if time.monotonic() > deadline:
            raise TuiFtError(
                f"No answer came within {timeout_s:.0f} s.", "Try again when the machine has less to do."
            )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process group: also what an ended process left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _answer(module: str, code: int, reader: _Reader) -> dict[str, Any]:
    if reader.error is not None:
        raise TuiFtError(*reader.error)
    name = module.rpartition(".")[2]  # simulate, probe
    if code != 0:
        last = f": {reader.tail[-1]}" if reader.tail else ""
        raise TuiFtError(f"The {name} process {_end(code)}{last.rstrip('.')}.", _remedy(reader.tail))
    try:
        answer = msgspec.json.decode(bytes(reader.answer), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TuiFtError(f"The {name} process gave no answer that can be read.") from error
    return answer


def _end(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    killed = code == -signal.SIGKILL
    return "was killed, perhaps for want of memory" if killed else f"was ended by signal {-code}"


def _remedy(tail: Sequence[str]) -> str:
    if any("ModuleNotFoundError" in line or "No module named" in line for line in tail):
        where = settings.config_folder() / "settings.toml"
        return f"Install the training libraries there, or mend trainer_python in {where}."
    return ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):  # what is still in the buffer has no reader any more
            pipe.close()

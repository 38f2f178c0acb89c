"""A command in a pseudo-terminal of ours: what it writes and when, and how soon it answers a key."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple

import process_cost

DOWN, UP, HOME, PAGE_DOWN, PAGE_UP = "\x1b[B", "\x1b[A", "\x1b[H", "\x1b[6~", "\x1b[5~"
ENTER, ESCAPE = "\r", "\x1b"

_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X].*?(?:\x07|\x1b\\)|[ -/]*[0-~])", re.DOTALL)
_QUERIES: tuple[tuple[re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]], ...] = (
    # a mode that is asked for: synchronized output is known and off, every other one unknown
    (re.compile(rb"\x1b\[\?(\d+)\$p"), lambda m: b"\x1b[?%s;%d$y" % (m[1], 2 if m[1] == b"2026" else 0)),
    (re.compile(rb"\x1b\[0?c"), lambda _: b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\[>0?q"), lambda _: b"\x1bP>|a terminal\x1b\\"),
    (re.compile(rb"\x1b\[6n"), lambda _: b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[\?u"), lambda _: b"\x1b[?0u"),
)
_LONGEST_QUERY = 16
_LINK_READ = 96
"""A slow link is read in pieces of so many bytes: ten milliseconds at 9,600 B/s."""


class Chunk(NamedTuple):
    """What came in one read; `at` is in seconds since just before the command was started."""

    at: float
    data: bytes


class Window(NamedTuple):
    """What a while of watching cost."""

    seconds: float
    bytes_per_s: float
    cpu_percent: float


class Answer(NamedTuple):
    """From a key to the first byte of its redraw, and to the last one before it was quiet again."""

    first_s: float
    settled_s: float
    size: int


class TerminalSession:
    """Starts `command` in a terminal that answers queries as a modern one does; a context manager.

    With `link_bytes_per_s` what it writes is read no faster than that, so that it feels a slow link.
    Only while a method of this class runs is anything read; `chunks` keeps it all.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
        link_bytes_per_s: float | None = None,
    ) -> None:
        self.chunks: list[Chunk] = []
        self.has_ended = False
        self._link = link_bytes_per_s
        self._busy_until = 0.0
        self._unanswered = b""
        self._master, slave = pty.openpty()
        size = struct.pack("HHHH", rows, columns, columns * 9, rows * 18)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self._began = time.monotonic()
        try:
            self.process = subprocess.Popen(
                command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                env=_environment(environment or {}),
            )  # fmt: skip
        finally:
            os.close(slave)

    def __enter__(self) -> TerminalSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def now(self) -> float:
        """Seconds since just before the start."""
        return time.monotonic() - self._began

    @property
    def text(self) -> str:
        """All that was written, without its escape sequences."""
        return _SEQUENCE.sub(b"", b"".join(chunk.data for chunk in self.chunks)).decode("utf-8", "replace")

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return sum(len(chunk.data) for chunk in self.chunks)

    def run_for(self, seconds: float) -> None:
        """Read what comes for so long."""
        deadline = self.now + seconds
        while not self.has_ended and self.now < deadline:
            self._receive(deadline)

    def run_until(self, is_so: Callable[[], bool], limit_s: float) -> float | None:
        """Read until `is_so`, asked now and after every chunk; return when that chunk came.

        None when it never was so within `limit_s`.
        """
        if self.chunks and is_so():
            return self.chunks[-1].at
        deadline = self.now + limit_s
        while not self.has_ended and self.now < deadline:
            chunk = self._receive(deadline)
            if chunk is not None and is_so():
                return chunk.at
        return None

    def run_until_text(self, text: str, limit_s: float = 30.0) -> float:
        """Read until `text` was written; return when. Raises `AssertionError` with the output if never."""
        at = self.run_until(lambda: text in self.text, limit_s)
        if at is None:
            raise AssertionError(f"{text!r} was not written within {limit_s} s, but:\n{self.text[-3000:]}")
        return at

    def run_until_quiet(self, quiet_s: float, limit_s: float = 30.0) -> None:
        """Read until nothing came for `quiet_s`."""
        deadline = self.now + limit_s
        while not self.has_ended and self.now < deadline:
            if self._receive(self.now + quiet_s) is None:
                return

    def run_until_idle(self, limit_s: float = 120.0, window_s: float = 1.0) -> float:
        """Read until it rests (less than 3 % CPU in a window); return the CPU seconds used till then."""
        spent = self.cpu_s()
        deadline = self.now + limit_s
        while not self.has_ended and self.now < deadline:
            self.run_for(window_s)
            before, spent = spent, self.cpu_s()
            if spent - before < 0.03 * window_s:
                break
        return spent

    def window(self, seconds: float) -> Window:
        """Watch for so long and say what it cost."""
        began, size, cpu = self.now, self.size, self.cpu_s()
        self.run_for(seconds)
        passed = self.now - began
        return Window(passed, (self.size - size) / passed, 100 * (self.cpu_s() - cpu) / passed)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, and tell so as its kernel would."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.process.pid, signal.SIGWINCH)

    def press(self, keys: str) -> float:
        """Type `keys`; return when."""
        at = self.now
        os.write(self._master, keys.encode())
        return at

    def time_key(self, keys: str, *, quiet_s: float = 0.08, limit_s: float = 5.0) -> Answer | None:
        """Type `keys` and time the redraw; None when nothing was written within `limit_s`."""
        at = self.press(keys)
        first = last = self._receive(at + limit_s)
        if first is None:
            return None
        size = 0
        chunk: Chunk | None = first
        while chunk is not None:
            last, size = chunk, size + len(chunk.data)
            chunk = self._receive(self.now + quiet_s)
        assert last is not None
        return Answer(first.at - at, last.at - at, size)

    def cpu_s(self) -> float:
        """CPU seconds of the command so far."""
        return process_cost.cpu_seconds(self.process.pid)

    def pss_bytes(self) -> int:
        """Its memory, shared pages divided among those who share them."""
        return process_cost.pss_bytes(self.process.pid)

    def close(self) -> None:
        """End the command and give the terminal back."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                self._wait(3.0)
        self.process.wait()
        os.close(self._master)

    def _wait(self, seconds: float) -> None:
        """Let it end, reading on: a command that cannot write does not end."""
        deadline = self.now + seconds
        while self.process.poll() is None and self.now < deadline:
            if self._receive(self.now + 0.05) is None and self.has_ended:
                time.sleep(0.01)

    def _receive(self, deadline: float) -> Chunk | None:
        """Return the next chunk, None when there was none until `deadline` (or ever will be)."""
        while not self.has_ended:
            left = deadline - self.now
            if left <= 0:
                return None
            if self._busy_until > self.now:
                time.sleep(min(self._busy_until - self.now, left))
                continue
            if not select.select([self._master], [], [], left)[0]:
                return None
            try:
                data = os.read(self._master, _LINK_READ if self._link else 65_536)
            except OSError:  # every process has closed the terminal
                data = b""
            if not data:
                self.has_ended = True
                return None
            self._answer(data)
            if self._link:
                self._busy_until = max(self._busy_until, self.now) + len(data) / self._link
            chunk = Chunk(max(self.now, self._busy_until), data)
            self.chunks.append(chunk)
            return chunk
        return None

    def _answer(self, data: bytes) -> None:
        self._unanswered += data
        end = 0
        for query, reply in _QUERIES:
            for match in query.finditer(self._unanswered):
                os.write(self._master, reply(match))
                end = max(end, match.end())
        self._unanswered = self._unanswered[max(end, len(self._unanswered) - _LONGEST_QUERY) :]


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COLUMNS", "LINES", "NO_COLOR") and not name.startswith(("TEXTUAL", "PYTEST"))
    }
    return {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **changes}

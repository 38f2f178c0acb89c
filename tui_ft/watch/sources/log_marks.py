"""How a log says that a run ended: its summary, an uncaught error, a kill, a stop by hand."""

from __future__ import annotations

import re

LONGEST_REASON = 300
FEWEST_DRAWS = 3
"""So many moves of a progress bar after an error show that it was caught and the work went on."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]")
_PREFIX = re.compile(
    r"^(?:\[?(?:[\w.-]+:)?(?:rank|default|worker)[ _]?\d+\]?:(?: ?\[rank\d+\]:)?|\(\w[\w ]*pid=\d+[^)]*\)|\d+: (?=\S|  ))"
    r" ?"
)
"""What torchrun, ray and srun put before every line of a worker; the indent that follows stays."""

_TRACEBACK = "Traceback (most recent call last):"
_HARMLESS_BEFORE = (
    "Exception ignored in",
    "Exception in thread",
    "--- Logging error ---",
    "Exception ignored on",
)
_ERROR_LINE = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<words>.*)|:?)$")
_BARE_ERROR = re.compile(
    r"^(?:torch\.)?(?:cuda\.)?OutOfMemoryError: |^RuntimeError: CUDA |^CUDA out of memory\.|^MemoryError$"
)
_LAUNCHERS = ("ChildFailedError", "CalledProcessError", "SignalException", "ProcessRaisedException",
              "ProcessExitedException", "RayTaskError", "SystemExit")  # fmt: skip
"""Errors of launchers: they say that a worker died, the worker's own error says why."""

_KILLS = (
    (re.compile(r"(?:^|: line \d+: +\d+ +|\s)Killed(?:$| {2,}| +python)|^Killed$"), "Killed, as by `kill -9` or for want of memory."),
    (re.compile(r"oom[-_]kill", re.IGNORECASE), "Killed for want of memory."),
    (re.compile(r"exitcode *: *-9\b"), "Killed (exit code -9)."),
    (re.compile(r"exitcode *: *-11\b|Segmentation fault"), "It crashed (segmentation fault)."),
    (re.compile(r"^(?:.*: line \d+: +\d+ +)?Bus error"), "It crashed (bus error)."),
    (re.compile(r"^(?:.*: line \d+: +\d+ +)?Aborted(?: \(core dumped\)|$| {2,})"), "It crashed (aborted)."),
    (re.compile(r"CANCELLED AT .* DUE TO TIME LIMIT"), "Cancelled by Slurm: time limit."),
    (re.compile(r"CANCELLED AT .* DUE TO PREEMPTION"), "Cancelled by Slurm: pre-empted."),
)  # fmt: skip
_STOPS = (
    (re.compile(r"slurmstepd: error: .* CANCELLED AT "), "Cancelled by Slurm."),
    (re.compile(r"^(?:.*: line \d+: +\d+ +)?Terminated(?:$| {2,})"), "Ended by SIGTERM."),
)
_FINISHES = (
    (re.compile(r"Training completed\. Do not forget to share your model"), "The trainer says that training is complete."),
    (re.compile(r"Training completed!? Saving trained model"), "Axolotl says that training is complete."),
    (re.compile(r"`?Trainer\.fit`? stopped: `?max_(?:epochs|steps)=\d+`? reached"), "Lightning says that training is complete."),
    (re.compile(r"^\*{3,} train metrics \*{3,}"), "The trainer has written its summary of the run."),
)  # fmt: skip
_HINTS = re.compile(
    r"Traceback|Error|Exception|Killed|[oO][oO][mM]|exitcode|fault|CANCELLED|Terminated|Aborted|CUDA out"
    r"|Training completed|Trainer\.fit|train metrics|KeyboardInterrupt|Logging error"
)


def plain_text(line: str) -> str:
    """Return a line without escape sequences."""
    return _ESCAPES.sub("", line) if "\x1b" in line else line


class LogMarks:
    """Follows the lines of a log and keeps what it says of an end; training that goes on makes it void."""

    def __init__(self) -> None:
        self.finished = ""
        self.failed = ""
        self.stopped = ""
        self._cause = ""
        self._in_traceback = False
        self._is_harmless = False
        self._before = ""
        self._draws = 0

    def trains_on(self) -> None:
        """A row of training followed: whatever was said before was no end."""
        self.finished = self.failed = self.stopped = self._cause = ""
        self._in_traceback = False
        self._draws = 0

    def draws_on(self) -> None:
        """A progress bar moved: after a few of these an error was no end; a summary stays one."""
        if self.failed or self.stopped:
            self._draws += 1
            if self._draws >= FEWEST_DRAWS:
                self.failed = self.stopped = ""
                self._draws = 0

    def see_summary(self) -> None:
        """The trainer's own last row was found."""
        self.trains_on()
        self.finished = "The trainer has written its summary of the run."

    def see(self, line: str) -> None:
        """Take one line, without its end."""
        if not self._in_traceback and _HINTS.search(line) is None:
            if line.strip():
                self._before = line
            return
        text = _PREFIX.sub("", plain_text(line), count=1).rstrip()
        if self._in_traceback:
            self._see_traceback(text)
        elif _TRACEBACK in text:
            self._in_traceback = True
            self._is_harmless = any(words in self._before for words in _HARMLESS_BEFORE)
        else:
            self._see_mark(text)
        if text.strip():
            self._before = text

    def _see_traceback(self, text: str) -> None:
        if not text.strip() or text.startswith((" ", "\t")) or _TRACEBACK in text:
            return
        match = _ERROR_LINE.match(text)
        if match is None:
            self._in_traceback = False
            self._see_mark(text)
            return
        self._in_traceback = False
        if not self._is_harmless:
            self._fail(match["name"].rpartition(".")[2], text)

    def _fail(self, name: str, text: str) -> None:
        self._draws = 0
        if name == "KeyboardInterrupt":
            self.stopped = "Stopped by Ctrl-C (KeyboardInterrupt)."
        elif name in _LAUNCHERS and (self._cause or self.failed or self.stopped):
            if not self.stopped:
                self.failed = self.failed or self._cause
        else:
            self.failed = self._cause = text[:LONGEST_REASON]

    def _see_mark(self, text: str) -> None:
        if _BARE_ERROR.match(text):
            self._fail("", text)
            return
        for pattern, words in _KILLS:
            if pattern.search(text):
                self.failed, self._draws = self.failed or words, 0
                return
        for pattern, words in _STOPS:
            if pattern.search(text):
                self.stopped, self._draws = self.stopped or words, 0
                return
        for pattern, words in _FINISHES:
            if pattern.search(text):
                self.finished, self.failed, self.stopped = words, "", ""
                return


def last_failure(data: bytes) -> str:
    """Return the error with which a piece of a log ends, "" when it says of none."""
    marks = LogMarks()
    for line in data.decode("utf-8", errors="replace").splitlines():
        marks.see(line)
    return marks.failed

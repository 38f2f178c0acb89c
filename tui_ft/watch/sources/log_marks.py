"""How a log says that a run ended: its summary, an uncaught error, a kill, a stop by hand."""

from __future__ import annotations

import re

LONGEST_REASON = 300
FEWEST_DRAWS = 3
"""So many moves of a progress bar after an error show that it was caught and the work went on."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]")
_PREFIX = re.compile(
    r"^(?:\[?(?:[\w.-]{1,80}:)?(?:rank|default|worker)[ _]?\d+\]?:(?: ?\[rank\d+\]:)?"
    r"|\(\w[\w ]{0,80}pid=\d+[^)]{0,80}\)|\d+: (?=\S|  ))"
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
_LONGEST_MARK = 2_000
_ERROR_LINE = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<words>.*)|:?)$")
_BARE_ERROR = re.compile(
    r"^(?:torch\.)?(?:cuda\.)?OutOfMemoryError: |^RuntimeError: CUDA |^CUDA out of memory\.|^MemoryError$"
)
_LAUNCHERS = ("ChildFailedError", "CalledProcessError", "SignalException", "ProcessRaisedException",
              "ProcessExitedException", "RayTaskError", "SystemExit")  # fmt: skip
"""Errors of launchers: they say that a worker died, the worker's own error says why."""

KILLED = "Killed, as by `kill -9` or for want of memory."
_KILLS = (
    (re.compile(r"(?:^|: line \d+: +\d+ +|\s)Killed(?:$| {2,}| +python)"), KILLED),
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
    (re.compile(r"Training completed\. Do not forget to share your"), "It says that training completed."),
    (re.compile(r"Training completed!? Saving trained model"), "It says that training completed."),
    (re.compile(r"Trainer\.fit`? stopped: `?max_\w{5,6}=\d+`? reached"), "Lightning has done all epochs."),
    (re.compile(r"^\*{3,} train metrics \*{3,}"), "The trainer has written its summary of the run."),
)  # fmt: skip
_HINTS = ("error", "exception", "traceback", "killed", "oom", "exitcode", "fault", "cancelled", "terminated",
          "aborted", "cuda out", "training completed", "trainer.fit", "train metrics",
          "keyboardinterrupt")  # fmt: skip
"""A line without any of these, in small letters, is no mark."""


def plain_text(line: str) -> str:
    """Return a line without escape sequences."""
    return _ESCAPES.sub("", line) if "\x1b" in line else line


def without_rank(line: str) -> str:
    """Return a line without what a launcher put before it."""
    return _PREFIX.sub("", line, count=1)


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
        if not self._in_traceback and not any(map(line.lower().__contains__, _HINTS)):
            if line and not line.isspace():
                self._before = line
            return
        text = without_rank(plain_text(line[:_LONGEST_MARK])).rstrip()
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
            self.failed = self._cause = _shortened(text)

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


def _shortened(text: str) -> str:
    """A long line of an error, cut between words."""
    if len(text) <= LONGEST_REASON:
        return text
    cut = text[:LONGEST_REASON]
    return (cut.rpartition(" ")[0] or cut) + "…"

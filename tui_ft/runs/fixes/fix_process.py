"""Carrying out a fix in a process of its own: a run that stops to go on does go on, whoever closes what.

Between the stop and the next attempt lie a step and a save. An app, a command or a connection that ends
meanwhile must not leave the run stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Fix, How
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import printable
from tui_ft.runs.fixes import fixing
from tui_ft.runs.fixes.stopping import STOPS_WITHIN_S
from tui_ft.runs.own_environment import own_environment

_LARGEST_BYTES = 1 << 20


class Order(msgspec.Struct, kw_only=True, frozen=True):
    """What the process is told: a plan, as it was shown."""

    run: str
    root: str
    fix: Fix
    how: How
    by: str
    from_step: int | None = None
    is_over_here: bool = False
    take_over: bool = False
    trainer: list[str] | None = None
    ends_after_s: float | None = None
    patience_s: float = STOPS_WITHIN_S


class Word(msgspec.Struct, kw_only=True, frozen=True):
    """A line of what it says: what it does now; at the end the run that goes, or why none does."""

    said: str = ""
    run: str | None = None
    error: str | None = None
    hint: str = ""


class FixProcess:
    """A fix that is being carried out; it goes on when this object is forgotten."""

    def __init__(self, process: subprocess.Popen[bytes], answer: IO[bytes]) -> None:
        self._process = process
        self._answer = answer
        self._read = 0

    def look(self) -> list[Word]:
        """What it said since the last look; the last word has a run or an error. Costs next to nothing."""
        if self._answer.closed:
            return []
        is_over = self._process.poll() is not None
        words = self._new_words()
        if is_over and not any(word.run or word.error for word in words):
            words.append(Word(error="The fix was not carried out: its process ended without a word."))
        if any(word.run or word.error for word in words):
            self._answer.close()
            self._process.wait()  # it has said its last word
        return words

    def _new_words(self) -> list[Word]:
        data = os.pread(self._answer.fileno(), _LARGEST_BYTES, self._read)
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return [msgspec.json.decode(line, type=Word) for line in whole.splitlines() if line.startswith(b"{")]


def begin(
    run: RunDirectory, made: fixing.Plan, runs_root: Path, *, by: str, take_over: bool = False,
    trainer: Sequence[str] | None = None, patience_s: float = STOPS_WITHIN_S,
) -> FixProcess:  # fmt: skip
    """Start carrying out a plan, detached. Raises `TuiFtError` for one that is for a person, or no room."""
    if made.how == "command":
        raise TuiFtError("This is for you to do.", made.fix.command or made.fix.title)
    order = Order(
        run=str(run.path), root=str(runs_root), fix=made.fix, how=made.how, by=by, from_step=made.from_step,
        is_over_here=made.is_over_here, ends_after_s=made.ends_after_s, take_over=take_over,
        patience_s=patience_s,
        trainer=list(trainer) if trainer is not None else None,
    )  # fmt: skip
    try:
        answer = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as somebody looks
        with tempfile.TemporaryFile() as question:
            question.write(msgspec.json.encode(order))
            question.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-m", "tui_ft.runs.fixes.fix_process"],
                stdin=question, stdout=answer, stderr=answer, cwd="/", env=own_environment(),
                start_new_session=True, close_fds=True,
            )  # fmt: skip
    except OSError as error:
        raise TuiFtError(
            f"The fix cannot be carried out: {error.strerror}.", "Make room on the disk."
        ) from error
    return FixProcess(process, answer)


def main() -> int:
    """Carry out the order on stdin; what becomes of it is said on stdout, a failure also in output.log."""
    order = msgspec.json.decode(sys.stdin.buffer.read(_LARGEST_BYTES), type=Order)
    run = RunDirectory(Path(order.run))
    made = fixing.Plan(
        fix=order.fix, how=order.how, from_step=order.from_step, is_over_here=order.is_over_here,
        ends_after_s=order.ends_after_s,
    )  # fmt: skip
    try:
        going = fixing.carry_out(
            run, made, Path(order.root), by=order.by, take_over=order.take_over, trainer=order.trainer,
            patience_s=order.patience_s, say=lambda text: _tell(Word(said=text)),
        )  # fmt: skip
    except TuiFtError as error:
        _note(run, f"tui-ft: the fix {order.fix.name} was not carried out: {error}")
        _tell(Word(error=error.message, hint=error.hint or ""))
        return 1
    except Exception as error:  # noqa: BLE001 - nobody else would ever hear of it
        _note(run, f"tui-ft: the fix {order.fix.name} was not carried out: {type(error).__name__}: {error}")
        _tell(Word(error=f"{type(error).__name__}: {error}"))
        return 1
    _tell(Word(run=str(going.path)))
    return 0


def _tell(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


def _note(run: RunDirectory, text: str) -> None:
    """Into the run's log, where who comes back will look; a disk that is full has no room for it."""
    try:
        descriptor = os.open(run.output, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        os.write(descriptor, f"{printable(text)}\n".encode())
    except OSError:
        return
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())

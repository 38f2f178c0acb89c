"""Starting a supervisor, detached from whoever starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.lock import Lock


def start_supervisor(
    run: RunDirectory,
    attempt: int,
    lock: Lock,
    *,
    trainer: Sequence[str] = (),
    adopt: bool = False,
    environment: Mapping[str, str] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Start the supervisor of `run` and return once it has written itself into state.json.

    It gets the held `lock` by inheritance, a session of its own, no terminal, and no other descriptor; it
    leaves us as a parent at once, so that a long-lived starter has no zombie of it. `environment` is added
    to ours, for it and the trainer. `meanwhile` is called while its interpreter starts; it must not raise.

    Raises `TuiFtError` with what it said when it did not come so far.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    command = [
        sys.executable, "-m", "tui_ft.runs.supervisor", str(run.path), "--attempt", str(attempt),
        "--lock-fd", str(lock.fileno()), "--ready-fd", str(writer), "--detach",
    ]  # fmt: skip
    command += ["--adopt"] if adopt else ["--trainer", json.dumps(list(trainer))]
    try:
        try:
            starter = _start(run, command, (lock.fileno(), writer), environment or {})
            meanwhile()
            starter.wait()  # it forks and leaves at once
        finally:
            os.close(writer)
        with open(reader, "rb", closefd=False) as answers:
            answer = answers.read().decode("utf-8", "replace")
    except OSError as error:
        raise TuiFtError(
            f"The supervisor of {run.id} cannot be started: {os.strerror(error.errno or 0)}."
        ) from error
    finally:
        os.close(reader)
    if answer != "ok":
        message, _, hint = answer.partition("\n")
        raise TuiFtError(
            message or f"The supervisor of {run.id} ended before it had begun.",
            hint or f"What it said stands in {run.output}.",
        )


def _start(
    run: RunDirectory, command: Sequence[str], descriptors: Sequence[int], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    output = os.open(run.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=run.path,
            env=_environment(run, environment),
            start_new_session=True,
            close_fds=True,
            pass_fds=tuple(descriptors),
        )
    finally:
        os.close(output)


def _environment(run: RunDirectory, more: Mapping[str, str]) -> dict[str, str]:
    return {**settings.trainer_environment(), **more, "TUI_FT_RUN": str(run.path)}

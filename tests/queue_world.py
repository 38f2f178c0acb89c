"""A runs root whose trainer is a fake one, chosen by what a run's note says, also for detached processes."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing import advancing, queue
from tui_ft.runs.queueing.nudging import is_being_advanced, nudge
from tui_ft.runs.queueing.queue_file import QueueDocument, QueueEntry, queue_path, read_queue, write_queue
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

FAKE_TRAINER = Path(__file__).parent / "runs" / "fake_trainer.py"

_TRAINER = """#!/bin/sh
shift 2
behaviour=$(sed -n 's/^text = "\\(.*\\)"$/\\1/p' "$2/spec.toml")
exec {python} {fake} "$behaviour" "$@"
"""


class QueueWorld:
    """Queues runs of the fake trainer; `behaviour` is that of tests/runs/fake_trainer.py."""

    def __init__(self, root: Path, spec: RunSpec) -> None:
        self.root = root
        self.spec = spec

    def spec_of(self, behaviour: str, name: str = "one") -> RunSpec:
        return overrides.apply(self.spec, [f"notes.text={behaviour}", f"notes.name={name}"])

    def add(self, behaviour: str = "steps=3", name: str = "one", **terms: bool) -> RunDirectory:
        return queue.add(self.spec_of(behaviour, name), self.root, terms=queue.Terms(**terms))

    def nudge(self) -> bool:
        return nudge(self.root)

    def advance(self) -> str:
        return advancing.advance(self.root)

    def entries(self) -> list[QueueEntry]:
        return list(queue.current(self.root).entries)

    def ids(self) -> list[str]:
        return [entry.id for entry in read_queue(self.root).entries]

    def entry(self, run: RunDirectory) -> QueueEntry:
        return next(entry for entry in self.entries() if entry.id == run.id)

    @staticmethod
    def status(run: RunDirectory) -> str:
        return read_truth(run).status

    def wait_for(self, run: RunDirectory, *statuses: str, seconds: float = 20.0) -> None:
        wait_until(lambda: self.status(run) in statuses, lambda: f"{run.id} is {read_truth(run)}", seconds)


@contextmanager
def queue_world(
    root: Path, spec: RunSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[QueueWorld]:
    """The world of one test; when it ends nothing starts any more, and nobody is at the queue."""
    use_fake_trainer(folder, monkeypatch)
    yield QueueWorld(root, spec)
    if root.exists():
        queue_path(root).unlink(missing_ok=True)
        write_queue(root, QueueDocument(held=True))
        wait_until(lambda: not is_being_advanced(root), lambda: "the advancing process never ends")


def wait_until(is_so: Callable[[], object], what: Callable[[], str], seconds: float = 20.0) -> None:
    """Ask again and again until `is_so`; after `seconds` fail with what there is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what()}")
        time.sleep(0.03)


def use_fake_trainer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make settings, for this process and all it starts, whose trainer is the fake one."""
    script = folder / "fake-python"
    python, fake = shlex.quote(sys.executable), shlex.quote(str(FAKE_TRAINER))
    script.write_text(_TRAINER.format(python=python, fake=fake))
    script.chmod(0o700)
    config = folder / "config" / "tui-ft"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text(f"trainer_python = {str(script)!r}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert os.access(script, os.X_OK)

"""A checkpoint's way from the library's files to a proved folder, behind the training's back."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass

from tui_ft.runs.checkpoints import Manifest
from tui_ft.runs.directory import UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.records import CheckpointEvent
from tui_ft.train import checkpoints
from tui_ft.train.cadence import span
from tui_ft.train.journal import Journal
from tui_ft.train.retention import Retention, retire


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checkpoint that the library has written. `began` is the monotonic time at which its save began;
    `blocked_s` is how long the training stood still for it. A wait for room on the disk is no part of either.
    """

    step: int
    tokens: int
    eval_loss: float | None
    learning_rate: float | None
    began: float
    blocked_s: float


class Saver:
    """Proves one checkpoint at a time in a thread of its own, and retires what is no longer kept.

    A checkpoint is spoken of only once it is proved. What goes wrong is raised to whoever waits next.
    """

    def __init__(self, run: RunDirectory, journal: Journal, retention: Retention) -> None:
        self._run = run
        self._journal = journal
        self._retention = retention
        self._drafts: queue.SimpleQueue[Draft | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.last: CheckpointEvent | None = None
        """The newest checkpoint that this attempt has proved."""

    @property
    def is_at_work(self) -> bool:
        return not self._idle.is_set()

    @property
    def has_failed(self) -> bool:
        """True when a checkpoint could not be proved, and `wait` has not yet said so."""
        return self._idle.is_set() and self._error is not None

    def open(self) -> None:
        """Make the thread, while there is memory for one: a thread that dies at its birth is waited for
        for ever.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let the thread end once it has nothing to do; `wait` before, to hear of what went wrong."""
        if self._thread is not None:
            self._drafts.put(None)
            self._thread.join()
            self._thread = None

    def submit(self, draft: Draft) -> None:
        """Have `draft` proved. There must be none at work: `wait` first."""
        assert not self.is_at_work
        self.open()
        with self._journal.shield():  # a stop between the two would leave the next wait without an end
            self._idle.clear()
            self._drafts.put(draft)

    def join(self) -> None:
        """Return once nothing is at work; what went wrong is left for `wait`."""
        self._idle.wait()

    def wait(self) -> None:
        """Return once nothing is at work. Raises what went wrong since the last time."""
        self.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def discard(self) -> None:
        """Remove what a failed save left; its room is needed. Raises `OSError`."""
        for folder in self._run.checkpoints.glob(f"{UNFINISHED_PREFIX}*"):
            checkpoints.remove(folder)

    def retire(self) -> list[str]:
        """Remove all that need not be kept, even of the newest: only that one and the best stay."""
        return retire(self._run, Retention(keep=1))

    def _work(self) -> None:
        while (draft := self._drafts.get()) is not None:
            try:
                self._prove(draft)
            except BaseException as error:  # noqa: BLE001 - `wait` raises it where the training can act on it
                self._error = error
            finally:
                self._idle.set()

    def _prove(self, draft: Draft) -> None:
        manifest = checkpoints.finish(
            self._run, draft.step, draft.tokens, draft.eval_loss, draft.learning_rate
        )
        self._tell(draft, manifest)

    def _tell(self, draft: Draft, manifest: Manifest) -> None:
        removed, problem = [], None
        try:
            removed = retire(self._run, self._retention)
        except OSError as error:
            problem = error  # the new one is whole all the same
        event = CheckpointEvent(
            time=time.time(),
            step=draft.step,
            path=str(self._run.checkpoint(draft.step)),
            bytes=sum(manifest.files.values()),
            files=manifest.files,
            seconds=round(time.monotonic() - draft.began, 3),
            blocked_s=round(draft.blocked_s, 3),
            eval_loss=manifest.eval_loss,
            removed=removed,
        )
        unsynced = None
        try:
            self._journal.sync()  # the curve up to here outlasts a power cut as the checkpoint does
        except OSError as error:
            unsynced = error
        self.last = event
        self._journal.event(event)
        self._journal.say(
            f"{self._run.checkpoint(draft.step).name} saved: whole after {span(event.seconds)}, "
            f"the training stood still for {span(draft.blocked_s)}"
        )
        leftover = checkpoints.unfinished_folder(self._run, draft.step)
        if leftover.exists():
            self._journal.warn("retention", f"{leftover} could not be removed: it is of no use any more.")
        if problem is not None:
            self._journal.warn("retention", f"An older checkpoint could not be removed: {problem}.")
        if unsynced is not None:
            self._journal.warn(
                "rows_not_synced",
                f"The checkpoint of step {draft.step} is whole, but its curve could not be written down for "
                f"good: {unsynced}. A power cut could cost the newest rows.",
            )

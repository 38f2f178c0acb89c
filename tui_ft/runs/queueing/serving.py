"""One look at the queue: the run whose turn it is starts, is held with the reason, or is said to wait for."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing.nudging import first_waiting
from tui_ft.runs.queueing.pausing import is_paused
from tui_ft.runs.queueing.queue_file import (
    LONGEST_REASON,
    NoRoomError,
    QueueDocument,
    QueueEntry,
    WaitsFor,
    read_queue,
)

_MOST_EARLIER = 5


def serve(root: Path, trainer: Sequence[str] | None = None) -> WaitsFor:
    """Start every run whose turn it is; return what the next waits for. The advance lock is held.

    A disk without room for the queue itself is waited for like one without room for the run.
    Raises `TuiFtError` where the queue cannot be read, or written for another reason.
    """
    try:
        return _serve_all(root, trainer)
    except NoRoomError as error:
        say(str(error))
        return "disk"


def _serve_all(root: Path, trainer: Sequence[str] | None) -> WaitsFor:
    """Raises `NoRoomError` where what is to be written finds no room: nothing is lost by looking again."""
    from tui_ft.runs.adopting import adopt_orphans
    from tui_ft.runs.queueing import queue

    adopt_orphans(root)
    queue.current(root)  # what was lost is found, what has begun leaves it
    if is_paused(root):
        return "launch" if first_waiting(read_queue(root)) is not None else ""
    if first_waiting(document := read_queue(root)) is not None:
        _resume_cut_off(root, document)
    while (first := first_waiting(document := read_queue(root))) is not None:
        waits_for = _serve(root, document, first, trainer)
        if not waits_for and is_paused(root):
            return "launch"
        if waits_for:
            return waits_for
    return ""


def _resume_cut_off(root: Path, document: QueueDocument) -> None:
    """The run in front goes on first, where it was cut off and its spec wants that."""
    from tui_ft.runs.queueing.resuming import resume_cut_off

    try:
        run = resume_cut_off(root, document)
    except TuiFtError as error:
        say(f"The run in front was cut off and could not be resumed: {error}")
        return
    if run is not None:
        say(f"{run.id} was cut off and goes on.")


def _serve(root: Path, document: QueueDocument, entry: QueueEntry, trainer: Sequence[str] | None) -> WaitsFor:
    """Start `entry`, or hold it, or say what it waits for."""
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.choosing import GpuTakenError
    from tui_ft.runs.queueing.deciding import decide, environment_of
    from tui_ft.runs.queueing.sight import look_around
    from tui_ft.spec import toml

    run = RunDirectory(root.resolve() / entry.id)
    with environment_of(entry):
        try:
            sight = look_around(root)
            if run.id in sight.untaken and _is_under_way(run):
                _write(root, entry, waits_for="launch", reason="it is being started")
                return "launch"
            decision = decide(document, entry, toml.load(run.spec), sight, read_gpus(), root)
            if decision.start:
                if not _claim(root, entry):
                    return ""  # a person changed the queue meanwhile: it is looked at again
                return _start(root, run, decision.gpus, trainer)
        except NoRoomError:
            raise
        except GpuTakenError as error:
            _write(root, entry, state="waiting", waits_for="launch", reason=error.message)
            return "launch"
        except Exception as error:  # noqa: BLE001 - whatever it was, the runs behind it are to go on
            if not isinstance(error, TuiFtError):
                with suppress(OSError):
                    traceback.print_exc()
            _hold(root, run, entry, str(error) if isinstance(error, TuiFtError) else repr(error))
            return ""
    if decision.hold:
        _write(
            root,
            entry,
            state="held",
            waits_for="",
            reason=decision.reason,
            needed_bytes=decision.needed_bytes,
        )
        return ""
    _write(
        root,
        entry,
        state="waiting",
        waits_for=decision.waits_for,
        behind=decision.behind,
        reason=decision.reason,
        needed_bytes=decision.needed_bytes or entry.needed_bytes,
    )
    return decision.waits_for


def _start(root: Path, run: RunDirectory, gpus: Sequence[str], trainer: Sequence[str] | None) -> WaitsFor:
    """Launch it on the GPUs that were decided on. Raises `TuiFtError`."""
    from tui_ft.runs import launch

    launch.begin(run, trainer=trainer, gpus=gpus)
    _leave(root, run.id)
    say(f"{run.id} was started.")
    return ""


def _is_under_way(run: RunDirectory) -> bool:
    """True while another process may be launching it: for some seconds, or as long as its lock is held."""
    from tui_ft.runs.truth import read_truth

    return read_truth(run).status == "starting"


def _hold(root: Path, run: RunDirectory, entry: QueueEntry, why: str) -> None:
    """It cannot start: it stays, held, where it has not begun; else its own state tells, and it leaves."""
    from tui_ft.runs.queueing.sight import look

    sight = look(root)
    if run.id in sight.waiting or run.id in sight.untaken or run.id in sight.unreadable:
        _write(root, entry, state="held", waits_for="", behind="", reason=f"cannot start: {why}")
    else:
        _leave(root, run.id)
    say(f"{run.id} was not started: {why}")


def _claim(root: Path, entry: QueueEntry) -> bool:
    """Say that `entry` starts now, unless it is not its turn any more: then nothing is changed."""
    from tui_ft.runs.queueing import queue

    claimed = False

    def put(document: QueueDocument) -> QueueDocument:
        nonlocal claimed
        claimed = first_waiting(document) == entry and not is_paused(root)
        if not claimed:
            return document
        starting = msgspec.structs.replace(
            entry, state="starting", waits_for="", behind="", reason="", looked_at=time.time()
        )
        entries = tuple(starting if other.id == entry.id else other for other in document.entries)
        return msgspec.structs.replace(document, entries=entries)

    queue.change(root, put)
    return claimed


def _write(root: Path, entry: QueueEntry, **changes: object) -> None:
    """Write into the queue what was found of `entry`, unless a person changed or removed it meanwhile."""
    from tui_ft.runs.queueing import queue

    if isinstance(changes.get("reason"), str):
        changes["reason"] = str(changes["reason"])[:LONGEST_REASON]

    def put(document: QueueDocument) -> QueueDocument:
        entries = tuple(_changed(other, entry, changes) for other in document.entries)
        behind = changes.get("behind")
        earlier = _with(document, behind) if isinstance(behind, str) and behind else document.earlier
        return msgspec.structs.replace(document, entries=entries, earlier=earlier)

    queue.change(root, put)


def _changed(now: QueueEntry, seen: QueueEntry, changes: dict[str, object]) -> QueueEntry:
    if now.id != seen.id or (now.state == "held" and seen.state != "held"):
        return now
    changed = msgspec.structs.replace(now, **changes)
    return now if changed == now else msgspec.structs.replace(changed, looked_at=time.time())


def _with(document: QueueDocument, run_id: str) -> tuple[str, ...]:
    """The runs that went before, and now `run_id`."""
    if run_id in document.earlier:
        return document.earlier
    return (*document.earlier, run_id)[-_MOST_EARLIER:]


def _leave(root: Path, run_id: str) -> None:
    """Take a run out of the queue that has begun."""
    from tui_ft.runs.queueing import queue

    def put(document: QueueDocument) -> QueueDocument:
        entries = tuple(entry for entry in document.entries if entry.id != run_id)
        others = tuple(name for name in document.earlier if name != run_id)
        earlier = (*others, run_id)[-_MOST_EARLIER:]
        return msgspec.structs.replace(document, entries=entries, earlier=earlier)

    queue.change(root, put)


def say(text: str) -> None:
    """Write a dated line into queue.log, which is our standard output; a full disk swallows it."""
    from tui_ft.spec.errors import printable

    with suppress(OSError):
        sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {printable(text)}\n")
        sys.stdout.flush()

"""Starting what waits in the queue, in its turn: `python -m tui_ft.runs.advancing ROOT`.

It ends as soon as nobody needs it: when nothing waits, or when the supervisor of the run in front will call
it again at that run's end. Only while a run waits for memory that somebody else holds it stays and looks.

A kill at any instant loses nothing and starts nothing twice: a run that waits is a directory with the status
`queued`; it begins under its own lock, with a new status that everybody reads; what queue.json says of it is
mended from that by the next one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarded_file import open_lock, take
from tui_ft.runs.nudging import advance_lock, first_waiting
from tui_ft.runs.queue_file import (
    LONGEST_REASON,
    QueueDocument,
    QueueEntry,
    WaitsFor,
    read_queue,
)

STAYS_S = 24 * 3600.0
"""For so long it waits for memory; then the next command goes on."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 30.0
_LAUNCH_PAUSE_S = 2.0
_TICK_S = 1.0
_LOCK_S = 0.3
"""Whoever asks whether somebody is at it holds the lock for some microseconds."""
_MOST_EARLIER = 5


def advance(root: Path, trainer: Sequence[str] | None = None) -> WaitsFor:
    """Start every run of the queue whose turn it is, without waiting; return what the next waits for.

    "" means that nothing waits any more, that nothing is to start, or that another process sees to it.
    `trainer` replaces the trainer's command. Raises `TuiFtError` where the queue cannot be used.
    """
    try:
        descriptor = open_lock(advance_lock(root))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise TuiFtError(f"The queue of {root} cannot be advanced: {why}.") from error
    try:
        return _advance(root, trainer) if take(descriptor, _LOCK_S) else ""
    finally:
        os.close(descriptor)


def _advance(root: Path, trainer: Sequence[str] | None) -> WaitsFor:
    """Like `advance`, with the lock held."""
    from tui_ft.runs import queue
    from tui_ft.runs.adopting import adopt_orphans

    adopt_orphans(root)
    queue.current(root)  # what was lost is found, what has begun leaves it
    if first_waiting(document := read_queue(root)) is not None:
        _resume_cut_off(root, document)
    while (first := first_waiting(document := read_queue(root))) is not None:
        waits_for = _serve(root, document, first, trainer)
        if waits_for:
            return waits_for
    return ""


def _resume_cut_off(root: Path, document: QueueDocument) -> None:
    """The run in front goes on first, where it was cut off and its spec wants that."""
    from tui_ft.runs.queue_resuming import resume_cut_off

    try:
        run = resume_cut_off(root, document)
    except TuiFtError as error:
        _say(f"The run in front was cut off and could not be resumed: {error}")
        return
    if run is not None:
        _say(f"{run.id} was cut off and goes on.")


def _serve(root: Path, document: QueueDocument, entry: QueueEntry, trainer: Sequence[str] | None) -> WaitsFor:
    """Start `entry`, or hold it, or say what it waits for."""
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.queue_deciding import decide, environment_of
    from tui_ft.runs.queue_sight import look
    from tui_ft.spec import toml

    run = RunDirectory(root.resolve() / entry.id)
    with environment_of(entry):
        try:
            sight = look(root)
            if run.id in sight.untaken and _is_under_way(run):
                _write(root, entry, waits_for="launch", reason="it is being started")
                return "launch"
            decision = decide(document, entry, toml.load(run.spec), sight, read_gpus(), root)
            if decision.start:
                _write(root, entry, state="starting", waits_for="", behind="", reason="")
                return _start(root, run, decision.gpus, trainer)
        except Exception as error:  # noqa: BLE001 - whatever it was, the runs behind it are to go on
            if not isinstance(error, TuiFtError):
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

    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    launch.begin(run, trainer=trainer)
    _leave(root, run.id)
    _say(f"{run.id} was started.")
    return ""


def _is_under_way(run: RunDirectory) -> bool:
    """True while another process may be launching it: for some seconds, or as long as its lock is held."""
    from tui_ft.runs.truth import read_truth

    return read_truth(run).status == "starting"


def _hold(root: Path, run: RunDirectory, entry: QueueEntry, why: str) -> None:
    """It cannot start: it stays, held, where it has not begun; else its own state tells, and it leaves."""
    from tui_ft.runs.queue_sight import look

    sight = look(root)
    if run.id in sight.waiting or run.id in sight.untaken or run.id in sight.unreadable:
        _write(root, entry, state="held", waits_for="", behind="", reason=f"cannot start: {why}")
    else:
        _leave(root, run.id)
    _say(f"{run.id} was not started: {why}")


def _write(root: Path, entry: QueueEntry, **changes: object) -> None:
    """Write into the queue what was found of `entry`, unless a person changed or removed it meanwhile."""
    from tui_ft.runs import queue

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
    from tui_ft.runs import queue

    def put(document: QueueDocument) -> QueueDocument:
        entries = tuple(entry for entry in document.entries if entry.id != run_id)
        others = tuple(name for name in document.earlier if name != run_id)
        earlier = (*others, run_id)[-_MOST_EARLIER:]
        return msgspec.structs.replace(document, entries=entries, earlier=earlier)

    queue.change(root, put)


# --- the process ---------------------------------------------------------------------------------------


def stay(root: Path, trainer: Sequence[str] | None = None, stays_s: float = STAYS_S) -> None:
    """Advance the queue until nobody needs us; at once back where another process is at it already.

    Raises `TuiFtError` and `OSError` where the runs root cannot be used.
    """
    give_up = time.monotonic() + stays_s
    while True:
        descriptor = open_lock(advance_lock(root))
        try:
            if not take(descriptor, _LOCK_S):
                return  # that one was poked before we came, and looks again
            poked = _advance_patiently(root, descriptor, give_up, trainer)
        finally:
            os.close(descriptor)
        if _stamp(advance_lock(root)) == poked:
            return  # else somebody saw us at it, and left it to us


def _advance_patiently(root: Path, descriptor: int, give_up: float, trainer: Sequence[str] | None) -> int:
    """Look, and again while the first run waits for memory; return the stamp of the last poke seen."""
    pause = _FIRST_PAUSE_S
    while True:
        poked = os.fstat(descriptor).st_mtime_ns
        waits_for = _advance(root, trainer)
        if waits_for in ("", "run") or time.monotonic() >= give_up:
            return poked
        _sleep(_LAUNCH_PAUSE_S if waits_for == "launch" else pause, descriptor, poked)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _sleep(seconds: float, descriptor: int, poked: int) -> None:
    """Sleep, but no longer than until somebody pokes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.fstat(descriptor).st_mtime_ns == poked:
        time.sleep(min(_TICK_S, max(0.0, end - time.monotonic())))


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _say(text: str) -> None:
    from tui_ft.spec.errors import printable

    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {printable(text)}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """See the module's docstring; exit code 0, or 2 where the queue cannot be used."""
    parser = argparse.ArgumentParser(prog="tui_ft.runs.advancing", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--detach", action="store_true", help="leave our parent at once")
    parser.add_argument("--after", type=float, default=0.0, metavar="S", help="begin so many seconds later")
    options = parser.parse_args(arguments)
    if options.detach and os.fork() > 0:
        os._exit(0)
    os.umask(0o077)
    time.sleep(options.after)
    try:
        stay(options.root)
    except (TuiFtError, OSError) as error:
        _say(f"The queue was not advanced: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

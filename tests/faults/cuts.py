"""A checkpoint cut at every file: the newest one of a stopped run loses a file, a part of one, or one bit."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from faults.oracle import Reference, Untrue
from faults.playing import Play
from faults.world import World

from tui_ft.runs.directory import MANIFEST, list_directories

WAYS = ("removed", "empty", "one byte", "half", "all but one byte", "a bit flipped", "a byte more")
_template = Path("/nonexistent")


def prepare(folder: Path, undisturbed: Reference) -> None:
    """Make the run that all cuts are done to copies of: stopped after its second checkpoint at least."""
    global _template
    world = World(folder)
    world.start()
    saved = lambda: sum(row["event"] == "checkpoint" for row in world.events()) >= 2  # noqa: E731
    if not world.wait(saved, 60.0):
        raise Untrue("no run could be made to cut the checkpoints of")
    world.signal("supervisor", signal.SIGTERM)
    world.wait(lambda: world.pid("supervisor") is None, 120.0)
    world.end_all()
    _template = world.root


def cut(play: Play) -> None:
    world = play.world
    shutil.rmtree(world.root)
    shutil.copytree(_template, world.root)
    run = list_directories(world.root)[0]
    step, folder = run.list_checkpoints()[0]
    files = sorted(path.name for path in folder.iterdir())
    name = files[play.case.number % len(files)]
    way = WAYS[(play.case.number // len(files) + play.case.number + play.case.seed) % len(WAYS)]
    if name == MANIFEST and way not in WAYS[:4]:
        way = "half"  # its last byte says nothing, and it cannot hold its own hash
    _damage(folder / name, way, play)
    play.hit = True
    there = [other for other, _ in run.list_checkpoints() if other != step]
    world.say(f"{folder.name}/{name}: {way}")
    before = len(world.events())
    play.resume_from(there)
    opened = lambda: [row for row in world.events()[before:] if row["event"] == "attempt"]  # noqa: E731
    if not world.wait(
        lambda: opened() or (world.reap() is not None and world.died and world.died.code), 120.0
    ):
        raise Untrue("two minutes after resume no attempt was opened")
    if not opened():
        raise Untrue(f"resume said no, though that of {there} is whole: {world.died}")
    row = opened()[0]
    rejected = [Path(bad["path"]).name for bad in row["rejected"]]
    if row["step"] != there[0] or rejected != [folder.name]:
        raise Untrue(f"{name} {way}: resumed from step {row['step']}, passed over {rejected}")
    play.broken = frozenset({folder.name})
    if play.dice.random() < 0.25:
        play.rest()
        play.broken = frozenset()
        while play.go_on():
            play.rest()
        return
    play.outcome = "passed over for the one before"


def _damage(path: Path, way: str, play: Play) -> None:
    data = path.read_bytes()
    if way == "removed":
        path.unlink()
        return
    if way == "a bit flipped":
        at = play.dice.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ (1 << play.dice.randrange(8))]) + data[at + 1 :]
    else:
        length = {"empty": 0, "one byte": 1, "half": len(data) // 2, "all but one byte": len(data) - 1}.get(
            way
        )
        changed = data + b"\0" if length is None else data[:length]
    about = path.stat()
    path.write_bytes(changed)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

"""Not enough memory, by a limit of the process or of its group, and not enough room on the disk."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from pathlib import Path

from faults import rig
from faults.oracle import Skipped, Untrue, Watch
from faults.plan import PHASES
from faults.playing import Play

from tui_ft.runs import truth
from tui_ft.runs.state import read_state

_CLONE_NEWNS, _CLONE_NEWUSER, _MS_PRIVATE_REC = 0x20000, 0x10000000, 0x44000
_MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


def memory(play: Play) -> None:
    """The trainer may have no more memory: by its own limit, or its group's, where the kernel kills it."""
    world, dice, how = play.world, play.dice, play.case.target
    group = _memory_group(play) if how == "cgroup" else None
    if how != "address space":
        rig.current = rig.Rig(hungry_step=dice.randint(2, 11), hungry_bytes=3 << 30, oom_score=900)
        world.say(f"hungry in step {rig.current.hungry_step}")
    try:
        world.start()
        if how == "address space":
            play.hit = play.reach(
                dice.choice(("training", "evaluating", "saving")), dice.random(), dice.random()
            )
            _limit(play, dice.choice((0, 1 << 20)))
        elif how == "hungry":
            play.hit = play.reach("sampling", 0.0, 0.0)
            _limit(play, 1 << 30)
        play.signals.add("KILL")
        play.strikes += 1
        play.rest()
        rig.current = rig.Rig()
        _told_of_memory(play, how)
        play.hit |= how == "cgroup"
        while play.go_on():
            play.rest()
    finally:
        if group is not None:
            world.end_all()
            (group.parent / "cgroup.procs").write_text(str(os.getpid()))
            group.rmdir()


def _limit(play: Play, more: int) -> None:
    pid = play.world.pid("trainer")
    if pid is None:
        return
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + more
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
    except (OSError, ValueError):
        return  # it ended just now
    play.world.say(f"the trainer may have {limit >> 20} MiB of addresses")


def _told_of_memory(play: Play, how: str) -> None:
    run = play.world.run
    assert run is not None
    state = read_state(run)
    if how == "address space" or state.exit is None:
        return  # what breaks first without room for one page differs
    if state.exit.cause != "host_oom":
        raise Untrue(f"the machine's memory did not suffice, and it is said to be {state.exit}")


def _memory_group(play: Play) -> Path:
    own = next((line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()
                if line.split(":", 2)[1] == "memory"), None)  # fmt: skip
    group = _MEMORY_GROUPS / (own or "/").lstrip("/") / f"tui-ft-fault-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(1 << 30))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        raise Skipped(f"no memory cgroup of our own can be made ({error.strerror})") from error
    return group


def disk(play: Play) -> None:
    """The disk becomes full, and has room again later."""
    world, dice = play.world, play.dice
    _own_disk(world.root)
    world.start()
    play.hit = play.reach(dice.choice(PHASES[1:]), dice.random(), dice.random())
    filler = world.root / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    world.say("the disk is full")
    play.strikes += 1
    watch = Watch(world, frozenset({"TERM"}))
    deadline = time.monotonic() + dice.choice((1.0, 6.0))
    while time.monotonic() < deadline:
        watch.look()
        time.sleep(0.02)
    play.worst_s = watch.worst_s
    run = world.run
    if run is not None:
        world.say(f"while it is full: {truth.read_truth(run)[1:3]}")
    filler.unlink()
    world.say("there is room again")
    play.may_miss = True
    while play.go_on_or_wait():
        pass


def _own_disk(root: Path) -> None:
    """Mount a small disk there, seen by this case alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if user else 0)) != 0:
        raise Skipped("no mounts of one's own here (unshare)")
    if user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path(f"/proc/self/{name}").write_text(text)
    libc.mount(b"none", b"/", None, _MS_PRIVATE_REC, None)
    if libc.mount(b"none", os.fsencode(root), b"tmpfs", 0, b"size=160m") != 0:
        raise Skipped("no tmpfs can be mounted here")

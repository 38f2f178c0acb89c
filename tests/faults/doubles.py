"""A second one of what there may be one of: it is refused, and nothing is spoilt."""

from __future__ import annotations

import os
import signal

from faults.instants import kill_both_in
from faults.oracle import Untrue
from faults.plan import PHASES
from faults.playing import Play


def two(play: Play) -> None:
    """A second one of what there may be one of: it is refused, and nothing is spoilt."""
    world, dice, what = play.world, play.dice, play.case.target
    world.start()
    if what in ("trainers", "supervisors"):
        play.hit = play.reach(dice.choice(PHASES[2:7]), dice.random(), dice.random())
        _second(play, what)
    elif what == "resumes":
        met = kill_both_in(play, dice.choice(("evaluating", "saving")))
        if met and play.saved_now() and not play.is_finished():
            _both_at_once(play, "resume")
    else:
        play.hit = play.reach(dice.choice(PHASES[2:6]), dice.random(), dice.random())
        world.signal("supervisor", signal.SIGKILL)
        world.killed()
        play.strikes += 1
        play.signals.add("KILL")
        _both_at_once(play, "adopt")
    while play.go_on_or_wait():
        pass


def _second(play: Play, what: str) -> None:
    from tui_ft.runs import supervisor
    from tui_ft.train import entry

    run, world = play.world.run, play.world
    assert run is not None

    def second() -> int:
        if what == "trainers":
            return entry.run_attempt(run.path, 1)
        return supervisor.main([str(run.path), "--attempt", "1", "--trainer", '["/bin/true"]'])

    if world.condition("trainer") != "alive":
        return
    code = world.aside(second)
    if code != 2 and world.condition("trainer") == "alive":
        raise Untrue(f"a second one of the {what} was not refused: it ended with {code}")
    world.say(f"a second one of the {what} is refused")


def _both_at_once(play: Play, what: str) -> None:
    world = play.world
    run = world.run
    assert run is not None
    before = len(world.events())

    def command() -> None:
        world.resume() if what == "resume" else world.adopt()

    command()
    first = world.launcher
    command()
    world.wait(lambda: world.reap() is not None, 120.0)
    second = world.died
    assert first is not None and second is not None
    _, status = os.waitpid(first, 0)
    opened = [row for row in world.events()[before:] if row["event"] == "attempt"]
    world.say(f"{what} twice at once: {os.waitstatus_to_exitcode(status)} and {second.code}, {second.error}")
    codes = sorted((os.waitstatus_to_exitcode(status), second.code))
    if what == "resume" and (codes != [0, 1] or len(opened) > 1):
        raise Untrue(f"two resumes at once ended with {codes} and opened {len(opened)} attempts")
    supervisors = [
        pid for role, pid, start, _ in world.noted() if role == "supervisor" and world.is_alive(pid, start)
    ]
    if len(supervisors) > 1 and not world.wait(lambda: len(world.living("supervisor")) < 2, 2.0):
        raise Untrue(f"there are {len(supervisors)} supervisors")
    world.died = None

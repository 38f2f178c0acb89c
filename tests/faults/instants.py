"""Instants between two operations on files: the process is killed just before the one that the dice say."""

from __future__ import annotations

import signal

from faults import rig
from faults.oracle import Untrue
from faults.plan import Fault
from faults.playing import Play

from tui_ft.errors import TuiFtError
from tui_ft.runs import control
from tui_ft.runs.truth import read_truth


def operation(play: Play) -> None:
    """A process dies between two operations on files, whichever the dice say."""
    role = play.case.target
    count = play.reference.operations[role]
    resumes = role == "launcher" and play.dice.random() < 0.6
    rig.current = rig.Rig(
        die_role=role,
        die_below=rig.BELOW[role],
        die_at=play.dice.randint(1, count + (6 if role == "trainer" else 0)),
    )
    play.world.say(f"the {role} dies before its operation {rig.current.die_at} of {count}")
    if resumes:
        at, rig.current = rig.current, rig.Rig()
        play.world.start()
        kill_both_in(play, play.dice.choice(("training", "evaluating", "end")))
        rig.current = at
    else:
        play.world.start()
    play.strikes += 1
    play.signals.add("KILL")
    play.rest()
    rig.current = rig.Rig()
    play.hit = True
    while play.go_on():
        play.rest()


def paused(play: Play) -> None:
    """The run is asked to pause, and is struck while it waits."""
    world = play.world
    world.start()
    play.reach("training", 0.5 * play.dice.random(), 0.5 * play.dice.random())  # late ones pause no more
    run = world.run
    assert run is not None
    try:
        control.request(run, "pause", by="the matrix")
    except TuiFtError as error:
        world.say(f"pause said no: {error}")
    told = world.wait(
        lambda: read_truth(run).status == "paused" or world.condition("trainer") == "gone", 60.0
    )
    if not told:
        raise Untrue(f"asked to pause a minute ago, and it is {read_truth(run)[1:3]}")
    target = play.dice.choice(("trainer", "supervisor", "both"))
    play.hit = play.strike(Fault(play.case.target, target, "paused", 0.0), reached=True)
    if world.condition("trainer") != "gone":
        play.rest() if world.condition("supervisor") == "gone" else None
        control.request(run, "continue", by="the matrix")
    play.to_the_end()


def kill_both_in(play: Play, phase: str) -> bool:
    """SIGKILL to supervisor and trainer somewhere in `phase`; True when it was met."""
    met = play.reach(phase, play.dice.random(), play.dice.random())
    play.strikes += 1
    for role in play.dice.sample(("trainer", "supervisor"), 2):
        play.world.signal(role, signal.SIGKILL)
    play.world.killed()
    play.signals.add("KILL")
    play.hit |= met
    play.rest()
    return met

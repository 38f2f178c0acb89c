"""Instants between two operations on files: the process is killed just before the one that the dice say."""

from __future__ import annotations

import signal

from faults import rig
from faults.playing import Play


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


def kill_both_in(play: Play, phase: str) -> bool:
    """SIGKILL to supervisor and trainer somewhere in `phase`; True when it was met."""
    met = play.reach(phase, play.dice.random(), play.dice.random())
    play.strikes += 1
    for role in play.dice.sample(("trainer", "supervisor"), 2):
        play.world.signal(role, signal.SIGKILL)
    play.signals.add("KILL")
    play.hit |= met
    play.rest()
    return met

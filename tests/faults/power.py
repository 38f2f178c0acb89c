"""The machine loses power, or is started again: what was not synced is gone, and no process is left."""

from __future__ import annotations

import signal
import time

import msgspec
from faults import rig
from faults.instants import kill_both_in
from faults.ledger import Ledger
from faults.oracle import Untrue
from faults.plan import PHASES
from faults.playing import Play

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs import elsewhere, truth
from tui_ft.runs.records import encode_document
from tui_ft.runs.state import read_state


def power(play: Play) -> None:
    """The machine loses power: what was not synced is gone, and it starts again."""
    world, dice = play.world, play.dice
    ledger = Ledger(world.folder / "ledger", world.root)
    rig.current = rig.Rig(ledger=ledger)
    world.start()
    phase = {"any": dice.choice((*PHASES[1:], "any")), "saving": "saving", "end": "end"}[play.case.target]
    play.hit = play.reach(phase, dice.random() * 1.5, dice.random())
    play.strikes += 1
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for role in ("launcher", "trainer", "supervisor"):
            world.signal(role, number)
    world.killed()
    world.wait(lambda: all(world.condition(role) == "gone" for role in ("trainer", "supervisor")), 5.0)
    world.wait(lambda: world.launcher is None or world.reap() is not None, 5.0)
    reported = _reported(play)
    rig.current = rig.Rig()
    for line in ledger.cut(dice):
        world.say(line)
    play.may_miss = play.take_over = True
    _after_a_restart(play)
    play.after_power_cut = reported
    while play.go_on():
        play.rest()


def _reported(play: Play) -> list[int]:
    """The checkpoints that had been reported saved, and not removed, when the power went."""
    found: set[int] = set()
    for row in play.world.events():
        if row["event"] == "checkpoint":
            found.add(row["step"])
            found -= {int(name.rpartition("-")[2]) for name in row.get("removed", [])}
    return sorted(found, reverse=True)


def reboot(play: Play) -> None:
    """Both are killed and the machine is another boot: what the run was doing is not known, and said so."""
    play.world.start()
    kill_both_in(play, play.dice.choice(PHASES[1:]))
    if play.world.run is not None and play.world.pid("trainer") is None:
        play.take_over = True
        _after_a_restart(play)
    while play.go_on():
        play.rest()


def _after_a_restart(play: Play) -> None:
    """As if the machine had been started again just now."""
    run = play.world.run
    if run is None:
        return
    try:
        state = read_state(run)
    except TuiFtError:
        return
    write_atomically(run.state, encode_document(msgspec.structs.replace(state, boot_id="the boot before")))
    now = time.time()
    elsewhere._began_at = lambda: now  # type: ignore[assignment]
    told = truth.read_truth(run)
    if told.status in truth.ACTIVE or (state.status in truth.ACTIVE and told.status != "unknown"):
        raise Untrue(f"after a restart of the machine it is said to be {told.status} ({told.reason})")
    play.restarted = True

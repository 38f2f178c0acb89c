"""The clock is set, or the loss becomes no number: nobody is killed, and nothing may be spoilt."""

from __future__ import annotations

import os

from faults import rig
from faults.instants import kill_both_in
from faults.oracle import Untrue, Watch, digest, same_losses
from faults.plan import PHASES
from faults.playing import Play

from tui_ft.runs import truth
from tui_ft.runs.state import read_state


def clock(play: Play) -> None:
    """Somebody sets the clock, by hours or days; nothing else happens."""
    world, dice = play.world, play.dice
    rig.current = rig.Rig(clock=rig.Clock())
    shared, began = rig.current.clock, [0.0]
    assert shared is not None
    shared.install()
    changed = truth._changed

    def as_the_clock_says(path: os.PathLike[str]) -> float | None:
        found = changed(path)
        return found if found is None or found < began[0] else found + shared.shift_s

    truth._changed = as_the_clock_says  # type: ignore[assignment]
    world.start()
    play.hit = play.reach(dice.choice((*PHASES[1:-1], "any")), dice.random(), dice.random())
    seconds = dice.choice((60.0, 3700.0, 86_400.0, 40 * 86_400.0)) * (
        1 if play.case.target == "forward" else -1
    )
    began[0] = shared._real()
    shared.move(seconds)
    world.say(f"the clock is moved by {seconds:.0f} s")
    watch = Watch(world)
    world.wait(lambda: watch.look() is not None, 1.0)
    play.worst_s = watch.worst_s
    if dice.random() < 0.5:
        kill_both_in(play, "any")
    while play.go_on_or_wait():
        pass


def nan(play: Play) -> None:
    """The loss of a step, or of all from there on, is no number. No weights may be spoiled by it."""
    first = play.dice.randint(2, 11)
    steps = frozenset({first}) if play.case.target == "one" else frozenset(range(first, 13))
    rig.current = rig.Rig(nan_steps=steps)
    play.world.say(f"the loss is no number in the steps {sorted(steps)}")
    play.world.start()
    play.rest()
    play.hit = True
    _no_spoilt_weights(play)
    run = play.world.run
    assert run is not None
    told = truth.read_truth(run)
    if play.case.target == "many" and first < 11 and told.status == "finished":
        raise Untrue("it finished, though the loss of every step was no number")
    if (
        play.case.target == "many"
        and first < 11
        and not any(
            row["event"] == "warning" and row.get("code") == "nonfinite" for row in play.world.events()
        )
    ):
        raise Untrue("no word in the events of a loss that is no number")
    if told.status == "finished":
        play.outcome = "finished, one step left out"
        return
    there = [step for step, _ in run.list_checkpoints()]
    if not there:
        play.outcome = "stopped by the guard before anything was saved"
        return
    play.resume_from(there)
    if not play.world.wait(
        lambda: read_state(run).attempt == 2 and read_state(run).status == "finished", 300.0
    ):
        raise Untrue(f"resumed after the loss was mended, and not finished: {truth.read_truth(run)}")
    play.rest()
    if there[0] < first:
        opened = max(row["time"] for row in play.world.events() if row["event"] == "attempt")
        play.compared = same_losses(play.world, play.reference, since=opened)
        if digest(run.result / "adapter_model.safetensors") != play.reference.result:
            raise Untrue("the result has other weights than the undisturbed run's")
    _no_spoilt_weights(play)
    play.outcome = "stopped by the guard, resumed, finished"


def _no_spoilt_weights(play: Play) -> None:
    from safetensors.torch import load_file

    run = play.world.run
    if run is None:
        return
    for path in run.path.rglob("adapter_model.safetensors"):
        if any(not tensor.isfinite().all() for tensor in load_file(path).values()):
            raise Untrue(f"{path.relative_to(run.path)} holds numbers that are none")

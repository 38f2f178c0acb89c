"""How a case with signals is played: wait for the instant, do it, hold the product to the truth, go on to the end."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass, field

from faults.oracle import Reference, Untrue, Watch, complete, rows_of, same_losses, saved
from faults.plan import Case, Fault
from faults.world import STEPS, World

_REST_S = 60.0
"""A run that has neither ended nor been left alone by then hangs."""


@dataclass
class Play:
    """One case on the stage. `hit` says whether its instant was met before the run was over."""

    case: Case
    world: World
    reference: Reference
    dice: random.Random
    hit: bool = False
    outcome: str = ""
    worst_s: float = 0.0
    grace_s: float = 0.0
    resumes: int = 0
    compared: int = 0
    take_over: bool = False
    may_miss: bool = False
    """After a power cut rows may be missing: they are not synced one by one."""
    broken: frozenset[str] = frozenset()
    signals: set[str] = field(default_factory=set)
    strikes: int = 0
    _expected: tuple[int, int, int] = (0, 0, 0)

    def play(self) -> None:
        self.world.start()
        for fault in self.case.faults:
            self.hit |= self.strike(fault)
            self.rest()
            if not self.go_on():
                return
        self.to_the_end()

    # --- the fault -----------------------------------------------------------------------------------

    def strike(self, fault: Fault) -> bool:
        """Wait for the instant of `fault` and do it; False when the run is over before."""
        if not self.reach(fault.phase, fault.share, fault.occurrence):
            return False
        self.strikes += 1
        targets = ["supervisor", "trainer"] if fault.target == "both" else [fault.target]
        self.dice.shuffle(targets)
        number = {"NOTICE": signal.SIGTERM}.get(fault.kind) or signal.Signals[f"SIG{fault.kind}"]
        hits = []
        for target in targets:
            hits.append(self.world.signal(target, number))
            time.sleep(self.dice.choice((0.0, 0.0, 0.02 * self.dice.random())))
        self.signals.add({"NOTICE": "TERM"}.get(fault.kind, fault.kind))
        if fault.kind == "STOP":
            self._hold(targets)
        elif fault.kind == "NOTICE":
            time.sleep(self.dice.choice((0.0, 0.05, 0.1, 0.3, 0.6)) * self.dice.random())
            for target in ("supervisor", "trainer"):
                self.world.signal(target, signal.SIGKILL)
        elif fault.kind == "TERM" and any(hits):
            self._obeyed(fault)
        return any(hits)

    def _hold(self, targets: list[str]) -> None:
        """Leave them suspended until the truth says so, and a while longer."""
        watch = self.watch()
        held = self.world.wait(lambda: watch.look() is not None, 6.0)
        time.sleep(self.dice.random() * 0.5)
        self.worst_s = max(self.worst_s, watch.worst_s)
        for target in reversed(targets):
            self.world.signal(target, signal.SIGCONT)
        if not held:
            raise Untrue("suspended, and the truth did not say so within 6 s")

    def _obeyed(self, fault: Fault) -> None:
        """SIGTERM ends the trainer soon, whichever of the two was told."""
        began = time.monotonic()
        if not self.world.wait(lambda: self.world.condition("trainer") == "gone", 20.0):
            raise Untrue(f"20 s after {fault} the trainer still lives")
        self.grace_s = max(self.grace_s, time.monotonic() - began)

    def reach(self, phase: str, share: float, occurrence: float) -> bool:
        """Wait until the run is `share` of the way through the phase; False when it is over before."""
        world = self.world
        if phase == "launch":
            wanted = "trainer" if occurrence < 0.5 else "supervisor"
            world.wait(lambda: world.pid(wanted) is not None or world.reap() is not None, 10.0)
            time.sleep(share * 0.08)
            return self._lives()
        if phase == "any":
            time.sleep(share * self.reference.life_s)
            return self._lives()
        attempt, names = self._next_attempt(), {"end": "sampling"}
        name = names.get(phase, phase)

        def seen() -> int:
            rows = [row for row in world.events(attempt) if row["event"] == "phase" and row["phase"] == name]
            if phase == "end":
                return sum(row["step"] >= STEPS for row in rows)
            if phase == "sampling":
                return sum(row["step"] < STEPS for row in rows)
            return len(rows)

        times = sum(1 for other, *_ in self.reference.phases if other == name) if phase not in ("end", "sampling") else 1
        wanted_times = 1 + int(occurrence * times)
        world.wait(lambda: seen() >= wanted_times or not self._lives(), 30.0)
        if seen() < wanted_times:
            return False
        length = self.reference.length(name) if phase != "end" else self.reference.end_s
        time.sleep(share * length)
        return self._lives()

    def _next_attempt(self) -> int:
        """The attempt that is being launched, or is at work."""
        self.world.wait(lambda: self.world.reap() is not None or self.world.launcher is None, 20.0)
        return max(self.world.attempt(), 1)

    def _lives(self) -> bool:
        world = self.world
        world.reap()
        return world.launcher is not None or world.pid("supervisor") is not None or world.pid("trainer") is not None

    # --- and then ----------------------------------------------------------------------------------------

    def watch(self) -> Watch:
        return Watch(self.world, frozenset(self.signals))

    def rest(self) -> None:
        """Wait until nothing moves any more by itself, holding the product to the truth meanwhile."""
        world, watch, deadline = self.world, self.watch(), time.monotonic() + _REST_S
        while True:
            truth = watch.look()
            if world.launcher is None or world.reap() is not None:
                s, t = world.condition("supervisor"), world.condition("trainer")
                if s == "gone" and (t == "gone" or (truth and truth.reason == "unsupervised")):
                    if world.run is None or truth is not None:
                        break
            if time.monotonic() > deadline:
                raise Untrue(f"nothing came to rest within {_REST_S:.0f} s; it is {watch.truth}")
            time.sleep(0.02)
        self.worst_s = max(self.worst_s, watch.worst_s)
        self._went_on()
        if world.run is not None:
            world.say(f"at rest: {truth.status if truth else None} ({truth.reason if truth else None})")

    def go_on(self) -> bool:
        """Do what a person does next; False when this run can have no more of a story."""
        world, run = self.world, self.world.run
        if run is None:
            self.outcome = self.outcome or "never started"
            return False
        watch = self.watch()
        truth = watch.look()
        if truth is None:
            raise Untrue(f"at rest, and then not: {watch.truth}")
        if truth.reason == "unsupervised":
            self._unsupervised()
            return True
        there = self.check()
        if truth.status == "finished":
            self._finished()
            return False
        if world.condition("trainer") == "gone" and truth.state is not None and truth.state.status not in (
            "finished", "stopped", "failed",
        ):  # fmt: skip
            world.adopt()  # as every command does first; a last word is written down by it
            world.wait(lambda: world.reap() is not None, 20.0)
        if not there:
            self._refused()
            return False
        self._resume(there)
        return True

    def check(self) -> list[int]:
        """What was reported saved is there, and every loss is the undisturbed run's."""
        there = saved(self.world, self.reference, self.broken)
        self.compared = max(self.compared, same_losses(self.world, self.reference))
        self._kept_up(there)
        return there

    def _kept_up(self, there: list[int]) -> None:
        """A stop that was obeyed has lost no step."""
        attempt = self.world.attempt()
        end = next((row for row in self.world.events(attempt) if row["event"] == "end"), None)
        run = self.world.run
        if end is None or end["cause"] not in ("stopped", "preempted") or run is None:
            return
        steps, _ = rows_of(run.metrics)
        last = max((step for step in steps), default=0)
        if last and (not there or there[0] < min(last, end["step"])):
            raise Untrue(f"it stopped in good order after step {last}, but the newest checkpoint is {there[:1]}")

    def _unsupervised(self) -> None:
        world = self.world
        if self.dice.random() < 0.4:
            world.resume()
            if not world.wait(lambda: (said := world.reap()) is not None and said.code == 1, 20.0):
                raise Untrue("a run whose trainer lives was resumed")
        if self.dice.random() < 0.3:
            world.wait(lambda: world.condition("trainer") == "gone", 30.0)
        world.adopt()
        world.wait(lambda: world.reap() is not None, 20.0)

    def _refused(self) -> None:
        self.world.resume(self.take_over)
        said: list[object] = []
        self.world.wait(lambda: said.append(self.world.reap()) or said[-1] is not None, 20.0)
        died = said[-1]
        if died is None or getattr(died, "code", 0) != 1:
            raise Untrue(f"resumed without any checkpoint: {died}")
        self.outcome = "nothing saved yet: resume says so"

    def _resume(self, there: list[int]) -> None:
        """Ask for it; that it went on from the right step is seen at the next rest."""
        self.world.say(f"whole checkpoints: {there}")
        self._expected = (len(self.world.events()), there[0], self.strikes)
        self.world.resume(self.take_over)
        self.resumes += 1
        self.signals.clear()

    def _went_on(self) -> None:
        """A resume that nothing disturbed has begun, from the newest whole checkpoint."""
        before, step, strikes = self._expected
        died = self.world.died
        if self.resumes and strikes == self.strikes and died is not None and died.code:
            raise Untrue(f"resume from step {step} said no: {died.error or died.code}")
        for row in self.world.events()[before:] if self.resumes else ():
            if row["event"] == "attempt" and row["step"] != step:
                raise Untrue(f"resumed from step {row['step']}, though that of {step} is whole: {row}")

    def to_the_end(self) -> None:
        for _ in range(6):
            self.rest()
            if not self.go_on():
                return
        raise Untrue("six times resumed and not finished")

    def _finished(self) -> None:
        if self.may_miss:
            self.outcome = "finished"
            return
        complete(self.world, self.reference)
        self.outcome = "finished"

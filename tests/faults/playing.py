"""How a fault is done: wait for its instant in the run's life, and send the signals."""

from __future__ import annotations

import signal
import time

from faults.oracle import Untrue
from faults.plan import Fault
from faults.story import Story
from faults.world import STEPS


class Play(Story):
    """One case on the stage."""

    def play(self) -> None:
        self.world.start()
        for fault in self.case.faults:
            self.hit |= self.strike(fault)
            self.rest()
            if not self.go_on():
                return
        self.to_the_end()

    # --- the fault -----------------------------------------------------------------------------------

    def strike(self, fault: Fault, *, reached: bool = False) -> bool:
        """Wait for the instant of `fault` and do it; False when the run is over before."""
        if not reached and not self.reach(fault.phase, fault.share, fault.occurrence):
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
        self.world.killed()
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
        if not self.world.wait(lambda: self.world.condition("trainer") == "gone", 60.0):
            raise Untrue(f"a minute after {fault} the trainer still lives")
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

        times = (
            sum(1 for other, *_ in self.reference.phases if other == name)
            if phase not in ("end", "sampling")
            else 1
        )
        wanted_times = 1 + int(occurrence * times)
        world.wait(lambda: seen() >= wanted_times or not self._lives(), 120.0)
        if seen() < wanted_times:
            return False
        length = self.reference.length(name) if phase != "end" else self.reference.end_s
        time.sleep(share * length)
        return self._lives()

    def _next_attempt(self) -> int:
        """The attempt that is being launched, or is at work."""
        self.world.wait(lambda: self.world.reap() is not None or self.world.launcher is None, 120.0)
        return max(self.world.attempt(), 1)

    def _lives(self) -> bool:
        world = self.world
        world.reap()
        return (
            world.launcher is not None
            or world.pid("supervisor") is not None
            or world.pid("trainer") is not None
        )

"""What follows a fault: rest, the checks of what must be so, and what a person does next, up to the end."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from faults.oracle import Reference, Untrue, Watch, complete, rows_of, same_losses, saved, unwhole
from faults.plan import Case
from faults.world import World, read_rows

from tui_ft.runs.truth import read_truth

_REST_S = 60.0
"""A run that has neither ended nor said anything but that it lives for so long hangs."""


@dataclass
class Story:
    """One run and what became of it. `hit` says whether its instant was met before the run was over."""

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
    after_power_cut: list[int] | None = None
    """The steps that had been reported saved when the power went."""
    restarted: bool = False
    _expected: tuple[int, int, int] = (0, 0, 0)

    def watch(self) -> Watch:
        return Watch(self.world, frozenset(self.signals))

    def rest(self) -> None:
        """Wait until nothing moves any more by itself, holding the product to the truth meanwhile."""
        world, watch, said, moved_at = self.world, self.watch(), -1, time.monotonic()
        while True:
            truth = watch.look()
            if (now_said := self._said()) != said:
                said, moved_at = now_said, time.monotonic()
            if world.launcher is None or world.reap() is not None:
                s, t = world.condition("supervisor"), world.condition("trainer")
                is_left_alone = t == "gone" or (truth and truth.reason == "unsupervised")
                if s == "gone" and is_left_alone and (world.run is None or truth is not None):
                    break
            if time.monotonic() - moved_at > _REST_S:
                raise Untrue(
                    f"for {_REST_S:.0f} s nothing moved, and nothing is at rest; it is {watch.truth}"
                )
            time.sleep(0.02)
        self.worst_s = max(self.worst_s, watch.worst_s)
        self._went_on()
        if world.run is not None:
            world.say(f"at rest: {truth.status if truth else None} ({truth.reason if truth else None})")

    def _said(self) -> int:
        """How many rows there are; beats say only that the trainer lives."""
        run = self.world.run
        if run is None:
            return 0
        return sum(row["event"] != "beat" for row in self.world.events()) + len(read_rows(run.metrics))

    def go_on_or_wait(self) -> bool:
        """Like `go_on`, for a run that may still be at work."""
        self.rest()
        return self.go_on()

    def is_finished(self) -> bool:
        run = self.world.run
        return run is not None and read_truth(run).status == "finished"

    def saved_now(self) -> list[int]:
        return saved(self.world, self.reference, self.broken)

    def go_on(self) -> bool:
        """Do what a person does next; False when this run can have no more of a story."""
        world, run = self.world, self.world.run
        if run is None:
            self.outcome = self.outcome or "never started"
            return False
        watch = self.watch()
        truth = read_truth(run) if self.restarted else watch.look()
        if truth is None:
            raise Untrue(f"at rest, and then not: {watch.truth}")
        if truth.reason == "unsupervised":
            self._unsupervised()
            return True
        there = self.check() if self.after_power_cut is None else self._after_power_cut()
        if truth.status == "finished":
            self._finished()
            return False
        if world.condition("trainer") == "gone" and truth.state is not None and truth.state.status not in (
            "finished", "stopped", "failed",
        ):  # fmt: skip
            world.adopt()  # as every command does first; a last word is written down by it
            world.wait(lambda: world.reap() is not None, 120.0)
        if not there:
            self._refused()
            return False
        self.resume_from(there)
        self.after_power_cut, self.restarted = None, False
        return True

    def check(self) -> list[int]:
        """What was reported saved is there, and every loss is the undisturbed run's."""
        there = saved(self.world, self.reference, self.broken)
        self.compared = max(self.compared, same_losses(self.world, self.reference))
        self._kept_up(there)
        return there

    def _after_power_cut(self) -> list[int]:
        """What was reported saved is whole; what was not may be broken, but is never taken for whole."""
        run = self.world.run
        assert run is not None and self.after_power_cut is not None
        there = [
            step for step, folder in run.list_checkpoints() if unwhole(folder, step, self.reference) is None
        ]
        self.broken = frozenset(folder.name for step, folder in run.list_checkpoints() if step not in there)
        if self.broken:
            self.world.say(f"not whole after the cut: {sorted(self.broken)}")
        newest = max(self.after_power_cut, default=0)
        if newest and (not there or there[0] < newest):
            raise Untrue(f"reported saved before the cut: {self.after_power_cut}; whole after it: {there}")
        lost = [step for step in range(1, newest + 1) if step not in rows_of(run.metrics)[0]]
        if lost:
            raise Untrue(
                f"the checkpoint of step {newest} was reported, and the rows of the steps {lost} are gone"
            )
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
            raise Untrue(
                f"it stopped in good order after step {last}, but the newest checkpoint is {there[:1]}"
            )

    def _unsupervised(self) -> None:
        world = self.world
        if self.dice.random() < 0.4:
            pid = world.pid("trainer")
            world.resume()
            world.wait(lambda: world.reap() is not None, 120.0)
            was_refused = world.died is not None and world.died.code in (1, 2)
            if not was_refused and pid is not None and world.pid("trainer") == pid:
                raise Untrue("a run whose trainer lives was resumed")
        if self.dice.random() < 0.3:
            world.wait(lambda: world.condition("trainer") == "gone", 120.0)
        world.adopt()
        world.wait(lambda: world.reap() is not None, 120.0)

    def _refused(self) -> None:
        self.world.resume(self.take_over)
        self.world.wait(lambda: self.world.reap() is not None, 120.0)
        died = self.world.died
        if died is None or died.code not in (1, 2):
            raise Untrue(f"resumed without any checkpoint: {died}")
        self.outcome = "nothing saved yet: resume says so"

    def resume_from(self, there: list[int]) -> None:
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

"""Which faults there are, and which of them a seed draws: every signal on every target in every phase,
instants between two operations on files, and the rarer accidents.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

PHASES = ("launch", "preparing data", "loading model", "sampling", "training", "evaluating", "saving", "end")
SIGNALS = ("KILL", "TERM", "HUP", "STOP", "NOTICE")
"""NOTICE is what a provider does: SIGTERM, and SIGKILL to everybody before the grace is over."""
TARGETS = ("trainer", "supervisor", "both")


@dataclass(frozen=True)
class Fault:
    """`kind` to `target` in `phase` (or `any` time of the life), `share` of the way through it.

    `occurrence` says in which of several phases of that name.
    """

    kind: str
    target: str
    phase: str
    share: float
    occurrence: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.target}, {self.phase}"


@dataclass(frozen=True)
class Case:
    """What happens to one run: `kind` names who plays it, `faults` come one after the other."""

    number: int
    seed: int
    kind: str
    faults: tuple[Fault, ...] = ()
    target: str = ""

    @property
    def dice(self) -> random.Random:
        return random.Random(f"{self.seed}:{self.number}")

    def __str__(self) -> str:
        what = " then ".join(map(str, self.faults)) or self.target
        return f"{self.number}: {self.kind} {what}".strip()


Draft = tuple[str, str, str, str]
"""kind of the case, kind of the fault, target, phase"""

_RARE = {
    "operation": (("trainer", 24), ("supervisor", 10), ("launcher", 8)),
    "power": (("any", 8), ("saving", 8), ("end", 4)),
    "clock": (("forward", 3), ("back", 3)),
    "nan": (("one", 2), ("many", 3)),
    "memory": (("address space", 3), ("hungry", 2), ("cgroup", 2)),
    "disk": (("filled", 5),),
    "two": (("trainers", 2), ("supervisors", 2), ("resumes", 3), ("adopters", 2)),
    "reboot": (("any", 3),),
    "paused": (("KILL", 2), ("TERM", 2), ("NOTICE", 1)),
}


def _drafts() -> list[Draft]:
    signals = [("signal", kind, target, phase) for kind, target, phase in product(SIGNALS, TARGETS, PHASES)]
    anywhere = [("signal", kind, target, "any") for kind, target in product(SIGNALS, TARGETS)] * 2
    rare = [
        (kind, kind, target, "any") for kind, all_ in _RARE.items() for target, n in all_ for _ in range(n)
    ]
    return signals + anywhere + rare


def draw(seed: int, count: int) -> list[Case]:
    """Return `count` cases in the seed's order; every kind before any for the second time."""
    dice = random.Random(seed)
    cases: list[Case] = []
    while len(cases) < count:
        drafts = _drafts()
        dice.shuffle(drafts)
        for draft in drafts[: count - len(cases)]:
            cases.append(_case(len(cases), seed, draft))
    return cases


def _case(number: int, seed: int, draft: Draft) -> Case:
    kind, fault, target, phase = draft
    dice = random.Random(f"{seed}:{number}:plan")
    if kind != "signal":
        return Case(number, seed, kind, target=target)
    faults = [Fault(fault, target, phase, dice.random(), dice.random())]
    if dice.random() < 0.3:  # what goes on after a fault can be hit as well
        again = dice.choice(("KILL", "TERM", "NOTICE"))
        faults.append(
            Fault(again, dice.choice(TARGETS), dice.choice((*PHASES, "any")), dice.random(), dice.random())
        )
    return Case(number, seed, kind, tuple(faults))


def cold(seed: int, count: int) -> list[Case]:
    """Cases for real commands and real interpreters: mostly in what forked ones do not have, the imports."""
    dice = random.Random(f"{seed}:cold")
    phases = ["interpreter", "loading libraries", "loading libraries", "any", *PHASES[1:]]
    cases = []
    for number in range(count):
        kind, target = dice.choice(("KILL", "TERM", "HUP", "STOP", "NOTICE")), dice.choice(TARGETS)
        phase = phases[number % len(phases)]
        fault = Fault(kind, target, phase, dice.random(), dice.random())
        cases.append(Case(number, seed, "cold", (fault,)))
    return cases


def cuts(seed: int, count: int) -> list[Case]:
    """A stopped run's newest checkpoint, each of its files cut in turn and in every way."""
    return [Case(number, seed, "cut") for number in range(count)]

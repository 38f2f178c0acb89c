"""Rows as runs write them, for detectors that look at them."""

from __future__ import annotations

import random
from collections.abc import Iterable

from tui_ft.health.detector import Cleared, Detector
from tui_ft.health.facts import RunFacts, facts_of
from tui_ft.health.finding import Finding
from tui_ft.health.rows import Evaluation, Machine, Step
from tui_ft.health.thresholds import Thresholds
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

Said = list[Finding | Cleared]


def spec(*changes: str) -> RunSpec:
    return overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", *changes])


def facts(*changes: str, total_steps: int | None = 1000, **more: object) -> RunFacts:
    import msgspec

    return msgspec.structs.replace(facts_of(spec(*changes), run_id="a-run", total_steps=total_steps), **more)


def noisy(level: float, noise: float = 0.0, seed: int = 1) -> Iterable[float]:
    chance = random.Random(seed)
    while True:
        yield level + chance.gauss(0.0, noise)


def step(number: int, loss: float | None = 1.0, norm: float | None = 1.0, **more: float | None) -> Step:
    return Step(number, float(number), loss, norm, more.pop("rate", 1e-4), **more)  # type: ignore[arg-type]


def feed_losses(detector: Detector, losses: Iterable[float], first: int = 1, norm: float = 1.0) -> Said:
    return feed(detector, (step(number, loss, norm) for number, loss in enumerate(losses, first)))


def feed(detector: Detector, rows: Iterable[Step | Evaluation | Machine]) -> Said:
    said = []
    for row in rows:
        if isinstance(row, Step):
            said.append(detector.step(row, row.time or 0.0))
        elif isinstance(row, Evaluation):
            said.append(detector.evaluation(row, row.time or 0.0))
        else:
            said.append(detector.machine(row))
    return [one for one in said if one is not None]


def made(kind: type[Detector], *changes: str, limits: Thresholds | None = None, **more: object) -> Detector:
    return kind(facts(*changes, **more), limits or Thresholds())  # type: ignore[arg-type]


def fix_names(finding: Finding) -> list[str]:
    return [fix.name for fix in finding.fixes]

"""After how many steps a run is evaluated, and after how much time it is saved."""

from __future__ import annotations

import pytest

from tui_ft.spec import overrides
from tui_ft.spec.intervals import steps_between_evaluations
from tui_ft.spec.run_spec import RunSpec


def spec(*changes: str) -> RunSpec:
    return overrides.apply(RunSpec(), ["model.id=demo", *changes])


@pytest.mark.parametrize(
    ("change", "steps_per_epoch", "steps"),
    [
        ("", 100, 25), ("", 101, 26), ("", 1, 1), ("evaluation.every_epochs=0.5", 100, 50),
        ("evaluation.every_epochs=0.001", 100, 1), ("evaluation.every_steps=7", 100, 7),
    ],
)  # fmt: skip
def test_evaluations(change: str, steps_per_epoch: int, steps: int) -> None:
    asked = spec(change) if change else spec()
    assert steps_between_evaluations(asked, steps_per_epoch) == steps

"""A change of the ladder promises the number that the screen shows once it is applied."""

from __future__ import annotations

import pytest

from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.gpu_seats import Seat, seats
from tui_ft.tui.method_facts import ladder, look
from tui_ft.tui.method_view import View
from tui_ft.vram import catalogue

MODEL = "Qwen/Qwen3-8B"
NO_GPU = GpuReading(())
RENTED = {seat.name: seat for seat in seats(NO_GPU)}


@pytest.mark.parametrize("name", [name for name in RENTED if "T4" in name or "3090" in name])
def test_what_a_change_promises_is_what_it_brings_on_any_gpu_to_rent(name: str) -> None:
    entry = catalogue.lookup(MODEL)
    assert entry is not None
    spec = overrides.apply(
        RunSpec(),
        [f"model.id={MODEL}", "method.kind=qlora", "training.batch_size=16",
         "training.gradient_checkpointing=false"],
    )  # fmt: skip

    def seen(spec: RunSpec, seat: Seat) -> View:
        return look(spec, entry.shape, seat, NO_GPU, {})

    view = seen(spec, RENTED[name])
    row = next(row for row in view.rows if row.method == "qlora")
    steps = [step for step in ladder(view, row, NO_GPU) if step.overrides]
    steps = [step for step in steps if not any(change.startswith("model.") for change in step.overrides)]
    assert len(steps) > 2
    for step in steps:
        after = seen(overrides.apply(row.spec, step.overrides), RENTED[name])
        found = next(row for row in after.rows if row.method == "qlora" and row.estimate)
        assert found.estimate is not None
        assert found.estimate.needed_bytes == step.needed_bytes, step.change

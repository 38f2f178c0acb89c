"""What the steps show is found out here, with the parts that every user has: the gate and the guide."""

from __future__ import annotations

from tui_ft.demo.tour import files
from tui_ft.tour import steps
from tui_ft.tour.run import tour_spec
from tui_ft.tour.steps import Line


def data() -> list[Line]:
    """Check both files. Blocks for a moment."""
    from tui_ft.data import gate

    return steps.data_step(
        gate.check(files.first_draft()), gate.check(files.questions(), eval_path=files.held_out())
    )


def advice() -> list[Line]:
    """Ask the guide twice. Blocks for a moment."""
    from tui_ft.guide.asking import ask
    from tui_ft.guide.recommend import recommend
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.vram.find_model import find_shape

    spec = tour_spec()
    shape = find_shape(spec.model.id or "")
    reading, rows = read_gpus(), len(files.read_questions())
    facts, form = (
        recommend(ask(spec, shape, reading, goals=goals, rows=rows)) for goals in ({"facts"}, {"sft"})
    )
    return steps.advice_step(facts, form, form.plan.estimate.trainable_parameters, shape.parameters)

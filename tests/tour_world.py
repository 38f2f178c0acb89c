"""A tour's run without a trainer: the rows that it would write, by the product's own writers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthetic_run import SyntheticRun

from tui_ft.demo.tour import files
from tui_ft.runs.records import SampleEvent
from tui_ft.spec import toml
from tui_ft.tour.run import tour_spec

TALK = "I like to | talk \x1b[31mabout it."


class TourRun(SyntheticRun):
    """Asks the held-out questions before and after, as the real one does."""

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__(root, total_steps=40, name="tour", gpu=False, **options)
        self.run.spec.write_text(toml.dumps(tour_spec()), encoding="utf-8")

    def begin_training(self) -> None:
        super().begin_training()
        self.ask("before", 0)

    def finish(self, right: int = 22) -> None:
        super().finish()
        self.ask("after", right)
        self.run.result.mkdir()

    def ask(self, when: Any, right: int) -> None:
        """Answer the first `right` questions as expected, the others with talk."""
        for index, pair in enumerate(files.read_held_out()):
            said = pair.expected if index < right else TALK
            self.event(
                SampleEvent(
                    time=self.now, when=when, step=self.step, index=index, prompt=pair.prompt, answer=said
                )
            )


def a_whole_run(root: Path, right: int = 22) -> TourRun:
    """A run that is over, with `right` right answers."""
    with TourRun(root) as made:
        made.begin_training()
        made.advance(40)
        made.finish(right)
    return made

"""The tour as one goes through it: which page says what, and how far its run is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui_ft.demo.tour import files
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ENDED
from tui_ft.tour import answers, report, stations, steps
from tui_ft.tour.run import left_behind, start_tour, tour_spec
from tui_ft.tour.steps import TITLES, Line
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.tui_ft import TuiFtSource

RUN = TITLES.index("The run")
"""The page on which the run is started; what stands before it does not change."""

OVER = ENDED | {"lost"}


class Guided:
    """One walk through the tour. Every method may block, and raises `TuiFtError` with a sentence.

    `changes` to the run's spec are as in `--set`; one that cannot be is refused at once.
    """

    def __init__(self, runs_root: Path, changes: Sequence[str] = ()) -> None:
        self.run: RunDirectory | None = None
        self._runs_root = runs_root
        self._changes = changes
        self._spec = tour_spec(changes)
        self._source: TuiFtSource | None = None
        self._is_picked_up = False
        self._told: dict[int, list[Line]] = {}

    # --- the run ---------------------------------------------------------------------------------

    def start(self) -> RunDirectory:
        """Launch the run, once."""
        if self.run is None:
            self.run = start_tour(self._runs_root, self._changes)
            self._source = TuiFtSource(self.run)
        return self.run

    def pick_up(self) -> None:
        """Go on with the run of a tour that was left, if there is one."""
        if self.run is None and (found := left_behind(self._runs_root)) is not None:
            self.run, self._source, self._is_picked_up = found, TuiFtSource(found), True
            self.poll()

    @property
    def reading(self) -> Reading | None:
        """The run as it was at the last poll; None before the start."""
        return self._source.reading if self._source is not None else None

    @property
    def is_over(self) -> bool:
        """True once a poll has seen the end of the run."""
        return self.reading is not None and self.reading.status in OVER

    def poll(self) -> None:
        """Read what is new."""
        if self._source is None:
            return
        self._source.poll()
        while not self._source.reading.is_complete:
            self._source.poll()

    @property
    def progress(self) -> str:
        """How far the run is, as a sentence."""
        reading = self.reading
        if reading is None:
            return ""
        loss = reading.last("loss")
        far = f", loss {loss:.3f}" if loss is not None else ""
        if self.is_over:
            return f"The run is {reading.status}{far}."
        if not reading.step:
            return f"The run is at work: {reading.activity.phase if reading.activity else reading.status}."
        return f"The run is at step {reading.step} of {reading.total_steps or '–'}{far}."

    # --- the pages -------------------------------------------------------------------------------

    def page(self, number: int) -> list[Line]:
        """The lines of page `number`, counted from 0 as in `steps.TITLES`."""
        if number not in self._told:
            lines = (steps.task_step, self._data, self._advice, self._run, self._answers, self._report)[
                number
            ]()
            if number < RUN:
                self._told[number] = lines
            return lines
        return self._told[number]

    def _data(self) -> list[Line]:
        return stations.data()

    def _advice(self) -> list[Line]:
        return stations.advice()

    def _run(self) -> list[Line]:
        return steps.run_step(self._spec, is_picked_up=self._is_picked_up)

    @property
    def answered(self) -> list[answers.Answered]:
        """The held-out questions with what the run's model said."""
        samples = self.reading.samples if self.reading is not None else ()
        return answers.pair(files.read_held_out(), samples)

    @property
    def score(self) -> answers.Score:
        """How many of them were right."""
        return answers.score(self.answered)

    def _answers(self) -> list[Line]:
        return steps.answers_step(self.answered, self.score)

    def write_report(self) -> Path | None:
        """Write the report beside the result; None when the run left none."""
        if self.run is None or self.reading is None or self.reading.status != "finished":
            return None
        return report.write(self.run, self.reading)

    def _report(self) -> list[Line]:
        path = self.write_report()
        text = [] if path is None else path.read_text(encoding="utf-8").splitlines()
        return steps.report_step(path, text)

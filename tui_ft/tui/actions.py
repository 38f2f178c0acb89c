"""What the home screen asks of the rooms below it; every call may block and is made off the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.listing import RunSummary
    from tui_ft.spec.presets import Preset
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.foreign_poll import ForeignPoll
    from tui_ft.tui.home_corner import CornerReader
    from tui_ft.tui.labelled_runs import LabelledRuns
    from tui_ft.tui.run_poll import RunPoll
    from tui_ft.tui.starting import StartFacts


class HomeActions(Protocol):
    """The doors that the home screen knocks at. All raise `TuiFtError` with a sentence."""

    def list_runs(self) -> list[RunSummary]:
        """All runs, newest first."""
        ...

    def list_foreign(self, gpus: GpuReading | None) -> tuple[Sequence[RunSummary], Sequence[str]]:
        """The runs of this box that are not ours, and sentences on GPUs whose owner cannot be seen."""
        ...

    def corner(self) -> list[tuple[str, str]]:
        """Lines, each with its kind, on queue, idle machine and doctor; none on a good day."""
        ...

    def take_adopted(self) -> list[str]:
        """The runs that had lost their supervisor and were given one since this was asked last."""
        ...

    def label_problem(self) -> str:
        """Why tags, notes and the archive could not be read; empty when they could."""
        ...

    def label(self, run_ids: list[str], **changes: Any) -> None:
        """Write `tags`, `note` or `archived` on runs, ours by id and others' by path."""
        ...

    def list_presets(self) -> tuple[list[Preset], list[str]]:
        """All presets, and a sentence for each file that cannot be read."""
        ...

    def read_gpus(self) -> GpuReading:
        """The GPUs now."""
        ...

    def gather(self, spec: RunSpec) -> StartFacts:
        """What a start of `spec` would take; may ask the Hub."""
        ...

    def check(self, spec: RunSpec) -> None:
        """Refuse what would fail before its first step."""
        ...

    def read_spec(self, path: Path) -> RunSpec:
        """Read and check a spec file."""
        ...

    def start(self, spec: RunSpec, text: str | None = None) -> RunDirectory:
        """Launch a detached run; `text` is the spec as a person wrote it."""
        ...

    def restart(self, run: RunDirectory) -> RunDirectory:
        """Launch a new run from a run's own spec."""
        ...

    def stop(self, run: RunDirectory) -> str:
        """Ask a run to save and stop; its status now."""
        ...


class LocalActions:
    """The real rooms, imported when they are first needed: the first frame waits for none of them."""

    def __init__(
        self, runs_root: Path, read_gpus: Callable[[], GpuReading], clock: Callable[[], float]
    ) -> None:
        self.runs_root = runs_root
        self.read_gpus = read_gpus
        self.clock = clock
        self._listing = threading.Lock()
        self._poll: RunPoll | None = None
        self._foreign: ForeignPoll | None = None
        self._kept: LabelledRuns | None = None
        self._corner: CornerReader | None = None

    def list_runs(self) -> list[RunSummary]:
        from tui_ft.tui.run_poll import RunPoll

        with self._listing:  # a list that was left and is back asks before the first answer is there
            if self._poll is None:
                self._poll = RunPoll(self.runs_root)
            return self._poll.read(self.clock())

    def list_foreign(self, gpus: GpuReading | None) -> tuple[Sequence[RunSummary], Sequence[str]]:
        from tui_ft.runs.labels import LabelBook
        from tui_ft.runs.listing import labelled
        from tui_ft.tui.foreign_poll import ForeignPoll, told_apart
        from tui_ft.tui.labelled_runs import LabelledRuns

        if self._foreign is None or self._kept is None:
            self._foreign, self._kept = ForeignPoll(self.clock), LabelledRuns(self.clock)
        runs, notes = self._foreign.read(gpus)
        labels = (self._poll.labels if self._poll is not None else LabelBook(self.runs_root)).read()
        kept = self._kept.read(labels, {run.id for run in runs})
        return [labelled(run, labels) for run in told_apart([*runs, *kept])], notes

    def corner(self) -> list[tuple[str, str]]:
        from tui_ft.tui.home_corner import CornerReader

        if self._corner is None:
            self._corner = CornerReader(self.runs_root, self.read_gpus)
        return self._corner.read(self.clock())

    def take_adopted(self) -> list[str]:
        return self._poll.take_adopted() if self._poll is not None else []

    def label_problem(self) -> str:
        return self._poll.labels.problem if self._poll is not None else ""

    def label(self, run_ids: list[str], **changes: Any) -> None:
        from tui_ft.runs.labels import change_labels

        change_labels(self.runs_root, run_ids, **changes)

    def list_presets(self) -> tuple[list[Preset], list[str]]:
        from tui_ft.settings import user_presets_folder
        from tui_ft.spec.presets import list_presets

        return list_presets(user_presets_folder())

    def gather(self, spec: RunSpec) -> StartFacts:
        from tui_ft.tui.starting import gather

        return gather(spec, self.read_gpus(), self.runs_root)

    def check(self, spec: RunSpec) -> None:
        from tui_ft.runs import preflight

        preflight.check(spec, self.runs_root)

    def read_spec(self, path: Path) -> RunSpec:
        from tui_ft.spec.toml import load

        return load(path)

    def start(self, spec: RunSpec, text: str | None = None) -> RunDirectory:
        from tui_ft.runs import launch

        return launch.start(spec, self.runs_root, text=text)

    def restart(self, run: RunDirectory) -> RunDirectory:
        from tui_ft.runs import launch

        return launch.restart(run, self.runs_root)

    def stop(self, run: RunDirectory) -> str:
        from tui_ft.runs import control
        from tui_ft.runs.requests import user_name

        return control.request(run, "stop", user_name())


def sentence(error: Exception) -> str:
    """Say an error as a person reads it: what went wrong, and the remedy where it is known."""
    if isinstance(error, TuiFtError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}."
    return f"{type(error).__name__}: {error}"

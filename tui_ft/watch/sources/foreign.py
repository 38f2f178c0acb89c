"""What the sources of other people's runs share: rows go into one table, facts into one reading."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading, SettingValue
from tui_ft.watch.series import Series
from tui_ft.watch.sources import setting_values
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.sources.rows import MetricTable
from tui_ft.watch.state import Evidence, decide

LONGEST_SETTING = 300
"""A setting of another's run is text of theirs: shown cleaned, and no longer than this."""


@dataclass(kw_only=True)
class Facts:
    """What a source found beside its rows. `updated_at` is the newest sign of life (unix seconds)."""

    title: str = ""
    model: str = ""
    method: str = ""
    total_steps: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    updated_at: float | None = None
    settings: dict[str, SettingValue] = field(default_factory=dict)
    checkpoint_steps: list[float] = field(default_factory=list)
    hardware_series: dict[str, Series] = field(default_factory=dict)
    hardware_origin: float | None = None
    bad_records: int = 0
    notes: list[str] = field(default_factory=list)
    is_complete: bool = True
    is_approximate: bool = False
    evidence: Evidence = field(default_factory=Evidence)


class ShownLog(Protocol):
    """The last lines that a run printed, safe to show; `version` grows with every change."""

    @property
    def lines(self) -> tuple[str, ...]: ...

    @property
    def version(self) -> int: ...

    def poll(self) -> bool:
        """Read what was added; True when lines changed."""
        ...


class ForeignSource(ABC):
    """Reads one place; a format says how in `advance`, which fills `table` and `facts`.

    While a long history is still read, `sampled` may hold a coarse picture of it: then that is shown.
    """

    def __init__(self, place: Place, clock: Callable[[], float]) -> None:
        self.place = place
        self.clock = clock
        self.log: ShownLog | None = None
        self._trouble = ""
        self.start_over()
        self._reading = self._read()

    def start_over(self) -> None:
        """Forget what was read: the files are others than before."""
        self.table = MetricTable()
        self.sampled: MetricTable | None = None
        self.facts = Facts(title=self.place.path.name)

    @abstractmethod
    def advance(self, end: float) -> bool:
        """Read what is new until the monotonic time `end`, a bounded piece at least; True when it changed.

        May raise OSError; whatever a file holds is counted, noted or left out, and never raises.
        """

    @property
    def reading(self) -> Reading:
        """What was known at the end of the last poll."""
        return self._reading

    @property
    def evidence(self) -> Evidence:
        """What this source says of the run's state."""
        return self.facts.evidence

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed. Never raises."""
        was_complete = self.facts.is_complete
        try:
            changed = self.advance(time.monotonic() + budget_s)
            changed = changed or self.facts.is_complete != was_complete
            trouble = ""
        except OSError as error:
            changed, trouble = False, clean_line(f"It cannot be read: {error.strerror or error}.")
        if self.log is not None:
            changed = self.log.poll() or changed
        status, reason = decide(self.facts.evidence, self.clock())
        known = self._reading
        if not changed and (status, reason) == (known.status, known.reason) and trouble == self._trouble:
            return False
        self._trouble = trouble
        self._reading = replace(self._read(), status=status, reason=clean_line(reason))
        if trouble:
            self._reading = replace(self._reading, notes=(*self._reading.notes, trouble), is_complete=True)
        return True

    def _read(self) -> Reading:
        facts, table = self.facts, self.table if self.sampled is None else self.sampled
        return Reading(
            source=self.place.format,
            title=clean_line(facts.title) or clean_line(self.place.path.name),
            path=str(self.place.path),
            status="unknown",
            model=clean_line(facts.model),
            method=clean_line(facts.method),
            step=table.step,
            total_steps=facts.total_steps,
            epoch=table.epoch,
            started_at=facts.started_at,
            ended_at=facts.ended_at,
            updated_at=facts.updated_at if facts.updated_at is not None else table.time,
            series=table.named_series(),
            times=table.times,
            restart_steps=tuple(sorted(set(table.back_steps))),
            restarts=table.restarts,
            bad_records=facts.bad_records,
            notes=tuple(clean_line(note) for note in facts.notes),
            settings={clean_line(name): _shown(name, value) for name, value in facts.settings.items()},
            checkpoint_steps=tuple(facts.checkpoint_steps),
            hardware_series=facts.hardware_series,
            hardware_origin=facts.hardware_origin,
            log=self.log.lines if self.log is not None else (),
            log_version=self.log.version if self.log is not None else 0,
            is_complete=facts.is_complete,
            is_approximate=facts.is_approximate or self.sampled is not None,
        )


def _shown(name: str, value: SettingValue) -> SettingValue:
    """A setting without secrets, whatever file it comes from."""
    value = setting_values.shown(name, value)
    return clean_line(value)[:LONGEST_SETTING] if isinstance(value, str) else value

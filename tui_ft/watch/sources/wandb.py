"""W&B: the `.wandb` file of a run, online and offline, finished and live."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_ft.watch import cache
from tui_ft.watch.log import LogBuffer
from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import heads, setting_values, wandb_beside, wandb_kept, wandb_sample
from tui_ft.watch.sources.byte_tail import ByteTail
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.log_marks import LogMarks
from tui_ft.watch.sources.metrics import KEPT_AGAIN_SHARE, KEPT_FROM_BYTES, SAMPLED_FROM_BYTES
from tui_ft.watch.sources.neighbours import model_and_method
from tui_ft.watch.sources.pace import usual_gap
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.sources.wandb_blocks import HEADER, Blocks, Record
from tui_ft.watch.sources.wandb_history import History
from tui_ft.watch.sources.wandb_message import HISTORY
from tui_ft.watch.sources.wandb_records import KINDS, Records
from tui_ft.watch.sources.wandb_rows import HistoryTable
from tui_ft.watch.sources.words import title_of
from tui_ft.watch.state import Evidence

_FOLDER = re.compile(r"^(?:offline-)?run-\d{8}_\d{6}-[\w.-]+$")
_SUFFIX = ".wandb"
_TOTALS = ("max_steps", "total_steps", "max_iters", "num_training_steps", "train_steps", "num_train_steps")
_LAST_LINES = 300
_NO_RUN = "It does not begin as a file of W&B does: nothing of it is read."


class WandbSource(ForeignSource):
    """Follows the file of one run; a run without it shows what its other files tell.

    A run that was resumed has a file for each time: they are read in turn, and the last one is followed.
    """

    def start_over(self) -> None:
        super().start_over()
        self._parts = [path for path in self.place.files if path.suffix == _SUFFIX]
        self._later = self._parts[1:]
        self._tail = ByteTail(self._parts[0]) if self._parts else None
        self._bad_before = 0
        self._blocks = Blocks(0)
        self._history = History()
        self._rows = HistoryTable(self.table)
        self._records = Records()
        self._beside: dict[str, SettingValue] = {}
        self._is_begun = False
        self._kept_bytes = 0
        self._is_other = False
        self._is_read = self._tail is None
        self.facts.is_complete = self._is_read
        self.log = None

    def advance(self, end: float) -> bool:
        changed = not self._is_begun
        if not self._is_begun:
            self._look_beside()
            if self._open_long():
                return True
        while self._tail is not None:
            self._tail.offset = self._blocks.offset
            data = self._tail.read()
            if self._tail.restarted:
                self.start_over()
                return True
            if self._is_other and not self._later:
                break
            self._is_read = not data or not self._cut(data) or self._is_other
            if self._is_read and self._later:
                self._go_on_with(self._later.pop(0))
            elif self._is_read:
                changed = changed or not self.facts.is_complete or self._is_other
                break
            changed = True
            if time.monotonic() >= end:
                break
        if changed:
            self._conclude()
        if self.sampled is not None and not self._is_read:
            return False
        changed = changed or self.sampled is not None
        self.sampled = None
        if not changed:
            self._keep()
        return changed

    def _go_on_with(self, path: Path) -> None:
        """The run was resumed: its next file begins anew, and how the one before ended is past."""
        self._bad_before += self._blocks.bad_records + self._history.bad_records
        self._tail, self._blocks, self._history = ByteTail(path), Blocks(0), History()
        self._records.exit_code = None
        self._is_other = self._is_read = False

    def _open_long(self) -> bool:
        """Take what was kept of a long file, or a coarse picture of it; True when there is one."""
        if self._tail is None or len(self._parts) > 1:
            return False
        size = self._tail.look()
        if size >= KEPT_FROM_BYTES and self._take_kept(self._tail):
            self._conclude()
            return True
        if size < SAMPLED_FROM_BYTES:
            return False
        sampled = MetricTable()
        rows = History().rows(wandb_sample.sample_rows(self._tail.path))
        HistoryTable(sampled).add([own.columns() for own in rows])
        self.sampled = sampled if sampled.series else None
        return self.sampled is not None

    def _keep(self) -> None:
        """Keep the curves of a long file, in a poll that found nothing new."""
        read = self._blocks.offset
        if read < KEPT_FROM_BYTES or read < self._kept_bytes * (1 + KEPT_AGAIN_SHARE):
            return
        if self._tail is None or len(self._parts) > 1 or not self._blocks.is_between:
            return
        self._kept_bytes = read
        state = wandb_kept.encode(read, self.facts.bad_records, self._rows, self._records)
        if state is not None:
            cache.store([self._tail.path], self.table, read, state, [self._tail.mark])

    def _take_kept(self, tail: ByteTail) -> bool:
        found = cache.load([tail.path])
        kept = wandb_kept.decode(found.state) if found is not None else None
        if found is None or kept is None or not tail.go_on_from(kept.offset):
            return False
        self.table, self._kept_bytes = found.table, kept.offset
        self._rows = HistoryTable(self.table)
        wandb_kept.restore(kept, self._rows, self._records)
        self._blocks = Blocks(kept.offset)
        return True

    def _cut(self, data: bytes) -> bool:
        """Take a piece of the file; False when nothing in it is whole."""
        before = self._blocks.offset
        if before == 0:
            if len(data) < len(HEADER):
                return False
            if not data.startswith(HEADER):
                self._is_other = True
                self.facts.notes = [_NO_RUN]
                return False
            self._blocks = Blocks(len(HEADER))
            data = data[len(HEADER) :]
        self._take(self._blocks.cut(data))
        return self._blocks.offset > before

    def _take(self, records: list[Record]) -> None:
        history: list[Record] = []
        for record in records:
            kind = self._records.kind_of(record)
            if kind == HISTORY:
                history.append(record)
            elif kind in KINDS:
                self._records.take(kind, record)
        if history:
            self._rows.add([rows.columns() for rows in self._history.rows(history)])

    def _look_beside(self) -> None:
        """Read what the client keeps beside the file."""
        self._is_begun = True
        beside = wandb_beside.look(self.place.path)
        self._beside = beside.settings
        if beside.output is not None:
            self.log = LogBuffer(beside.output)
        if self._tail is None:
            self.facts.notes = [f"Only its summary is here, no history: {beside.summary}"]

    def _conclude(self) -> None:
        facts, records = self.facts, self._records
        run, statistics = records.run, records.statistics
        statistics.settle()
        if self.log is None and records.printed.version:
            self.log = records.printed
        facts.title = run.name or run.id or title_of(self.place.path)
        facts.settings = {**self._beside, **records.settings}
        if run.host:
            facts.settings.setdefault("host", run.host)
        facts.model, facts.method = model_and_method(facts.settings)
        totals = (setting_values.whole(facts.settings.get(name)) for name in _TOTALS)
        facts.total_steps = next((total for total in totals if total is not None), None)
        facts.hardware_series, facts.hardware_origin = statistics.series, statistics.origin
        facts.started_at = run.started_at
        facts.bad_records = (
            self._bad_before
            + self._blocks.bad_records
            + self._history.bad_records
            + self._rows.bad_records
            + records.bad_records
        )
        facts.is_complete = self._is_read
        self._decide()

    def _decide(self) -> None:
        facts, code = self.facts, self._records.exit_code
        words = [
            moment for moment in (self._rows.newest, self._records.statistics.newest) if moment is not None
        ]
        newest = max(words, default=None)
        modified = self._tail.modified if self._tail is not None else None
        facts.updated_at = min((at for at in (newest, modified) if at is not None), default=None)
        facts.ended_at = newest if code is not None else None
        finished = failed = ""
        if code is not None and code != 0:
            failed = f"W&B recorded exit code {code}. {self._last_error()}".strip()
        elif code == 0:
            finished = "W&B recorded exit code 0."
        elif self._rows.is_trained:
            finished = "Its last row tells how long the training took."
        facts.evidence = Evidence(
            finished=finished,
            failed=failed,
            written_at=facts.updated_at,
            usual_gap_s=usual_gap(self.table.times),
        )

    def _last_error(self) -> str:
        """Why the program ended, by the last lines that it printed."""
        if self.log is None:
            return ""
        self.log.poll()
        marks = LogMarks()
        for line in self.log.lines[-_LAST_LINES:]:
            marks.see(line)
        return marks.failed or marks.stopped


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the run whose folder this is, or the runs of the `.wandb` files in it."""
    files = [folder / name for name in sorted(names) if name.endswith(_SUFFIX)]
    files = [path for path in files if heads.is_regular(path) and not heads.is_lfs_pointer(path)]
    if len(files) == 1 and _FOLDER.match(folder.name):
        yield Place(format="wandb", path=folder, files=(files[0],))
    elif files:
        yield from (Place(format="wandb", path=path, files=(path,)) for path in files)
    elif _FOLDER.match(folder.name) and "files" in names:
        known = wandb_beside.files_of(folder)
        if known:
            yield Place(format="wandb", path=folder, files=tuple(known))


def _open(place: Place, clock: Clock) -> WandbSource:
    return WandbSource(place, clock)


FORMAT = Format(
    name="wandb",
    richness=80,
    written_by="Weights & Biases, online and offline",
    files="`run-*.wandb` and what lies beside it",
    ends="the exit record and its code",
    find=find,
    open=_open,
)

"""TensorBoard event files: one folder is one run, as TensorBoard itself has it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_ft.watch import cache
from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources import event_files, event_kept, event_sample, hparams_plugin, setting_values
from tui_ft.watch.sources.event_file import EventFile
from tui_ft.watch.sources.event_files import EventPath
from tui_ft.watch.sources.event_frames import Framer
from tui_ft.watch.sources.event_kept import KeptEvents
from tui_ft.watch.sources.event_message import Value
from tui_ft.watch.sources.event_scalars import Decoded, Scalars
from tui_ft.watch.sources.final_metrics import FinalMetrics
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.metrics import KEPT_AGAIN_SHARE, KEPT_FROM_BYTES, SAMPLED_FROM_BYTES
from tui_ft.watch.sources.neighbours import model_and_method
from tui_ft.watch.sources.pace import newest, usual_gap
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.sources.words import title_of
from tui_ft.watch.state import Evidence

_LOOK_EVERY_S = 2.0
_FILES_A_POLL = 8
_EPOCH_TAGS = frozenset({"epoch", "train/epoch"})


class TensorBoardSource(ForeignSource):
    """Reads the event files of one run, the oldest first; a later value at a step replaces an earlier one."""

    def start_over(self) -> None:
        super().start_over()
        self._is_open = False
        self._kept_bytes = 0
        self.facts.is_complete = False
        self._names = SeriesNames()
        self._final = FinalMetrics()
        self._files: dict[Path, EventFile] = {}
        self._last_look = 0.0
        self._newest: float | None = None
        self._is_keras = False

    def advance(self, end: float) -> bool:
        looked_at = self._last_look
        changed = self._look()
        if not self._is_open:
            self._is_open = True
            if self._open_long():
                return True
        for file in self._files_to_read(is_look=looked_at != self._last_look):
            while (piece := file.next_piece()) is not None:
                if file.tail.restarted:
                    self.start_over()
                    return True
                self._take(file, piece)
                changed = True
                if time.monotonic() >= end:
                    break
            if time.monotonic() >= end:
                break
        if changed or not self.facts.is_complete:
            before = self.facts.is_complete
            self._conclude()
            changed = changed or before != self.facts.is_complete
        if self.sampled is not None and not self.facts.is_complete:
            return False
        changed = changed or self.sampled is not None
        self.sampled = None
        if not changed:
            self._keep()
        return changed

    def _files_to_read(self, *, is_look: bool) -> list[EventFile]:
        """Those that may hold something new: of many files few are written to; the rest rarely."""
        files = list(self._files.values())
        old = len(files) - _FILES_A_POLL
        return [file for at, file in enumerate(files) if is_look or at >= old or not file.is_read]

    def _open_long(self) -> bool:
        """Take what was kept of long files, or a coarse picture of them; True when there is one."""
        sizes = sum(file.tail.look() for file in self._files.values())
        if sizes >= KEPT_FROM_BYTES and self._take_kept():
            self._conclude()
            return True
        if sizes < SAMPLED_FROM_BYTES:
            return False
        sampled, names = MetricTable(), SeriesNames()
        for path, file in self._files.items():
            data = event_sample.sample_events(path)
            columns = Scalars().decode(data, Framer().cut(data)).columns
            for tag, column in columns.items():
                name = event_files.series_name(tag, file.place.folder, self._is_keras)
                if name not in _EPOCH_TAGS and not self._final.takes(name):
                    sampled.extend(names.of(name), column.steps, column.values, column.walls)
        self.sampled = sampled if sampled.series else None
        return self.sampled is not None

    def _keep(self) -> None:
        """Keep the curves of long files, in a poll that found nothing new: what is to be seen comes first."""
        read = sum(file.tail.offset for file in self._files.values())
        if read < KEPT_FROM_BYTES or read < self._kept_bytes * (1 + KEPT_AGAIN_SHARE):
            return
        self._kept_bytes = read
        kept = KeptEvents(
            files={str(path): file.keep() for path, file in self._files.items()},
            names=dict(self._names.known),
            settings=self.facts.settings,
            final=self._final.state,
            newest=self._newest,
            bad_records=self.facts.bad_records,
        )
        state = event_kept.encode(kept)
        if state is not None:
            marks = [file.tail.mark for file in self._files.values()]
            cache.store(list(self._files), self.table, read, state, marks)

    def _take_kept(self) -> bool:
        found = cache.load(list(self._files))
        kept = event_kept.decode(found.state) if found is not None else None
        if found is None or kept is None:
            return False
        for path, file in self._files.items():
            own = kept.files.get(str(path))
            if own is None or not file.go_on_from(own):
                self._files = {other: EventFile(one.place) for other, one in self._files.items()}
                return False
        self.table, self._kept_bytes = found.table, found.offset
        self._names, self._final = SeriesNames(kept.names), FinalMetrics(kept.final)
        self.facts.settings, self._newest = dict(kept.settings), kept.newest
        self.facts.bad_records = kept.bad_records
        return True

    def _look(self) -> bool:
        """Look for event files that were opened since, now and then."""
        now = time.monotonic()
        if self._files and now - self._last_look < _LOOK_EVERY_S:
            return False
        self._last_look = now
        folder = self.place.path
        if folder.is_dir():
            found = event_files.files_of_folders((folder, *(file.parent for file in self.place.files)))
        else:
            found = [EventPath(folder)]
        new = [place for place in found if place.path not in self._files]
        for place in new[: event_files.MOST_FILES]:
            self._files[place.path] = EventFile(place)
        folders = {place.folder for place in found}
        self._is_keras = folder.name == "train" or {"train", "validation"} <= folders
        return bool(new)

    def _take(self, file: EventFile, piece: Decoded) -> None:
        for tag, column in piece.columns.items():
            name = event_files.series_name(tag, file.place.folder, self._is_keras)
            if name in _EPOCH_TAGS:
                self.table.epoch = column.values[-1]
            elif self._final.takes(name):
                self._final.add(name, column.steps, column.values, column.walls)
            else:
                self.table.extend(self._names.of(name), column.steps, column.values, column.walls)
        for given in self._final.given_out():
            self.table.extend(self._names.of(given[0]), *given[1:])
        for value in piece.others:
            self._take_other(value)
        self.facts.bad_records += piece.bad_records
        if piece.wall is not None:
            self._newest = newest((piece.wall,), self._newest)

    def _take_other(self, value: Value) -> None:
        """Read settings where they stand: HF's arguments as text, the hparams plugin's as a message."""
        settings = self.facts.settings
        if value.plugin == "hparams":
            settings.update(hparams_plugin.settings_of(value.content))
        elif value.text is not None and value.tag.endswith("text_summary"):
            known = setting_values.loads(value.text)
            if isinstance(known, dict):
                for name, setting in setting_values.flat(known).items():
                    settings.setdefault(name, setting)

    def _conclude(self) -> None:
        facts, files = self.facts, self._files.values()
        facts.title = title_of(self.place.path)
        names = [event_files.parse_name(file.place.path.name) for file in files]
        facts.started_at = min((n.started_at for n in names if n and n.started_at), default=None)
        modified = max((file.tail.modified for file in files if file.tail.modified), default=None)
        known = [moment for moment in (modified, self._newest) if moment is not None]
        facts.updated_at = min(known, default=None)
        facts.is_complete = all(file.is_read for file in files)
        facts.notes = [
            f"{file.place.path.name}: damaged at byte {file.damaged_at}; what stands behind it is not read."
            for file in files if file.damaged_at is not None
        ]  # fmt: skip
        facts.total_steps = setting_values.whole(facts.settings.get("max_steps"))
        facts.model, facts.method = model_and_method(facts.settings)
        is_over = self._final.mark(self.table.step)
        facts.ended_at = self._final.finished_at if is_over else None
        facts.evidence = Evidence(
            finished="Its last row tells how long the training took." if is_over else "",
            written_at=facts.updated_at,
            usual_gap_s=usual_gap(self.table.times),
        )


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the run of the event files among `names`: the folder, or the one file that is meant."""
    own = event_files.own_files(folder, names)
    if not own:
        return
    if len(own) == 1 and len(event_files.own_files(folder, event_files.names_in(folder))) > 1:
        yield Place(format="tensorboard", path=own[0], files=(own[0],))
        return
    files = tuple(place.path for place in event_files.files_of_run(folder, names))
    yield Place(format="tensorboard", path=folder, files=files)


def _open(place: Place, clock: Clock) -> TensorBoardSource:
    return TensorBoardSource(place, clock)


FORMAT = Format(
    name="tensorboard",
    richness=70,
    written_by="TensorBoard: torch, Keras, the Trainer",
    files="`events.out.tfevents.*`",
    ends="the Trainer's last scalars",
    find=find,
    open=_open,
)

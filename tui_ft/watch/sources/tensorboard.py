"""TensorBoard event files: one folder is one run, as TensorBoard itself has it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources import byte_tail, event_files, hparams_plugin, setting_values
from tui_ft.watch.sources.byte_tail import ByteTail
from tui_ft.watch.sources.event_files import EventPath
from tui_ft.watch.sources.event_frames import LONGEST_READ_BYTES, Framer
from tui_ft.watch.sources.event_message import Value
from tui_ft.watch.sources.event_scalars import Decoded, Scalars
from tui_ft.watch.sources.final_metrics import FinalMetrics
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.neighbours import model_and_method
from tui_ft.watch.sources.pace import usual_gap
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.words import title_of
from tui_ft.watch.state import Evidence

_LOOK_EVERY_S = 2.0
_EPOCH_TAGS = frozenset({"epoch", "train/epoch"})


class EventFile:
    """One event file, followed: hands out what was added, piece by piece."""

    def __init__(self, place: EventPath) -> None:
        self.place = place
        self.tail = ByteTail(place.path)
        self.damaged_at: int | None = None
        self._framer = Framer()
        self._scalars = Scalars()
        self._seen: tuple[int, float | None] = (-1, None)
        self.is_read = False

    def next_piece(self) -> Decoded | None:
        """Decode the next piece; None when there is nothing more (yet). Raises OSError."""
        data = self.tail.read()
        if self.tail.restarted:
            self.damaged_at, self._seen = None, (-1, None)
        now = (self.tail.size, self.tail.modified)
        if not data or now == self._seen:
            self.is_read = True
            return None
        frames = self._framer.cut(data)
        if not frames.used and not frames.is_damaged and len(data) == byte_tail.CHUNK_BYTES:
            data = self.tail.read(LONGEST_READ_BYTES + byte_tail.CHUNK_BYTES)
            frames = self._framer.cut(data)
        decoded = self._scalars.decode(data, frames)
        if decoded.damage is not None:
            frames.used, frames.is_damaged, frames.skipped = decoded.damage - 12, True, 0
        if frames.is_damaged and not any(data[frames.used :]):
            frames.is_damaged = False  # zeros behind the last record: space that is not written yet
        after = self.tail.offset + frames.used + frames.skipped
        if after > self.tail.size:
            after = self.tail.offset + frames.used if frames.used < len(data) else self.tail.offset
        self.damaged_at = after if frames.is_damaged else None
        is_stuck = after == self.tail.offset or frames.is_damaged
        self.tail.offset = after
        self._seen = now if is_stuck else (-1, None)
        self.is_read = is_stuck or self.tail.is_at_end
        return decoded


class TensorBoardSource(ForeignSource):
    """Reads the event files of one run, the oldest first; a later value at a step replaces an earlier one."""

    def start_over(self) -> None:
        super().start_over()
        self._names = SeriesNames()
        self._final = FinalMetrics()
        self._files: dict[Path, EventFile] = {}
        self._last_look = 0.0
        self._newest: float | None = None
        self._is_keras = False

    def advance(self, end: float) -> bool:
        changed = self._look()
        for file in list(self._files.values()):
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
        return changed

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
            self._newest = max(self._newest or piece.wall, piece.wall)

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

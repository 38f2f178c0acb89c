"""The state files of the HF Trainer: `trainer_state.json` of the output folder and of its checkpoints."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources.following import LFS_NOTE, is_lfs_pointer, read_piece, stamp_of, stays_within
from tui_ft.watch.sources.foreign import Facts, ForeignSource
from tui_ft.watch.sources.hf_state_rows import (
    Parsed,
    StateFile,
    add,
    is_of_another_run,
    was_told_to_stop,
)
from tui_ft.watch.sources.neighbours import model_and_method, model_beside
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.state_json import BadStateError, read_state
from tui_ft.watch.sources.words import json_number, title_of, whole_step
from tui_ft.watch.state import Evidence

FILE_NAME = "trainer_state.json"
LARGEST_BYTES = 256 << 20
MOST_CHECKPOINTS = 2_000
SCAN_EVERY_S = 1.0
_HEAD_BYTES = 4_096
_CHECKPOINT = re.compile(r"^checkpoint-(\d{1,15})$")
_STEP_IN_HEAD = re.compile(rb'"global_step":\s*(\d{1,15})')
_SETTINGS = ("logging_steps", "eval_steps", "save_steps", "train_batch_size", "num_train_epochs", "max_steps",
             "trial_name", "best_metric", "best_model_checkpoint", "best_global_step")  # fmt: skip
_ENDLESS_EPOCHS = 1 << 40
"""A run limited by its steps over a stream says sys.maxsize epochs."""


def _files(folder: Path, names: Sequence[str]) -> Iterator[StateFile]:
    """The state files of an output folder whose entries are `names`: its own, then those of checkpoints."""
    if FILE_NAME in names and (stamp := stamp_of(folder / FILE_NAME)):
        yield StateFile(folder / FILE_NAME, _head_step(folder / FILE_NAME), stamp)
    steps = sorted((int(match[1]), name) for name in names if (match := _CHECKPOINT.match(name)))
    for step, name in steps[-MOST_CHECKPOINTS:]:
        inside = folder / name
        if inside.is_symlink() or not stays_within(inside / FILE_NAME, folder):
            continue
        if stamp := stamp_of(inside / FILE_NAME):
            yield StateFile(inside / FILE_NAME, step, stamp)


def _head_step(path: Path) -> int:
    try:
        match = _STEP_IN_HEAD.search(read_piece(path, _HEAD_BYTES))
    except OSError:
        return -1
    return int(match[1]) if match else -1


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the one place of a folder that holds state files, its own or those of its checkpoints."""
    files = [file.path for file in _files(folder, names) if not _is_pointer(file.path)]
    if files:
        yield Place(format="hf_trainer_state", path=folder, files=tuple(files))


def _is_pointer(path: Path) -> bool:
    try:
        return is_lfs_pointer(read_piece(path, 64))
    except OSError:
        return False


class TrainerStateSource(ForeignSource):
    """Reads the newest readable state: it holds the rows of all before it. Whole files, on a change."""

    def start_over(self) -> None:
        super().start_over()
        self.facts.title = title_of(self.place.path)
        self.facts.evidence = Evidence(is_snapshot=True)
        self.facts.is_complete = False
        self._seen: tuple[StateFile, ...] | None = None
        self._job: Iterator[None] | None = None
        self._scanned_at = -SCAN_EVERY_S

    def advance(self, end: float) -> bool:
        changed = self._scan()
        while self._job is not None:
            try:
                next(self._job)
            except StopIteration:
                self._job, changed = None, True
            if time.monotonic() >= end:
                break
        return changed

    def _scan(self) -> bool:
        """Look for files that are new or rewritten; begin to read when there are any. Raises OSError."""
        if time.monotonic() - self._scanned_at < SCAN_EVERY_S:
            return False
        self._scanned_at = time.monotonic()
        files = tuple(_files(self.place.path, sorted(os.listdir(self.place.path))))
        if files == self._seen:
            return False
        self._seen, self._job = files, self._read_best(files)
        return True

    def _read_best(self, files: Sequence[StateFile]) -> Iterator[None]:
        """Read the state of the highest step; of a torn one the next lower. Then see whether it is stale."""
        notes: list[str] = []
        chosen: Parsed | None = None
        for file in sorted(
            files, key=lambda file: (file.step, file.path.parent == self.place.path), reverse=True
        ):
            chosen = yield from self._parse(file, notes)
            if chosen is not None:
                break
        newest = max(files, key=lambda file: file.stamp[0], default=None)
        if chosen is not None and newest is not None and newest.step < chosen.file.step:
            other = yield from self._parse(newest, [])
            if other is not None and is_of_another_run(other, chosen):
                notes.append(f"{self._shown(chosen.file)} is left of an earlier run and is not shown.")
                chosen = other
        self._take(chosen, files, notes)

    def _parse(self, file: StateFile, notes: list[str]) -> Generator[None, None, Parsed | None]:
        parsed = Parsed(file=file)
        names = SeriesNames()
        try:
            if file.stamp[1] > LARGEST_BYTES:
                raise BadStateError("larger than 256 MiB")
            data = read_piece(file.path, LARGEST_BYTES)
            if is_lfs_pointer(data):
                raise BadStateError(LFS_NOTE)
            for rows in read_state(data.decode("utf-8", errors="replace"), parsed.known):
                add(parsed, rows, names)
                yield
        except OSError as error:
            notes.append(f"{self._shown(file)} cannot be read: {error.strerror or error}.")
            return None
        except BadStateError as error:
            words = str(error) if is_lfs_pointer(data[:64]) else "It is torn or damaged."
            notes.append(f"{self._shown(file)}: {words}")
            return None
        return parsed

    def _shown(self, file: StateFile) -> str:
        return str(file.path.relative_to(self.place.path))

    def _take(self, parsed: Parsed | None, files: Sequence[StateFile], notes: list[str]) -> None:
        facts = Facts(title=self.facts.title, notes=notes)
        facts.checkpoint_steps = [
            float(file.step) for file in files if _CHECKPOINT.match(file.path.parent.name) and file.step >= 0
        ]
        written = max((file.modified_at for file in files), default=None)
        facts.evidence = Evidence(is_snapshot=True, written_at=written)
        facts.updated_at = written
        if parsed is None:
            facts.bad_records = len(notes)
            self.facts = facts
            return
        facts.bad_records = len(notes)
        state = parsed.known
        most = whole_step(state.get("max_steps"))
        facts.total_steps = most or None
        facts.settings = self._settings(parsed)
        facts.model, facts.method = model_and_method(facts.settings)
        reached = whole_step(state.get("global_step"))
        finished = parsed.finished
        if not finished and most and reached is not None and reached >= most:
            finished = f"Step {reached} of {most} was reached."
        if not finished and was_told_to_stop(state):
            finished = "The trainer was told to stop training."
        facts.evidence = Evidence(is_snapshot=True, written_at=written, finished=finished)
        self.table, self.facts = parsed.table, facts
        if reached is not None and (self.table.step is None or self.table.step < reached):
            self.table.step = reached
        epoch = json_number(state.get("epoch"))
        self.table.epoch = epoch if epoch is not None else self.table.epoch

    def _settings(self, parsed: Parsed) -> dict[str, SettingValue]:
        settings: dict[str, SettingValue] = {}
        for name in _SETTINGS:
            value = parsed.known.get(name)
            if isinstance(value, (int, float, str)) and not (
                isinstance(value, int) and value >= _ENDLESS_EPOCHS
            ):
                settings[name] = value
        settings.update(model_beside((parsed.file.path.parent, self.place.path)))
        return settings


def _open(place: Place, clock: Clock) -> TrainerStateSource:
    return TrainerStateSource(place, clock)


FORMAT = Format(
    name="hf_trainer_state",
    richness=55,
    written_by="Hugging Face Trainer, TRL, Unsloth, Axolotl",
    files="`trainer_state.json` in the output folder or its checkpoints",
    ends="the row of the whole run, or the last step",
    find=find,
    open=_open,
)

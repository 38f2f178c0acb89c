"""Lightning's `metrics.csv`: sparse rows, columns that come and go, rewritten as a whole or appended to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.following import head_and_tail, is_lfs_pointer, stamp_of
from tui_ft.watch.sources.line_source import LineSource
from tui_ft.watch.sources.neighbours import model_and_method, yaml_file
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.words import series_key, title_of, whole_step, word_number
from tui_ft.watch.state import Evidence

FILE_NAME = "metrics.csv"
HPARAMS = "hparams.yaml"
MOST_COLUMNS = 2_000
_HEAD_BYTES = 65_536
_RATE = re.compile(r"^lr-[A-Za-z]\w*(?:-v\d+)?(?:/pg1)?$")
_NORM = re.compile(r"^grad_[\d.]+_norm_total$")
_CHECKPOINT_STEP = re.compile(r"step=(\d{1,15})")


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the place of a folder whose `metrics.csv` has a column of steps."""
    path = folder / FILE_NAME
    if FILE_NAME not in names or not stamp_of(path):
        return
    head = head_and_tail(path, _HEAD_BYTES)[0]
    if not is_lfs_pointer(head) and is_metrics_header(head.partition(b"\n")[0]):
        beside = (folder / HPARAMS,) if HPARAMS in names else ()
        yield Place(format="lightning_csv", path=path, files=(path, *beside))


def is_metrics_header(line: bytes) -> bool:
    """True for a first line that names a column `step` and a column of something else that is a name."""
    columns = _split(line.decode("utf-8", errors="replace").lstrip("\ufeff").rstrip("\r"))
    return "step" in columns and len(columns) > 1 and all(word_number(name) is None for name in columns)


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


class LightningSource(LineSource):
    """Follows the file; a header that changed, or a file that shrank, makes it begin again."""

    def begin(self) -> None:
        facts = self.facts
        facts.title = title_of(self.place.path.parent)
        facts.settings = yaml_file(self.place.path.parent / HPARAMS)
        facts.model, facts.method = model_and_method(facts.settings)
        self._columns: list[str] | None = None

    def tell(self, *, changed: bool) -> bool:
        self.facts.evidence = Evidence(written_at=self.file.modified_at)
        if changed:
            self.facts.checkpoint_steps = self._checkpoints()
        return changed

    def take(self, lines: Sequence[str]) -> None:
        if self._columns is None:
            self._columns, lines = (
                _names_of(_split(lines[0].lstrip("\ufeff").rstrip("\r"))[:MOST_COLUMNS]),
                lines[1:],
            )
        rows = []
        for line in lines:
            text = line.strip("\0\r")
            if not text:
                continue
            row = self._row(text.split(",") if '"' not in text else _split(text))
            if row is None:
                self.facts.bad_records += 1
            elif len(row) > 1:
                rows.append(row)
        self.table.add(rows)
        if rows:
            self.table.step = rows[-1]["step"]

    def _row(self, cells: Sequence[str]) -> dict[str, Any] | None:
        columns = self._columns or []
        if len(cells) != len(columns):
            return None
        row: dict[str, Any] = {}
        for name, cell in zip(columns, cells, strict=True):
            if cell and (known := word_number(cell)) is not None:
                row[name] = known
        step = whole_step(row.get("step"))
        if step is None:
            return None
        row["step"] = step
        return row

    def _checkpoints(self) -> list[float]:
        """Steps of the checkpoints that Lightning keeps beside the file, by their names."""
        try:
            names = [path.name for path in (self.place.path.parent / "checkpoints").iterdir()][:2_000]
        except OSError:
            return []
        return sorted({float(match[1]) for name in names if (match := _CHECKPOINT_STEP.search(name))})


def _names_of(columns: Sequence[str]) -> list[str]:
    """Return the shown name of each column: of those that fold to one, the value of a step goes first."""
    names = SeriesNames()
    shown = {name: names.of(_plain(name)) for name in sorted(columns, key=_rank)}
    return [name if name in ("step", "epoch") else series_key(shown[name]) for name in columns]


def _plain(name: str) -> str:
    if _RATE.match(name):
        return "learning_rate"
    return "grad_norm" if _NORM.match(name) else name


def _rank(name: str) -> tuple[int, int, str]:
    return (
        name.startswith("test"),
        0 if name.endswith("_step") else 2 if name.endswith("_epoch") else 1,
        name,
    )


def _open(place: Place, clock: Clock) -> LightningSource:
    return LightningSource(place, clock)


FORMAT = Format(
    name="lightning_csv",
    richness=60,
    written_by="Lightning",
    files="`metrics.csv`, `hparams.yaml`",
    ends="none",
    find=find,
    open=_open,
)

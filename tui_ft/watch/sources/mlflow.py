"""MLflow: its file store (`mlruns/`) and its SQLite store (`mlflow.db`), a run each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources import mlflow_store, setting_values, sqlite_file
from tui_ft.watch.sources.database_source import DatabaseSource, Row, rows_until
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.mlflow_points import MetricPoints, Point, value_of
from tui_ft.watch.sources.neighbours import model_and_method, yaml_file
from tui_ft.watch.sources.pace import usual_gap
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.words import whole_step
from tui_ft.watch.state import Evidence

if TYPE_CHECKING:
    import sqlite3

_MOST_RUNS = 500
_ROWS = 5_000
_LATEST_MS = 1e14
_ENDED = {"FAILED": "MLflow says that it failed.", "KILLED": "MLflow says that it was killed."}
_TAGS = {"mlflow.source.name": "program", "mlflow.note.content": "note"}


class MlflowSource(ForeignSource):
    """What both stores share: points, settings, a status."""

    def start_over(self) -> None:
        super().start_over()
        self._points = MetricPoints(self.table)
        self._status = ""

    def _conclude(self, modified: float | None) -> None:
        facts, points = self.facts, self._points
        facts.model, facts.method = model_and_method(facts.settings)
        facts.total_steps = setting_values.whole(facts.settings.get("max_steps"))
        facts.hardware_series, facts.hardware_origin = points.hardware, points.origin
        known = (points.newest, modified)
        facts.updated_at = min((at for at in known if at is not None), default=facts.started_at)
        is_trained = points.final.mark(self.table.step)
        finished = "MLflow says that it finished." if self._status == "FINISHED" else ""
        if not finished and is_trained:
            finished = "Its last row tells how long the training took."
        facts.evidence = Evidence(
            finished=finished,
            failed=_ENDED.get(self._status, ""),
            written_at=facts.updated_at,
            usual_gap_s=usual_gap(self.table.times),
        )


class FileStoreSource(MlflowSource):
    """Follows the folder of a run."""

    def start_over(self) -> None:
        super().start_over()
        self._files = mlflow_store.MetricFiles(self.place.path)
        self._meta_stamp: tuple[float, ...] = ()

    def advance(self, end: float) -> bool:
        points = self._files.read(end)
        if self._files.restarted:
            self.start_over()
            return True
        changed = self._look_at_meta() or bool(points) or self.facts.is_complete != self._files.is_at_end
        if changed:
            self._points.add(points)
            self.facts.bad_records = self._files.bad_records
            self.facts.is_complete = self._files.is_at_end
            self._conclude(self._files.modified)
        return changed

    def _look_at_meta(self) -> bool:
        """Read who and what the run is, when that changed: its end is written there."""
        run = self.place.path
        stamps = tuple(_modified(run / name) for name in (mlflow_store.META, "params", "tags"))
        if stamps == self._meta_stamp:
            return False
        self._meta_stamp = stamps
        meta, facts = yaml_file(run / mlflow_store.META), self.facts
        tags = mlflow_store.small_files(run / "tags")
        self._status = mlflow_store.status_of(meta)
        facts.title = str(meta.get("run_name") or tags.get("mlflow.runName") or run.name)
        facts.started_at, facts.ended_at = _seconds(meta.get("start_time")), _seconds(meta.get("end_time"))
        facts.settings = _settings(mlflow_store.small_files(run / "params"), tags)
        return True


class DatabaseRunSource(MlflowSource, DatabaseSource):
    """Follows one run of a database."""

    def start_over(self) -> None:
        super().start_over()
        self._row = 0

    def take(self, fetched: list[list[Row]], modified: float | None) -> None:
        (rows,) = fetched
        if rows:
            self._row = rows[-1][0]
        self._points.add(self._as_points(rows))
        self._conclude(modified)

    def fetch(self, connection: sqlite3.Connection, end: float) -> tuple[list[list[Row]], bool]:
        run_id = (self.place.path.name,)
        known = connection.execute(
            "SELECT name, status, start_time, end_time FROM runs WHERE run_uuid=?", run_id
        ).fetchone()
        if known is None:
            raise sqlite_file.DatabaseReadError(0, "the run is no longer in the database")
        pairs = "SELECT key, value FROM {} WHERE run_uuid=? LIMIT 1000"
        tags = _texts(connection.execute(pairs.format("tags"), run_id))
        self._status = str(known[1])
        facts = self.facts
        facts.title = str(known[0] or tags.get("mlflow.runName") or run_id[0])
        facts.started_at, facts.ended_at = _seconds(known[2]), _seconds(known[3])
        facts.settings = _settings(_texts(connection.execute(pairs.format("params"), run_id)), tags)
        columns = sqlite_file.columns(connection, "metrics")
        step = "step" if "step" in columns else "0"
        is_nan = "is_nan" if "is_nan" in columns else "0"
        cursor = connection.execute(
            f"SELECT rowid, key, value, timestamp, {step}, {is_nan} FROM metrics"
            " WHERE run_uuid=? AND rowid>? ORDER BY rowid",
            (*run_id, self._row),
        )
        rows, is_complete = rows_until(cursor, _ROWS, end)
        return [rows], is_complete

    def _as_points(self, rows: list[Row]) -> Iterator[Point]:
        for _, key, value, timestamp, step, is_nan in rows:
            number, at, whole = value_of(value, is_nan), _seconds(timestamp), whole_step(step)
            if number is None or at is None or whole is None or not isinstance(key, str):
                self.facts.bad_records += 1
            else:
                yield key, whole, number, at


def _texts(pairs: Iterable[tuple[Any, Any]]) -> dict[str, SettingValue]:
    return {str(key): setting_values.shown(str(key), setting_values.plain(value)) for key, value in pairs}


def _settings(params: dict[str, SettingValue], tags: dict[str, SettingValue]) -> dict[str, SettingValue]:
    """Params, and of the tags what tells of the run; who ran it is not shown."""
    known = {name: tags[tag] for tag, name in _TAGS.items() if tags.get(tag)}
    return {**known, **params}


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 < milliseconds < _LATEST_MS else None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the run whose folder this is, and the runs in the databases among `names`, newest first."""
    meta = folder / mlflow_store.META
    if mlflow_store.META in names and mlflow_store.is_run(yaml_file(meta)):
        yield Place(format="mlflow", path=folder, files=(meta,))
    for name in sorted(names):
        path = folder / name
        if sqlite_file.is_database(path):
            yield from (Place(format="mlflow", path=path / run, files=(path,)) for run in _runs(path))


def _runs(path: Path) -> list[str]:
    """The runs in a database of MLflow; none in any other."""
    try:
        with sqlite_file.opened(path) as connection:
            needed = {"run_uuid", "status", "start_time", "lifecycle_stage"}
            if not needed <= sqlite_file.columns(connection, "runs"):
                return []
            found = connection.execute(
                "SELECT run_uuid FROM runs WHERE lifecycle_stage='active' ORDER BY start_time DESC LIMIT ?",
                (_MOST_RUNS,),
            ).fetchall()
    except sqlite_file.DatabaseReadError:
        return []
    return [run for (run,) in found if isinstance(run, str) and run and "/" not in run]


def _open(place: Place, clock: Clock) -> MlflowSource:
    is_store = place.files[0].name == mlflow_store.META
    return FileStoreSource(place, clock) if is_store else DatabaseRunSource(place, clock)


FORMAT = Format(
    name="mlflow",
    richness=65,
    written_by="MLflow",
    files="`mlruns/`, `mlflow.db`",
    ends="its status",
    find=find,
    open=_open,
)

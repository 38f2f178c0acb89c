"""trackio: the SQLite database of a project, with a row of JSON for each call of `trackio.log`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from tui_ft.watch.sources import setting_values, sqlite_file, wandb_message
from tui_ft.watch.sources.database_source import DatabaseSource, Row, rows_until
from tui_ft.watch.sources.neighbours import model_and_method
from tui_ft.watch.sources.pace import usual_gap
from tui_ft.watch.sources.protocol import Clock, Format, Place
from tui_ft.watch.sources.trackio_statistics import SystemMetrics
from tui_ft.watch.sources.wandb_rows import HistoryTable
from tui_ft.watch.state import Evidence

if TYPE_CHECKING:
    import sqlite3

_MOST_RUNS = 500
_ROWS = 1_000
_SYSTEM_ROWS = 20_000


class TrackioSource(DatabaseSource):
    """Follows one run of a database. Its times are those at which rows were sent, several at once."""

    def start_over(self) -> None:
        super().start_over()
        self._rows = HistoryTable(self.table)
        self._system = SystemMetrics()
        self._last = self._last_system = 0

    def fetch(self, connection: sqlite3.Connection, end: float) -> tuple[list[list[Row]], bool]:
        key = _key(sqlite_file.columns(connection, "metrics"))
        run = unquote(self.place.path.name)
        self._read_settings(connection, run)
        cursor = connection.execute(
            f"SELECT id, step, timestamp, metrics, run_name FROM metrics WHERE {key}=? AND id>? ORDER BY id",
            (run, self._last),
        )
        rows, is_complete = rows_until(cursor, _ROWS, end)
        system: list[Row] = []
        if key in sqlite_file.columns(connection, "system_metrics"):
            system = connection.execute(
                f"SELECT id, timestamp, metrics FROM system_metrics WHERE {key}=? AND id>?"
                f" ORDER BY id LIMIT {_SYSTEM_ROWS}",
                (run, self._last_system),
            ).fetchall()
        return [rows, system], is_complete and len(system) < _SYSTEM_ROWS

    def _read_settings(self, connection: sqlite3.Connection, run: str) -> None:
        known = sqlite_file.columns(connection, "configs")
        if not {"config", _key(known)} <= known:
            return
        row = connection.execute(f"SELECT config FROM configs WHERE {_key(known)}=?", (run,)).fetchone()
        config = _object(row[0]) if row else {}
        self.facts.settings = setting_values.flat(
            {name: value for name, value in config.items() if not name.startswith("_")}
        )
        self.facts.started_at = _unix(config.get("_Created"))

    def take(self, fetched: list[list[Row]], modified: float | None) -> None:
        rows, system = fetched
        decoded = [numbers for row in rows if (numbers := self._numbers(row)) is not None]
        pieces: list[Mapping[str, list[float]]] = []
        for names, group in groupby(decoded, key=tuple):
            alike = list(group)
            pieces.append({name: [row[name] for row in alike] for name in names})
        if pieces:
            self._rows.add(pieces)
        if rows:
            self._last = rows[-1][0]
            self.facts.title = str(rows[-1][4])
        for number, timestamp, metrics in system:
            self._last_system = number
            self._system.add(_unix(timestamp), wandb_message.flat_numbers(_object(metrics)))
        self._system.settle()
        self._conclude()

    def _numbers(self, row: Row) -> dict[str, float] | None:
        """The numbers of a row with its step and time; None for a row that holds none."""
        _, step, timestamp, metrics, _ = row
        numbers = wandb_message.flat_numbers(_object(metrics))
        own_step, at = wandb_message.as_number(step), _unix(timestamp)
        if not numbers or own_step is None:
            self.facts.bad_records += own_step is None or not metrics
            return None
        numbers["_step"] = own_step
        if at is not None:
            numbers["_timestamp"] = at
        return numbers

    def _conclude(self) -> None:
        facts = self.facts
        facts.model, facts.method = model_and_method(facts.settings)
        facts.total_steps = setting_values.whole(facts.settings.get("max_steps"))
        facts.hardware_series, facts.hardware_origin = self._system.series, self._system.origin
        known = [at for at in (self._rows.newest, self._system.newest) if at is not None]
        facts.updated_at = max(known, default=facts.started_at)
        facts.ended_at = self._rows.newest if self._rows.is_trained else None
        facts.evidence = Evidence(
            finished="Its last row tells how long the training took." if self._rows.is_trained else "",
            written_at=facts.updated_at,
            usual_gap_s=usual_gap(self.table.times),
        )


def _key(columns: frozenset[str]) -> str:
    """The column that tells runs apart: databases before 0.15 know the name only."""
    return "run_id" if "run_id" in columns else "run_name"


def _object(data: object) -> dict[str, Any]:
    """A JSON object, kept as text or as bytes."""
    known = setting_values.loads(data) if isinstance(data, str | bytes) else None
    return known if isinstance(known, dict) else {}


def _unix(text: object) -> float | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        if moment is None:
            return None
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def find(folder: Path, names: Sequence[str]) -> Iterator[Place]:
    """Yield the runs in the databases among `names`."""
    for name in sorted(names):
        path = folder / name
        if sqlite_file.is_database(path):
            runs = (quote(run, safe="") for run in _runs(path))
            yield from (Place(format="trackio", path=path / run, files=(path,)) for run in runs)


def _runs(path: Path) -> list[str]:
    """The runs in a database of trackio, one look-up each; none in any other database."""
    found: list[str] = []
    try:
        with sqlite_file.opened(path) as connection:
            columns = sqlite_file.columns(connection, "metrics")
            if not {"run_name", "timestamp", "step", "metrics"} <= columns:
                return []
            key = _key(columns)
            query = f"SELECT {key} FROM metrics WHERE {key}>? ORDER BY {key} LIMIT 1"
            last = ""
            while len(found) < _MOST_RUNS and (row := connection.execute(query, (last,)).fetchone()):
                if not isinstance(row[0], str):
                    break
                last = row[0]
                found.append(last)
    except sqlite_file.DatabaseReadError:
        return found
    return found


def _open(place: Place, clock: Clock) -> TrackioSource:
    return TrackioSource(place, clock)


FORMAT = Format(
    name="trackio",
    richness=64,
    written_by="trackio",
    files="`<project>.db`",
    ends="none",
    find=find,
    open=_open,
)

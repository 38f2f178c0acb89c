"""Reading a SQLite database that somebody else writes: never a byte of ours in it or beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tui_ft.watch.sources import heads

if TYPE_CHECKING:
    import sqlite3

MAGIC = b"SQLite format 3\0"
SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3")
_WAL_AT = 18
"""The byte of the header that is 2 where a write-ahead log belongs to the file (sqlite.org/fileformat2)."""
_BUSY_S = 0.05
READ_S = 0.5
"""A reading takes what it has after so long, and goes on from there: well before it would be broken off."""
_LONGEST_QUERY_S = 2.0
_LONGEST_VALUE = 8 * 1024 * 1024
_LARGEST_COPY = 512 * 1024 * 1024
_STEPS_BETWEEN_LOOKS = 20_000

Stamp = tuple[tuple[int, int, float], ...]


class DatabaseReadError(OSError):
    """The database cannot be read now: it is locked, damaged, or no database. `strerror` says which."""


def is_database(path: Path) -> bool:
    """True for a regular file that begins as SQLite's files do."""
    return path.suffix.lower() in SUFFIXES and heads.is_regular(path) and heads.head(path, 16) == MAGIC


def stamp(path: Path) -> Stamp:
    """What changes when somebody writes: inode, size and time of the database and of its log."""
    found = []
    for each in (path, _beside(path, "-wal"), _beside(path, "-journal")):
        try:
            status = each.stat()
            found.append((status.st_ino, status.st_size, status.st_mtime))
        except OSError:
            found.append((0, 0, 0.0))
    return tuple(found)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads only, for a few queries; longer ones than two seconds are broken off.

    Raises DatabaseReadError, also for what the queries inside meet, and when the file was changed under a
    reading without locks.
    """
    import sqlite3

    if heads.head(path, 16) != MAGIC:
        raise DatabaseReadError(0, "it is no SQLite database")
    try:
        if _must_copy(path):
            with (
                tempfile.TemporaryDirectory(prefix="tui-ft-") as folder,
                closing(_connected(_copy(path, Path(folder)))) as connection,
            ):
                yield connection
            return
        uri, is_unlocked = _uri(path)
        before = stamp(path)
        with closing(_connected(uri)) as connection:
            yield connection
        if is_unlocked and stamp(path) != before:
            raise DatabaseReadError(0, "it was written while it was read")
    except (sqlite3.Error, UnicodeDecodeError) as error:  # messages quote bytes of the file
        raise DatabaseReadError(0, f"{error}") from None


def _connected(uri: str) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        _bound(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _bound(connection: sqlite3.Connection) -> None:
    import sqlite3

    end = time.monotonic() + _LONGEST_QUERY_S
    connection.text_factory = _text
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA query_only=ON")


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _has_wal(path: Path) -> bool:
    return heads.head(path, 20)[_WAL_AT : _WAL_AT + 1] == b"\x02"


def _is_filled(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _uri(path: Path) -> tuple[str, bool]:
    """How to open the file where it lies, and whether that is without locks.

    A database with a write-ahead log makes even a reader create the log's index, unless it is told that
    nobody writes (`immutable`): nobody does where there is no log.
    """
    file = f"file:{quote(os.fsencode(path.absolute()))}?mode=ro"
    if not _has_wal(path):
        return file, False
    if _is_filled(_beside(path, "-wal")):
        return f"{file}&readonly_shm=1", False
    return f"{file}&immutable=1", True


def _must_copy(path: Path) -> bool:
    """True where only a writer may read: a log whose index is missing, or a change that was broken off.

    Its dead writer's files are mended beside a copy.
    """
    if _has_wal(path):
        return _is_filled(_beside(path, "-wal")) and not _beside(path, "-shm").exists()
    return _is_filled(_beside(path, "-journal")) and _is_broken_off(path)


def _is_broken_off(path: Path) -> bool:
    """True when the journal's writer is gone: then a reader that may not write is refused."""
    import sqlite3

    try:
        with closing(_connected(_uri(path)[0])) as connection:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
    return False


def _copy(path: Path, folder: Path) -> str:
    """Copy the database with its log or journal, and return how to open the copy."""
    both = [path, *(each for ending in ("-wal", "-journal") if _is_filled(each := _beside(path, ending)))]
    if sum(each.stat().st_size for each in both) > _LARGEST_COPY:
        raise DatabaseReadError(0, "its log was left behind, and it is too large to be copied")
    for each in both:
        shutil.copyfile(each, folder / each.name)
    return f"file:{quote(os.fsencode(folder / path.name))}?mode=rw"


def columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns of a table; none where there is no table, only a view, of that name."""
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (table,)
    ).fetchone()
    if known is None:
        return frozenset()
    return frozenset(row[1] for row in connection.execute(f'PRAGMA table_info("{table}")'))

# ruff: noqa: E501 - rows of tables and samples
"""Whatever the files of others hold: no error, no hang, no wrong end, no control character, nothing written.

The files of small runs of our own, of every format, and the real ones of ../shared are cut off, damaged, grown,
replaced and hidden. `TUI_FT_ALL_MUTANTS=1` cuts the real ones at every 64th byte (hours); otherwise a part is
tried. Coverage-guided: `python tests/fuzz_readers.py`.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import mutants
import pytest
import small_runs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import CHANGED_AT, RUNS, SmallRun, date

from tui_ft.cli.main import main
from tui_ft.watch import formats
from tui_ft.watch.finding import find_runs
from tui_ft.watch.foreign_run import open_run
from tui_ft.watch.sources import hf_trainer_state, llamafactory, mlflow_store
from tui_ft.watch.sources.protocol import Place

SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs"
NOW = CHANGED_AT + 10
LONGEST_TEST_S = 120
FIXED = settings(
    derandomize=True, deadline=None, database=None, max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
named = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """A reader that waits for something fails its test instead of holding up all of them."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still not read after {LONGEST_TEST_S} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LONGEST_TEST_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that look for changes once in some seconds look at every poll."""
    monkeypatch.setattr(hf_trainer_state, "SCAN_EVERY_S", 0.0)
    monkeypatch.setattr(llamafactory, "LOOK_BESIDE_EVERY_S", 0.0)
    monkeypatch.setattr(mlflow_store, "_LOOK_EVERY_S", 0.0)


def read(place: Place, file: Path, clock: float = NOW) -> dict[str, Any]:
    """Read a place whole, check all rules, and return its JSON."""
    return mutants.check(mutants.read_whole(mutants.opened(place, clock)), file)


def put(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    os.utime(file, (CHANGED_AT, CHANGED_AT))


# --- the runs themselves -------------------------------------------------------------------------


@named
def test_the_small_runs_are_read(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    known = read(mutants.place_at(run.format, file), file)
    assert known["series"]["loss"]["points"] >= 20
    assert (known["status"] == "finished") == run.ends
    assert known["bad_records"] == 0


# --- cut off and damaged -------------------------------------------------------------------------


@named
def test_a_file_cut_off_at_every_64th_byte(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data, before = mutants.place_at(run.format, file), file.read_bytes(), names(tmp_path)
    for cut in mutants.truncations(data):
        put(file, cut)
        read(place, file)
    assert names(tmp_path) == before


@named
def test_a_file_cut_off_anywhere_in_its_last_lines(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data = mutants.place_at(run.format, file), file.read_bytes()
    for size in range(max(len(data) - 200, 0), len(data)):
        put(file, data[:size])
        read(place, file)


@named
def test_a_damaged_file(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data, before = mutants.place_at(run.format, file), file.read_bytes(), names(tmp_path)
    chance = random.Random(run.name)
    for _ in range(150):
        put(file, mutants.damaged(data, chance))
        read(place, file)
    assert names(tmp_path) == before


EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 300), st.one_of(st.binary(max_size=12), st.sampled_from(mutants.NUMBERS))),
    min_size=1, max_size=5,
)  # fmt: skip


@named
@FIXED
@given(edits=EDITS)
def test_any_piece_replaced_by_anything(
    run: SmallRun, edits: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, place, data = _once(run, tmp_path_factory)
    changed = bytearray(data)
    for at, length, new in edits:
        begin = at % (len(changed) + 1)
        changed[begin : begin + length] = new
    put(file, bytes(changed))
    read(place, file)


_MADE: dict[str, tuple[Path, Place, bytes]] = {}


def _once(run: SmallRun, factory: pytest.TempPathFactory) -> tuple[Path, Place, bytes]:
    if run.name not in _MADE:
        file = small_runs.made(run, factory.mktemp("small") / "run")
        _MADE[run.name] = (file, mutants.place_at(run.format, file), file.read_bytes())
    return _MADE[run.name]


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**320), 10**320), st.floats(), st.text(max_size=20),
    st.sampled_from(["NaN", "1e999", "9" * 500, mutants.HOSTILE.encode("utf-8", "ignore").decode()]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
KEYS = st.one_of(
    st.sampled_from(["step", "current_steps", "total_steps", "loss", "epoch", "lr", "elapsed_time", "percentage",
                     "train_runtime", "eval_loss", "log_history", "global_step", "max_steps", "stateful_callbacks"]),
    st.text(max_size=20),
)  # fmt: skip
ROWS = st.lists(st.dictionaries(KEYS, VALUES, max_size=8), max_size=12)


@FIXED
@given(rows=ROWS, kind=st.sampled_from(["llamafactory", "hf_trainer_state", "stdout", "torchtune"]))
def test_rows_of_any_values(
    rows: list[dict[str, Any]], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = next(run for run in RUNS if run.name == kind)
    file, place, _ = _once(run, tmp_path_factory)
    if kind == "hf_trainer_state":
        text = json.dumps({**(rows[0] if rows else {}), "log_history": rows})
    elif kind == "stdout":
        text = "".join(f"{row}\n" for row in rows)
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    put(file, text.encode("utf-8", errors="replace"))
    read(place, file)


# --- while it is read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [run for run in RUNS if "database" not in run.name and run.name != "trackio"],
    ids=lambda run: run.name,
)
def test_a_file_that_grows_reads_as_the_whole(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data, chance = mutants.place_at(run.format, file), file.read_bytes(), random.Random(run.name)
    whole = read(place, file)
    put(file, b"")
    source, size = mutants.opened(place, NOW), 0
    while size < len(data):
        size = min(size + chance.choice((1, 7, 64, 64, 300, 3_000)), len(data))
        put(file, data[:size])
        mutants.poll(source)
        mutants.check(source.reading, file)
    mutants.poll(source)
    assert mutants.check(mutants.read_whole(source), file) == whole


@pytest.mark.parametrize("name", ["mlflow_database", "trackio"])
def test_a_database_that_grows_reads_as_the_whole(name: str, tmp_path: Path) -> None:
    run = next(run for run in RUNS if run.name == name)
    file = small_runs.made(run, tmp_path / "run")
    place = mutants.place_at(run.format, file)
    whole = read(place, file)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        rows = database.execute("SELECT * FROM metrics ORDER BY rowid").fetchall()
        database.execute("DELETE FROM metrics")
        source = mutants.opened(place, NOW)
        for row in rows:
            database.execute(f"INSERT INTO metrics VALUES ({', '.join('?' * len(row))})", row)
            mutants.poll(source)
            mutants.check(source.reading, file)
    date(tmp_path)
    mutants.poll(source)
    assert mutants.check(mutants.read_whole(source), file)["series"] == whole["series"]


@named
def test_a_file_that_is_replaced_shrinks_and_goes(run: SmallRun, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data, chance = mutants.place_at(run.format, file), file.read_bytes(), random.Random(run.name)
    whole = read(place, file)
    source = mutants.opened(place, NOW)
    for turn in range(12):
        mutants.poll(source, 0.0)
        if turn % 4 == 0:
            put(file, data[: chance.randrange(len(data))])
        elif turn % 4 == 1:
            put(other := file.with_name("other"), mutants.damaged(data, chance))
            other.replace(file)
        elif turn % 4 == 2:
            file.unlink()
        else:
            put(file, bytes(chance.randrange(len(data))))
        mutants.poll(source)
        mutants.check(source.reading)
    put(other, data)
    other.replace(file)
    mutants.poll(source)
    known = mutants.check(mutants.read_whole(source), file)
    assert known["series"] == whole["series"]
    assert known["status"] == whole["status"]


KINDS = ("absent", "folder", "fifo", "loop", "device", "closed", "empty")


@named
@pytest.mark.parametrize("kind", KINDS)
def test_something_else_in_the_place_of_the_file(run: SmallRun, kind: str, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place = mutants.place_at(run.format, file)
    source = mutants.opened(place, NOW)
    mutants.read_whole(source)
    put_in_place(file, kind)
    mutants.poll(source)
    mutants.check(source.reading)
    read(place, file)
    for found in find_runs(tmp_path, NOW):
        mutants.check(mutants.read_whole(open_run(found, lambda: NOW, lambda paths: ())))


def put_in_place(file: Path, kind: str) -> None:
    if kind == "closed":
        file.chmod(0)
        return
    file.unlink()
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "empty":
        file.touch()


# --- large and odd -------------------------------------------------------------------------------

MOST_MIB = 300
LARGE = {
    "one line": b"x" * 10_000_000,
    "one row": b'{"current_steps": 1, "step": 1, "loss": ' + b"1" * 10_000_000,
    "zeros": bytes(5_000_000),
    "deep": b'{"a":' * 100_000,
    "lists": b"[" * 1_000_000,
    "columns": b",".join(b"name%d" % at for at in range(100_000)) + b"\nstep\n",
    "names": b"".join(b'{"current_steps": %d, "step": %d, "n%d": 1}\n' % (at, at, at) for at in range(5_000)),
    "returns": b"\r" * 2_000_000,
    "bars": b"\r 10%|#         | 1/10 [00:01<00:09, 1.0it/s]" * 20_000,
    "braces": b"{'loss': " * 100_000,
    "brackets": b"\x1b[" * 500_000,
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
}  # fmt: skip


@named
@pytest.mark.parametrize("content", sorted(LARGE))
def test_large_and_odd_content(run: SmallRun, content: str, tmp_path: Path) -> None:
    file = small_runs.made(run, tmp_path / "run")
    place, data = mutants.place_at(run.format, file), file.read_bytes()
    most, resident = _peak_mib() + 1, _resident_mib()
    put(file, LARGE[content])
    read(place, file)
    put(file, data + LARGE[content] + data)
    read(place, file)
    assert _peak_mib() < max(most, resident + MOST_MIB)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


# --- names ---------------------------------------------------------------------------------------

NAMES = (
    "\x1b[2J\x1b]0;gone\x07",
    "two\nlines\r",
    "\u202eright to left\u2066",
    "\x9b31m\x85\u2028",
    b"\xff\xfe\x80".decode("utf-8", "surrogateescape"),
)


@named
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_would_steer_the_terminal(run: SmallRun, name: str, tmp_path: Path) -> None:
    small_runs.made(run, tmp_path / name / name)
    (tmp_path / name / "empty").mkdir()
    (found,) = find_runs(tmp_path / name, NOW)
    mutants.check(mutants.read_whole(open_run(found, lambda: NOW, lambda paths: ())))
    assert name.encode("utf-8", "surrogateescape") in os.fsencode(found.path)


# --- the command ---------------------------------------------------------------------------------


def _fifo(top: Path) -> Path:
    os.mkfifo(top / "train.log")
    return top / "train.log"


def _loops(top: Path) -> Path:
    (top / "a" / "b").mkdir(parents=True)
    for name in ("up", "a/up", "a/b/up"):
        (top / name).symlink_to(top)
    (top / "self").symlink_to("self")
    return top


def _many(top: Path) -> Path:
    for at in range(20_000):
        (top / f"{at}.log").touch()
    return top


def _deep(top: Path) -> Path:
    folder = top
    for _ in range(300):
        folder /= "deeper"
    folder.mkdir(parents=True)
    return top


def _odd(top: Path) -> Path:
    path = top / "\x1b[2Jtwo\nlines\u202e"
    path.mkdir()
    return path


def _hostile_run(top: Path) -> Path:
    file = small_runs.made(RUNS[0], top / "\x9b2J\u202erun\n")
    state = json.loads(file.read_text())
    state["log_history"][0][mutants.HOSTILE] = 1.0
    state["trial_name"] = mutants.HOSTILE
    file.write_text(json.dumps(state))
    return file.parent


def _closed(top: Path) -> Path:
    small_runs.made(RUNS[0], top / "run")
    (top / "run").chmod(0)
    return top


PATHS = {
    "fifo": _fifo, "loops": _loops, "many": _many, "deep": _deep, "odd": _odd, "run": _hostile_run,
    "closed": _closed, "zero": lambda top: Path("/dev/zero"), "terminal": lambda top: Path("/dev/tty"),
    "kernel": lambda top: Path("/proc/self"), "memory": lambda top: Path("/proc/self/mem"),
    "long": lambda top: top / ("x" * 5_000), "nul": lambda top: Path(str(top) + "\0x"), "below a file": lambda top: _empty(top) / "x",
}  # fmt: skip


def _empty(top: Path) -> Path:
    (top / "file").touch()
    return top / "file"


@pytest.mark.parametrize("way", ["--json", "--once"])
@pytest.mark.parametrize("kind", sorted(PATHS))
def test_the_command_on_odd_paths(
    kind: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUI_FT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "top").mkdir()
    path = PATHS[kind](tmp_path / "top")
    code = main(["watch", str(path), way])
    told = capsys.readouterr()
    mutants.check_text(told.out)
    mutants.check_text(told.err)
    assert "Traceback" not in told.err
    if kind == "run":
        assert code == 0
    elif kind != "closed":
        assert (code, told.out) == (2, "")
        assert told.err
    if code == 0 and way == "--json":
        json.loads(told.out, parse_constant=lambda word: pytest.fail(word))


# --- real runs -----------------------------------------------------------------------------------


def _real() -> list[tuple[str, Path]]:
    found = []
    for form in formats.FORMATS:
        for folder, _, files in sorted(os.walk(SHARED)):
            found += [(form.name, place) for place in form.find(Path(folder), sorted(files))]
    return sorted(
        {
            (name, file)
            for name, place in found
            for file in place.files
            if "trainer_" in file.name or len(place.files) == 1
        }
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real runs of ../shared are not here")
@pytest.mark.parametrize(("name", "real"), _real(), ids=lambda value: str(value).rpartition("runs/")[2][-60:])
def test_real_files_cut_off_and_damaged(name: str, real: Path, tmp_path: Path) -> None:
    data, chance = real.read_bytes(), random.Random(real.name)
    file = tmp_path / "run" / real.parent.name / real.name
    file.parent.mkdir(parents=True)
    for beside in real.parent.glob("meta.yaml"):
        (file.parent / beside.name).write_bytes(beside.read_bytes())
    put(file, data)
    place = mutants.place_at(name, file)
    sizes = range(0, len(data), 64)
    part = min(max(600_000 // max(len(data), 1), 3), 40)
    chosen = (
        sizes if os.environ.get("TUI_FT_ALL_MUTANTS") else sorted(chance.sample(sizes, min(part, len(sizes))))
    )
    for size in chosen:
        put(file, data[:size])
        read(place, file)
    for _ in range(len(chosen) if len(chosen) < 1_000 else 1_000):
        put(file, mutants.damaged(data, chance))
        read(place, file)


def names(folder: Path) -> list[str]:
    return [name for name, _ in mutants.listing(folder)]


@named
@pytest.mark.parametrize("content", ["zeros", "one line", "one row"])
def test_a_file_without_an_end_of_line_is_read_by_the_shortest_polls(
    run: SmallRun, content: str, tmp_path: Path
) -> None:
    """The last read may bring nothing but the file's end: that, too, is news."""
    file = small_runs.made(run, tmp_path / "run")
    place, data = mutants.place_at(run.format, file), file.read_bytes()
    put(file, data + LARGE[content][:300_000])
    mutants.read_whole(mutants.opened(place, NOW), 0.0)

"""What the cache gives back is what was read; what is damaged, foreign or out of date is not given back."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tui_ft.watch import cache
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.tail import Tail
from tui_ft.watch.values import Values


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache.folder()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "metrics.jsonl"
    path.parent.mkdir()
    path.write_bytes(os.urandom(100_000))
    return path


def table(count: int = 70_000) -> MetricTable:
    made = MetricTable()
    steps = range(1, count + 1)
    made.extend(
        "loss", steps, [math.nan if s % 1000 == 0 else 1.0 / s for s in steps], [1e9 + s for s in steps]
    )
    made.extend("learning_rate", steps, [1e-4 * (count - s) for s in steps])
    made.extend("eval_loss", [10, 25, 20], [3.0, math.inf, 1.0])
    made.extend("loss", [500, 501], [9.0, 8.0], [2e9, 2e9 + 1])
    made.epoch = 2.5
    return made


def facts(made: MetricTable) -> object:
    return (
        made.step, made.epoch, made.time, made.back_steps, made.restarts, made.clock(),
        [
            (name, s.first, s.last, s.extent(), s.extent(70, 60_000), s.nonfinite, s.rewrites,
             s.values.is_narrow, list(s.steps), list(map(str, s.values[65_000:])))
            for name, s in [("times", made.times), *made.series.items()]
        ],
    )  # fmt: skip


def only(place: Path) -> Path:
    (found,) = place.iterdir()
    return found


def test_what_was_stored_comes_back_and_goes_on(file: Path, place: Path) -> None:
    made = table()
    cache.store([file], made, 99_000, b'{"bad": 3}')
    kept = cache.load([file])
    assert kept is not None
    assert (kept.offset, kept.state) == (99_000, b'{"bad": 3}')
    assert facts(kept.table) == facts(made)
    for each in (made, kept.table):
        each.extend("loss", [70_001, 600, 70_005], [0.5, -1.0, 0.25], [3e9, 3e9, 3e9])
        each.extend("learning_rate", [70_002], [7.0])
    assert facts(kept.table) == facts(made)
    assert only(place).stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file], "nothing beside the run"


def test_an_empty_table_comes_back(file: Path) -> None:
    cache.store([file], MetricTable(), 0)
    kept = cache.load([file])
    assert kept is not None
    assert kept.table.named_series() == {}


def test_files_that_grew_keep_their_cache_and_others_do_not(file: Path) -> None:
    cache.store([file], table(), 1)
    with file.open("ab") as more:
        more.write(b"more")
    assert cache.load([file]) is not None
    assert cache.load([file, file]) is None
    data = file.read_bytes()
    file.write_bytes(b"other" + data[5:])
    assert cache.load([file]) is None
    file.write_bytes(data[:50_000])
    assert cache.load([file]) is None
    file.unlink()
    assert cache.load([file]) is None


def test_a_file_of_the_same_size_that_was_written_again_has_no_cache(file: Path) -> None:
    cache.store([file], table(), 1)
    data = bytearray(file.read_bytes())
    data[3_000] ^= 1  # between the samples of the content
    file.write_bytes(data)
    os.utime(file, ns=(0, 1))
    assert cache.load([file]) is None


@pytest.mark.parametrize("at", [0, 20, 40, 200, 5_000, -9])
def test_a_damaged_cache_is_none(file: Path, place: Path, at: int) -> None:
    cache.store([file], table(), 1)
    kept = only(place)
    data = bytearray(kept.read_bytes())
    data[at] ^= 0x5A
    kept.write_bytes(data)
    assert cache.load([file]) is None


def test_a_cache_that_ends_too_soon_or_too_late_is_none(file: Path, place: Path) -> None:
    cache.store([file], table(200), 1)
    kept = only(place)
    data = kept.read_bytes()
    for size in range(0, len(data), max(len(data) // 97, 1)):
        kept.write_bytes(data[:size])
        assert cache.load([file]) is None
    kept.write_bytes(data + b"\0" * 8)
    assert cache.load([file]) is None
    kept.write_bytes(data)
    assert cache.load([file]) is not None


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "unreadable"])
def test_what_lies_in_the_place_of_a_cache_does_no_harm(
    file: Path, place: Path, kind: str, tmp_path: Path
) -> None:
    cache.store([file], table(200), 1)
    kept = only(place)
    other = tmp_path / "other"
    kept.rename(other)
    if kind == "fifo":
        os.mkfifo(kept)
    elif kind == "folder":
        kept.mkdir()
    elif kind == "link":
        kept.symlink_to(other)
    else:
        kept.write_bytes(b"")
    assert cache.load([file]) is None
    cache.store([file], table(200), 1)
    assert other.read_bytes()


def test_without_a_place_to_write_nothing_is_kept_and_nothing_raised(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    cache.store([file], table(200), 1)
    assert cache.load([file]) is None
    cache.store([file.parent], table(200), 1)
    cache.store([file.with_name("absent")], table(200), 1)


def test_the_caches_together_stay_small_and_the_oldest_goes(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.jsonl")
        files[-1].write_bytes(b"%d" % number * 1000)
        cache.store([files[-1]], table(200), 1)
        for kept in place.iterdir():
            os.utime(kept, (number, number)) if kept.stat().st_mtime > 10 else None
    assert cache.load([files[0]]) is not None, "used again just now"
    monkeypatch.setattr(cache, "MOST_BYTES", 3 * only_size(place))
    (place / "left.tmp").write_bytes(b"x" * 10)
    os.utime(place / "left.tmp", (0, 0))
    cache.store([files[3]], table(200), 1)
    assert [cache.load([file]) is not None for file in files] == [True, False, True, True]
    assert not (place / "left.tmp").exists()


def only_size(place: Path) -> int:
    return max(kept.stat().st_size for kept in place.iterdir())


def test_a_table_too_large_is_not_kept(file: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES_OF_ONE", 1000)
    cache.store([file], table(2000), 1)
    assert not place.exists()


# --- values that stay in the file --------------------------------------------------------------------


def in_memory(table: MetricTable) -> dict[str, bool]:
    return {name: series.values.is_in_memory for name, series in table.series.items()}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_long_columns_stay_in_the_file_and_read_the_same(file: Path, place: Path) -> None:
    made = table()
    cache.store([file], table(), 1)
    gc.collect()
    before = open_files()
    kept = cache.load([file])
    assert kept is not None
    assert open_files() == before + 1, "one file for all columns"
    ours, stored = made.series["learning_rate"], kept.table.series["learning_rate"]
    only(place).unlink()
    for start, end in ((0, 3), (65_000, 65_600), (69_990, 70_000), (-5, 70_000), (40, 40), (9, 3)):
        assert list(stored.values[start:end]) == list(ours.values[start:end])
    assert [stored.values[at] for at in (0, 1, 69_999, -1)] == [ours.values[at] for at in (0, 1, 69_999, -1)]
    assert list(stored.values[10:2000:7]) == list(ours.values[10:2000:7])
    with pytest.raises(IndexError):
        stored.values[70_000]
    del kept, stored
    gc.collect()
    assert open_files() == before


def test_what_is_left_to_the_cache_goes_on_growing_and_can_be_written_again(file: Path) -> None:
    made, whole = table(), table()
    assert in_memory(made)["learning_rate"]
    cache.store([file], made, 1)
    assert in_memory(made) == {"loss": False, "learning_rate": False, "eval_loss": True}
    for each in (made, whole):
        for start in range(70_001, 75_001, 500):
            each.extend("learning_rate", range(start, start + 500), [start / 7] * 500)
        each.extend("learning_rate", [30, 69_000, 74_000], [-1.0, 9e9, math.nan])
        each.extend("learning_rate", [10.5], [-2.0])
        each.extend("eval_loss", [30], [0.5])
    assert facts(made) == facts(whole)
    assert list(map(str, made.series["learning_rate"].values)) == list(
        map(str, whole.series["learning_rate"].values)
    )
    cache.store([file], made, 2)
    again = cache.load([file])
    assert again is not None
    assert facts(again.table) == facts(whole)


def test_keeping_a_table_reads_nothing_back(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = table()
    before = facts(made)
    with monkeypatch.context() as patch:
        for name in ("load", "_read", "unpack"):
            patch.setattr(cache, name, lambda *_: pytest.fail("the whole cache is read"))
        cache.store([file], made, 1)
        assert not in_memory(made)["learning_rate"]
    assert facts(made) == before
    kept = cache.load([file])
    assert kept is not None
    assert facts(kept.table) == before


def test_what_the_disk_no_longer_gives_is_not_known(file: Path, place: Path) -> None:
    cache.store([file], table(), 1)
    kept = cache.load([file])
    assert kept is not None
    os.truncate(only(place), 100)
    values = kept.table.series["learning_rate"].values
    assert math.isnan(values[5])
    assert all(map(math.isnan, values[5:9]))
    extent = kept.table.series["learning_rate"].extent()
    assert extent is not None
    assert extent == pytest.approx((0.0, 1e-4 * 69_999))


def test_what_comes_back_answers_as_quickly_as_before(file: Path) -> None:
    made = table()
    cache.store([file], made, 1)
    kept = cache.load([file])
    assert kept is not None
    read: list[slice] = []
    series = kept.table.series["loss"]
    values = Watched(series.values, read)
    series.values = values  # type: ignore[assignment]
    assert series.extent() is not None
    assert sum(part.stop - part.start for part in read) < 2 * 64, "the rest is folded in the pyramid"
    assert len(series._pyramid.lows) == 2


class Watched:
    """Values that note which of them are read."""

    def __init__(self, values: Values, read: list[slice]) -> None:
        self._values, self._read = values, read

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: slice) -> Sequence[float]:
        self._read.append(at)
        return self._values[at]


def test_a_path_that_is_no_utf8_is_kept_as_any_other(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/run-\xff"))
    path.write_bytes(b"rows")
    cache.store([path], table(100), 4)
    assert cache.load([path]) is not None


@pytest.mark.parametrize("how", ["replaced", "in place"])
def test_a_file_replaced_after_it_was_read_is_not_the_tables(file: Path, how: str) -> None:
    tail = Tail(file)
    file.write_bytes(b"a line of the run that was read\n" * 3_000)
    while not tail.is_at_end or not tail.offset:
        tail.read()
    other = b"a line of the run after that one\n" * 4_000
    if how == "replaced":
        file.with_name("new").write_bytes(other)
        file.with_name("new").replace(file)
    else:
        file.write_bytes(other)
    cache.store([file], table(100), 96_000, marks=[tail.mark])
    assert cache.load([file]) is None
    tail.read()
    assert tail.restarted
    cache.store([file], table(100), tail.whole_lines, marks=[tail.mark])
    assert cache.load([file]) is not None


def test_what_a_killed_process_left_is_removed_whatever_its_size(file: Path, place: Path) -> None:
    place.mkdir(parents=True)
    left, written_now = place / ".a.curves.1-2.tmp", place / ".b.curves.3-4.tmp"
    left.write_bytes(b"x")
    written_now.write_bytes(b"x")
    os.utime(left, (1e9, 1e9))
    cache.store([file], table(100), 100_000)
    assert not left.exists()
    assert written_now.exists()

"""A long run of ours: samples of the whole at once, then exact; kept, and read from there the next time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from read_bytes import counted_reads
from synthetic_run import SyntheticRun

from tui_ft.watch import cache
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import read_whole
from tui_ft.watch.sources import metrics
from tui_ft.watch.sources.tui_ft import TuiFtSource

STEPS = 60_000


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(metrics, "SAMPLED_FROM_BYTES", 100_000)
    monkeypatch.setattr(metrics, "KEPT_FROM_BYTES", 200_000)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path, total_steps=2 * STEPS) as run:
        run.begin_training()
        run.run.metrics.write_text("".join(rows(1, STEPS)))
        yield run


def rows(first: int, last: int) -> Iterator[str]:
    for step in range(first, last + 1):
        yield json.dumps({"step": step, "time": 1e9 + step, "loss": 1.0 / step}) + "\n"
        if step % 100 == 0:
            yield json.dumps({"step": step, "time": 1e9 + step, "eval_loss": 2.0 / step}) + "\n"


def opened(made: SyntheticRun) -> TuiFtSource:
    return TuiFtSource(made.run, clock=lambda: made.now)


def facts(reading: Reading) -> object:
    return (
        reading.step, reading.bad_records, reading.restarts, reading.updated_at,
        {name: (len(s), s.first, s.last, s.extent()) for name, s in reading.series.items()},
    )  # fmt: skip


def test_the_first_picture_is_of_the_whole_and_says_that_it_is_approximate(made: SyntheticRun) -> None:
    source = opened(made)
    source.poll(0.0)
    loss = source.reading.series["loss"]
    assert source.reading.is_approximate
    assert not source.reading.is_complete
    assert 300 < len(loss) <= 600
    assert (loss.first, source.reading.step) == ((1.0, 1.0), STEPS)
    exact = read_whole(source)
    assert exact.is_complete
    assert not exact.is_approximate
    assert len(exact.series["loss"]) == STEPS
    assert len(exact.series["eval_loss"]) == STEPS // 100


def test_while_the_exact_curve_is_read_nothing_is_drawn_again(made: SyntheticRun) -> None:
    source = opened(made)
    source.poll(0.0)
    changes = 0
    while not source.reading.is_complete:
        changes += source.poll(0.0)
    assert changes == 2, "the exact curve, and that it is kept"


def test_the_exact_curve_is_shown_before_it_is_kept(made: SyntheticRun) -> None:
    source = opened(made)
    while source.reading.is_approximate or len(source.reading.series) == 0:
        source.poll(0.0)
    assert len(source.reading.series["loss"]) == STEPS
    assert not source.reading.is_complete
    assert not cache.folder().exists()
    with made.run.metrics.open("a") as file:
        file.write("".join(rows(STEPS + 1, STEPS + 5)))
    assert source.poll()
    assert source.reading.is_complete
    assert source.reading.step == STEPS + 5
    assert cache.folder().exists()


def test_the_next_time_it_is_there_at_once_and_the_same(made: SyntheticRun) -> None:
    source = opened(made)
    first = read_whole(source)
    assert len(list(cache.folder().iterdir())) == 1
    again = opened(made)
    again.poll(0.0)
    assert again.reading.is_complete
    assert not again.reading.is_approximate
    assert facts(again.reading) == facts(first)


def test_what_was_added_since_is_read_from_where_it_ended(made: SyntheticRun) -> None:
    with made.run.metrics.open("a") as file:
        file.write('not a row\n{"step": 60001, "lo')
    source = opened(made)
    read_whole(source)
    source.poll()
    with made.run.metrics.open("a") as file:
        file.write('ss": 5.0, "new": 1}\n' + "".join(rows(60_002, 60_010)))
    again = opened(made)
    assert facts(read_whole(again)) == facts(read_whole(opened_without_cache(made)))
    assert again.reading.series["loss"].last == (60_010.0, 1 / 60_010)
    assert again.reading.series["new"].last == (60_001.0, 1.0)
    assert again.reading.bad_records == 1


def opened_without_cache(made: SyntheticRun) -> TuiFtSource:
    for kept in cache.folder().iterdir():
        kept.unlink()
    return opened(made)


def test_a_file_that_was_replaced_is_read_anew(made: SyntheticRun) -> None:
    source = opened(made)
    read_whole(source)
    source.poll()
    made.run.metrics.write_text("".join(rows(5, STEPS)))
    again = opened(made)
    assert read_whole(again).series["loss"].first == (5.0, 0.2)
    made.run.metrics.write_text('{"step": 1, "time": 1.0, "loss": 4.0}\n')
    assert again.poll()
    assert len(again.reading.series["loss"]) == 1


def test_a_short_run_is_neither_sampled_nor_kept(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=10) as made:
        made.begin_training()
        made.advance(10)
        source = opened(made)
        source.poll()
        source.poll()
    assert source.reading.is_complete
    assert not cache.folder().exists()


@pytest.mark.parametrize("content", [b"\0" * 300_000, b"x" * 6_000_000 + b"\n", b"{}\n" * 100_000])
def test_a_long_file_of_no_rows_ends_with_no_curve(made: SyntheticRun, content: bytes) -> None:
    made.run.metrics.write_bytes(content)
    source = opened(made)
    with counted_reads() as read:
        reading = read_whole(source)
        source.poll()
    assert reading.is_complete
    assert not reading.series
    assert read.total < 3 * len(content) + 2_000_000, "samples of the whole beside it"
    assert read.pieces < 4 * (len(content) // metrics.SLICE_BYTES) + 1_000

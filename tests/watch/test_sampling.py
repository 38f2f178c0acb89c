"""A coarse look at a file is a part of it, spread over the whole, in its order, and soon over."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from tui_ft.watch.sampling import sample_lines, spread


def test_places_are_spread_however_many_there_are() -> None:
    for count in (1, 7, 100, 400):
        places = sorted(spread(count))
        assert len(set(places)) == count
        assert (
            max(after - before for before, after in zip([0.0, *places], [*places, 1.0], strict=True))
            <= 2 / count
        )


def test_whole_lines_of_all_parts_come_in_order_with_the_last_one(tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    file.write_bytes(b"".join(b"%d,%s\n" % (at, b"x" * (at % 90)) for at in range(100_000)) + b"torn")
    numbers = [int(line.split(b",")[0]) for line in sample_lines(file).splitlines()]
    assert 400 < len(numbers) <= 400 + 8192 // 45
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (0, 99_999)
    assert max(b - a for a, b in pairwise(numbers)) < 1000


def test_a_short_file_is_given_whole(tmp_path: Path) -> None:
    file = tmp_path / "short"
    file.write_bytes(b"one\ntwo\nthree\n")
    assert sample_lines(file, 50) == b"one\ntwo\nthree\n"


def test_it_ends_when_its_time_is_over(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.write_bytes(b"line\n" * 100_000)
    assert len(sample_lines(file, 400, 0.0)) <= 8192 + 5, "the last lines, and the first look"


@pytest.mark.parametrize("kind", ["absent", "folder", "fifo", "zeros", "one endless line", "empty"])
def test_what_has_no_lines_gives_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "absent":
        path.write_bytes({"zeros": b"\0", "one endless line": b"x", "empty": b""}[kind] * 1_000_000)
    assert sample_lines(path) == b""

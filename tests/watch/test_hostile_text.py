# ruff: noqa: E501 - lines as the trainers write them
"""Other trainers' text files, torn anywhere and with bytes changed: read without an error, bounded, no wrong end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from foreign_files import poll_whole, printed, tqdm_line, train_rows, write_state
from hypothesis import given, settings
from hypothesis import strategies as st
from read_bytes import counted_reads

from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json
from tui_ft.watch.sources import hf_trainer_state, lightning_csv, llamafactory, stdout, torchtune
from tui_ft.watch.sources.flat_yaml import read_yaml
from tui_ft.watch.sources.log_marks import last_failure
from tui_ft.watch.sources.log_reader import LogReader
from tui_ft.watch.sources.protocol import Format, Place

CHANGES = 60
"""Changed copies of each file in a run of the tests; beside them one torn at every 64th byte."""

MOST_TIMES_READ = 16
"""A reader may read a file again when it has learned how it counts, and looks at its head and its end."""
MOST_BESIDE = 100_000


def _log(folder: Path) -> Path:
    lines = [
        f"\r{tqdm_line(0, 90)}",
        "***** Running training *****\n  Num Epochs = 3\n  Total optimization steps = 90\n",
    ]
    for step in range(1, 61):
        lines.append(
            printed(f"{{'loss': {2 - step / 100}, 'grad_norm': 0.5, 'epoch': {step / 30:.2f}}}", step, 90)
        )
    lines.append("\nTraceback (most recent call last):\n  File x\nValueError: \x1b]0;owned\x07bad\n")
    path = folder / "train.log"
    path.write_text("".join(lines), newline="")
    return path


def _plain(folder: Path) -> Path:
    path = folder / "nohup.out"
    path.write_text(
        "".join(f"step {at}: train loss {4 - at / 100:.4f}, val loss 4.2, lr 1e-05\n" for at in range(60))
    )
    return path


def _llamafactory(folder: Path) -> Path:
    path = folder / "trainer_log.jsonl"
    rows = [
        {"current_steps": at, "total_steps": 99, "loss": 1.5, "epoch": 0.1, "elapsed_time": "0:00:09"}
        for at in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _lightning(folder: Path) -> Path:
    path = folder / "metrics.csv"
    path.write_text(
        "epoch,step,train_loss,val_loss\n"
        + "".join(f"0,{at},{1 / at},\n0,{at},,0.5\n" for at in range(1, 60))
    )
    return path


def _torchtune(folder: Path) -> Path:
    path = folder / "log_1795220038.txt"
    path.write_text(
        "".join(f"Step {at} | loss:{2 - at / 100} lr:2e-05 grad_norm:tensor(1.5) \n" for at in range(1, 60))
    )
    return path


def _state(folder: Path) -> Path:
    return write_state(folder, train_rows(range(1, 40)), trial_name="\x1b[31mred")


FILES: dict[str, tuple[Format, Callable[[Path], Path]]] = {
    "stdout": (stdout.FORMAT, _log),
    "plain": (stdout.FORMAT, _plain),
    "llamafactory": (llamafactory.FORMAT, _llamafactory),
    "lightning_csv": (lightning_csv.FORMAT, _lightning),
    "torchtune": (torchtune.FORMAT, _torchtune),
    "hf_trainer_state": (hf_trainer_state.FORMAT, _state),
}


def read_changed(form: Format, path: Path, data: bytes) -> Reading:
    """Read a file with this content, whether or not it is still found as a run."""
    path.write_bytes(data)
    list(form.find(path.parent, [path.name]))
    place = Place(
        format=form.name, path=path.parent if form.name == "hf_trainer_state" else path, files=(path,)
    )
    with counted_reads() as read:
        reading = poll_whole(form.open(place, lambda: path.stat().st_mtime + 3_600.0))
    assert read.total <= MOST_TIMES_READ * len(data) + MOST_BESIDE
    return reading


def check(reading: Reading) -> None:
    json.dumps(as_json(reading), allow_nan=False)
    assert reading.status != "finished"
    for text in (
        reading.title,
        reading.reason,
        *reading.notes,
        *reading.log,
        *reading.settings,
        *map(str, reading.settings.values()),
    ):
        assert clean_line(text) == text


@pytest.mark.parametrize("name", FILES)
def test_torn_at_every_64th_byte(tmp_path: Path, name: str) -> None:
    form, make = FILES[name]
    path = make(tmp_path)
    whole = path.read_bytes()
    most = {series: len(found) for series, found in read_changed(form, path, whole).series.items()}
    cuts = range(0, len(whole), 64)
    for cut in cuts:
        reading = read_changed(form, path, whole[:cut])
        check(reading)
        assert all(len(found) <= most[series] for series, found in reading.series.items())
    assert len(cuts) > 20


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes(tmp_path: Path, name: str) -> None:
    form, make = FILES[name]
    path = make(tmp_path)
    whole, rng = path.read_bytes(), random.Random(name)
    for _ in range(CHANGES):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 5, 40])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.3:
            at = rng.randrange(len(data))
            data[at:at] = rng.choice(
                [b"\r", b"\n", b"\0" * 99, b"\x1b[A", b"{", b"9" * 500, b"nan", b"\xff\xfe", b"%|", b"loss"]
            )
        check(read_changed(form, path, bytes(data)))


PIECES = st.sampled_from([
    "{'loss': 1.5, 'epoch': 0.1}", "{'eval_loss': '2', 'epoch': 1}", tqdm_line(3, 9), tqdm_line(2, 5), "\r", "\n", "\x1b[A",
    " " * 40, "step 3 loss 2.5", "Epoch 2/3", "Traceback (most recent call last):", "ValueError: x", "\0", "{'", "%|", "1|2|Loss: 3",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=60))
def test_any_text_is_taken_as_a_log(pieces: list[str]) -> None:
    reader = LogReader()
    for piece in pieces:
        reader.take(piece + "\n" if len(piece) % 2 else piece + "\r")
    reader.finish("".join(pieces))
    again = LogReader(reader.wants)
    again.take("".join(pieces) + "\n")
    for rows in (again.dicts, again.plain, again.drawn):
        assert all(len(series) <= rows.hits + 60 for series in rows.table.named_series().values())


NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "'0.5'",
        "-1",
        "inf",
        "'inf'",
        "-inf",
        "nan",
        "1e308",
        "'1e-320'",
        "1e999",
        "'0.02'",
        "0.04",
        "9" * 300,
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            NUMBERS, NUMBERS, st.integers(0, 9), st.sampled_from(["loss", "eval_loss", "train_runtime"])
        ),
        max_size=40,
    )
)
def test_any_numbers_are_taken_as_epochs_and_values(rows: list[tuple[str, str, int, str]]) -> None:
    for has_bar in (True, False):
        reader = LogReader()
        for epoch, value, step, name in rows:
            text = f"{{'{name}': {value}, 'train_steps_per_second': {epoch}, 'epoch': {epoch}}}"
            reader.take(
                printed(text, step, 9)
                if has_bar
                else f"{text}\nSaving model checkpoint to a/checkpoint-{step}\n"
            )
        again = LogReader(reader.wants)
        again.take("".join(f"{{'loss': {value}, 'epoch': {epoch}}}\n" for epoch, value, _, _ in rows))
        again.finish("")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400), st.binary(max_size=400))
def test_any_text_is_taken_as_settings_and_marks(text: str, data: bytes) -> None:
    assert isinstance(read_yaml(text), dict)
    assert isinstance(last_failure(data), str)

"""TensorBoard's event files: both kinds of scalars, damage, live; their own reader agrees."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from foreign_files import finds, opened, points, read
from foreign_writers import START, EventFile, field, frame, scalar, tensor_scalar, text, write_events

from tui_ft.watch.sources import crc32c, event_files, tensorboard
from tui_ft.watch.sources.tensorboard import FORMAT

SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs"
needs_samples = pytest.mark.skipif(not SHARED.is_dir(), reason="the real runs of ../shared are not here")


def single(value: float) -> float:
    """The value as a float32 holds it."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def test_rows_of_checksums_are_those_of_the_records() -> None:
    rows = [bytes([at, at * 7 % 256, 3, at * at % 256, 0, 255 - at]) * 9 for at in range(200)]
    assert crc32c.crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert crc32c.masked_of_rows(b"".join(rows), 54) == [crc32c.masked(crc32c.crc32c(row)) for row in rows]


def test_scalars_are_read_as_written(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for step in range(300):
            file.add(START + step, step, scalar("train/loss", 3 - step / 100))
            file.add(START + step, step, scalar("train/grad_norm", step))
            if step % 100 == 0:
                file.add(START + step, step, scalar("eval/loss", math.nan if step == 100 else step))
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(step, single(3 - step / 100)) for step in range(300)]
    assert points(reading, "grad_norm") == [(step, float(step)) for step in range(300)]
    assert reading.series["eval_loss"].nonfinite == 1
    assert [step for step, _ in points(reading, "eval_loss")] == [0, 100, 200]
    assert (reading.step, reading.status, reading.restarts) == (299, "unknown", 0)
    assert reading.times.values[299] == START + 299


def test_scalars_of_tensorflow_2(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for step in range(40):
            file.add(START, step, tensor_scalar("loss", step / 7, is_first=step == 0))
            double = field(8, b"\x08\x02" + field(2, b"") + field(4, struct.pack("<d", step / 3)))
            file.add(START, step, field(1, field(1, b"double") + double))
            whole = field(8, b"\x08\x09" + field(2, b"") + field(10, bytes([step])))
            file.add(START, step, field(1, field(1, b"whole") + whole))
            vector = field(8, b"\x08\x01" + field(2, field(2, b"\x08\x02")) + field(4, bytes(8)))
            file.add(START, step, field(1, field(1, b"vector") + vector))
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(step, single(step / 7)) for step in range(40)]
    assert points(reading, "double") == [(step, step / 3) for step in range(40)]
    assert points(reading, "whole") == [(step, float(step)) for step in range(40)]
    assert "vector" not in reading.series


def test_steps_of_any_size_and_several_values_an_event(tmp_path: Path) -> None:
    steps = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 2**35, 2**40]
    with EventFile(tmp_path) as file:
        for step in steps:
            file.add(START, step, scalar("loss", 1.0) + scalar("other", 2.0))
            for _ in range(10):
                file.add(START, step, scalar("acc", float(step)))
    reading = read(FORMAT, tmp_path)
    assert [step for step, _ in points(reading, "loss")] == steps
    assert [step for step, _ in points(reading, "acc")] == steps
    assert len(reading.series["other"]) == len(steps)


def test_a_second_file_goes_on_and_its_values_win(tmp_path: Path) -> None:
    with EventFile(tmp_path, start=START) as file:
        for step in range(1, 31):
            file.add(START + step, step, scalar("train/loss", 1.0))
    with EventFile(tmp_path, start=START + 500, pid=2) as file:
        for step in range(21, 41):
            file.add(START + 500 + step, step, scalar("train/loss", 2.0))
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(s, 1.0 if s < 21 else 2.0) for s in range(1, 41)]
    assert (reading.restarts, reading.restart_steps) == (1, (21.0,))


def test_a_file_is_followed_while_it_grows_and_a_new_one_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "_LOOK_EVERY_S", 0.0)
    file = EventFile(tmp_path)
    file.add(START, 1, scalar("loss", 5.0))
    file.flush()
    source = opened(FORMAT, tmp_path)
    source.poll()
    assert points(source.reading, "loss") == [(1, 5.0)]
    whole = frame(b"\x09" + struct.pack("<d", START) + b"\x10\x02" + field(5, scalar("loss", 4.0)))
    with file.path.open("ab") as more:
        for cut in range(len(whole)):
            more.write(whole[cut : cut + 1])
            more.flush()
            source.poll()
            assert len(source.reading.series["loss"]) == (2 if cut == len(whole) - 1 else 1)
    assert source.reading.notes == ()
    assert source.reading.bad_records == 0
    file.close()
    with EventFile(tmp_path, start=START + 9) as second:
        second.add(START + 9, 3, scalar("loss", 3.0))
    source.poll()
    assert points(source.reading, "loss") == [(1, 5.0), (2, 4.0), (3, 3.0)]
    assert not source.poll()


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    path = write_events(tmp_path, 200, tags=("loss",))
    source = opened(FORMAT, tmp_path)
    source.poll()
    path.unlink()
    write_events(tmp_path, 20, tags=("loss",))
    source.poll()
    source.poll()
    assert len(source.reading.series["loss"]) == 20
    path.unlink()
    source.poll()
    assert len(source.reading.series["loss"]) == 20


def test_damage_ends_a_file_and_is_said(tmp_path: Path) -> None:
    path = write_events(tmp_path, 100, tags=("loss",))
    data = bytearray(path.read_bytes())
    one = (len(data) - 100) // 100
    data[50 * one] ^= 1
    path.write_bytes(data)
    reading = read(FORMAT, tmp_path)
    assert 40 < len(reading.series["loss"]) < 60
    assert "damaged at byte" in reading.notes[0]
    assert reading.is_complete


def test_zeros_behind_the_last_record_are_not_written_yet(tmp_path: Path) -> None:
    path = write_events(tmp_path, 10, tags=("loss",))
    path.write_bytes(path.read_bytes() + bytes(5_000))
    reading = read(FORMAT, tmp_path)
    assert len(reading.series["loss"]) == 10
    assert reading.notes == ()


def test_a_long_record_is_stepped_over(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        file.add(START, 1, scalar("loss", 1.0))
        file.add(START, 1, field(1, field(1, b"image") + field(4, bytes(3_000_000))))
        file.add(START, 1, field(1, field(1, b"histogram") + field(5, bytes(200_000))))
        file.add(START, 2, scalar("loss", 2.0))
    assert points(read(FORMAT, tmp_path), "loss") == [(1, 1.0), (2, 2.0)]


def test_the_trainers_last_row_is_an_end_and_no_curve(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for step in range(1, 4):
            file.add(START + step, step, scalar("train/loss", 1.0))
        for name in ("train_runtime", "train_loss", "total_flos", "train_samples_per_second"):
            file.add(START + 9, 3, scalar(f"train/{name}", 7.0))
    reading = read(FORMAT, tmp_path)
    assert (reading.status, reading.ended_at) == ("finished", START + 9)
    assert set(reading.series) == {"loss"}
    assert reading.series["loss"].extent() == (1.0, 1.0)


def test_training_that_goes_on_makes_the_end_void(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        file.add(START, 3, scalar("train/loss", 1.0))
        file.add(START, 3, scalar("train/train_runtime", 7.0))
        file.add(START, 4, scalar("train/loss", 1.0))
    assert read(FORMAT, tmp_path).status == "unknown"


def test_others_call_their_loss_train_loss(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for step in range(5):
            file.add(START, step, scalar("train/train_loss", step))
    reading = read(FORMAT, tmp_path)
    assert [value for _, value in points(reading, next(iter(reading.series)))] == [0, 1, 2, 3, 4]


def test_arguments_are_settings_and_secrets_are_hidden(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        words = '{"learning_rate": 1e-4, "max_steps": 60, "hub_token": "hf_abcdefghijklmnopqrst", "lr": NaN}'
        file.add(START, 0, text("args/text_summary", words))
        file.add(START, 1, scalar("train/loss", 1.0))
    reading = read(FORMAT, tmp_path)
    assert reading.total_steps == 60
    assert reading.settings["learning_rate"] == 1e-4
    assert "hf_abc" not in str(reading.settings)


def test_folders_of_the_same_writer_belong_to_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with EventFile(run, pid=5) as file:
        file.add(START, 1, scalar("loss", 1.0))
    for name in ("loss_val", "1622543341.5", "other"):
        with EventFile(run / name, pid=6 if name == "other" else 5) as file:
            file.add(START, 1, scalar("hparam/x" if name[0] == "1" else "loss", 2.0))
    reading = read(FORMAT, run)
    assert set(reading.series) == {"loss", "eval_loss", "hparam/x"}
    assert finds(FORMAT, run / "other") == [run / "other"]


def test_keras_writes_two_folders_of_one_run(tmp_path: Path) -> None:
    for name, value in (("train", 1.0), ("validation", 2.0)):
        with EventFile(tmp_path / name, pid=5) as file:
            file.add(START, 0, tensor_scalar("epoch_loss", value, is_first=True))
    reading = read(FORMAT, tmp_path / "train")
    assert {name: points(reading, name) for name in reading.series} == {
        "loss": [(0, 1.0)],
        "eval_loss": [(0, 2.0)],
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("events.out.tfevents.1622543341.janoshs-mbp.lan.86862.0", (1622543341.0, "janoshs-mbp.lan", 86862)),
        ("events.out.tfevents.1573412343.box.12.3.v2", (1573412343.0, "box", 12)),
        ("events.out.tfevents.1598765432.box", (1598765432.0, "box", None)),
    ],
)
def test_names_say_who_wrote(name: str, said: tuple[float, str, int | None]) -> None:
    parsed = event_files.parse_name(name)
    assert parsed is not None
    assert (parsed.started_at, parsed.host, parsed.pid) == said


def test_names_with_the_split_behind_are_folded(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for tag in ("Loss/train", "Loss/val", "lr/train", "Accuracy/train"):
            file.add(START, 1, scalar(tag, 1.0))
    assert set(read(FORMAT, tmp_path).series) == {"loss", "eval_loss", "learning_rate", "Accuracy"}


def test_old_ones_of_many_files_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        with EventFile(tmp_path, start=START + number) as file:
            file.add(START + number, number, scalar("loss", number))
    source = opened(FORMAT, tmp_path)
    source.poll(1.0)
    assert len(source.reading.series["loss"]) == 20
    first = min(tmp_path.iterdir())
    with first.open("ab") as more:
        more.write(
            frame(b"\x09" + struct.pack("<d", START + 60) + b"\x10\x64" + field(5, scalar("loss", 7.0)))
        )
    monkeypatch.setattr(tensorboard, "_LOOK_EVERY_S", 0.0)
    source.poll(1.0)
    assert points(source.reading, "loss")[-1] == (100, 7.0)


def test_records_of_one_size_with_steps_of_several_widths(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for at in range(3_000):
            file.add(START + at, at * 40, scalar("a" * (3 + at % 3), at))
    reading = read(FORMAT, tmp_path)
    for rest in range(3):
        assert points(reading, "a" * (3 + rest)) == [(at * 40, at) for at in range(rest, 3_000, 3)]


def test_times_that_are_none_are_no_sign_of_life(tmp_path: Path) -> None:
    with EventFile(tmp_path) as file:
        for wall in (math.nan, math.inf, -1e300, 1e300, START):
            for step in range(9):
                file.add(wall, step, scalar("loss", 1.0))
    reading = read(FORMAT, tmp_path)
    assert reading.updated_at == START
    assert "Last written" in reading.reason


def test_what_is_no_event_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.box.1.0").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"
    )
    (tmp_path / "events.out.tfevents.2.box.1.0").mkdir()
    (tmp_path / "events.out.tfevents.3.box.1.0.profile-empty").touch()
    assert finds(FORMAT, tmp_path) == []


@needs_samples
@pytest.mark.parametrize("path", sorted(SHARED.rglob("events.out.tfevents.*")), ids=lambda path: path.name)
def test_tensorboards_own_reader_agrees(path: Path) -> None:
    loader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader", reason="tensorboard is not installed"
    )
    if finds(FORMAT, path.parent) == []:
        pytest.skip("a git-lfs pointer")
    theirs: dict[str, dict[int, float]] = {}
    for event in loader.LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                theirs.setdefault(value.tag, {})[event.step] = value.simple_value
    ended = {f"train/{name}" for name in ("train_runtime", "train_loss", "total_flos")}
    ended |= {f"train/train_{name}_per_second" for name in ("samples", "steps")}
    reading = read(FORMAT, path.parent)
    known = {tag: found for tag, found in theirs.items() if tag not in ended | {"train/epoch"}}
    assert len(reading.series) == len(known) > 0
    ours = sorted(repr(points(reading, name)) for name in reading.series)
    assert ours == sorted(repr([(float(s), v) for s, v in sorted(found.items())]) for found in known.values())


def test_a_long_file_is_shown_coarse_then_exact_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tensorboard, "SAMPLED_FROM_BYTES", 100_000)
    monkeypatch.setattr(tensorboard, "KEPT_FROM_BYTES", 200_000)
    file = EventFile(tmp_path / "logs")
    file.add(START, 0, text("args/text_summary", '{"max_steps": 9000, "name": "caf\\u00e9"}'))
    for step in range(8_000):
        file.add(START + step, step, scalar("train/loss", math.nan if step == 5 else 1 / (step + 1)))
        file.add(START + step, step, tensor_scalar("eval/loss", step, is_first=step == 0))
    file.add(START, 7_999, scalar("train/train_loss", math.nan))
    file.flush()
    source = opened(FORMAT, tmp_path / "logs")
    source.poll(0.0)
    first = source.reading
    assert first.is_approximate
    assert not first.is_complete
    assert 500 < len(first.series["loss"]) < 8_000
    while not source.reading.is_complete:
        source.poll(0.0)
    exact = source.reading
    assert not exact.is_approximate
    assert len(exact.series["loss"]) == len(exact.series["eval_loss"]) == 8_000
    assert not source.poll()
    again = opened(FORMAT, tmp_path / "logs")
    again.poll(0.0)
    assert not again.reading.is_approximate
    assert len(again.reading.series["loss"]) == 8_000
    file.add(START + 8_000, 8_000, scalar("train/loss", 0.5))
    file.add(START + 8_000, 8_000, scalar("train/train_runtime", 9.0))
    file.close()
    again.poll(1.0)
    again.poll(1.0)
    assert points(again.reading, "loss")[-1] == (8_000, 0.5)
    assert (again.reading.status, again.reading.total_steps) == ("finished", 9000)
    assert set(again.reading.series) == {"loss", "eval_loss"}
    assert again.reading.settings == exact.settings
    assert list((tmp_path / "logs").iterdir()) == [file.path]

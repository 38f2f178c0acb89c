# ruff: noqa: E501 - lines as the trainers write them
"""Logs of standard output: printed dicts at their steps, whether standard output was buffered or not."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from foreign_files import LATER_S, finds, opened, points, poll_whole, printed, read, tqdm_line, wiped

from tui_ft.watch.report import as_json
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.sources.stdout import FORMAT

TOTAL = 200
STARTUP = "nohup: ignoring input\nINFO:__main__:lr: 0.0002\nUpdated tokens: {'bos_token_id': None, 'pad_token_id': 1}\n"
SHARDS = "".join(f"\r{tqdm_line(n, 5, label='Loading checkpoint shards')}" for n in range(6)) + "\n"


def v4(step: int, total: int = TOTAL, epochs: float = 2.0) -> str:
    epoch = round(step / total * epochs, 2)
    return f"{{'loss': {2 - step / 1000:.4f}, 'grad_norm': 0.5, 'learning_rate': 1e-05, 'epoch': {epoch}}}"


def v5(step: int, total: int = TOTAL, epochs: float = 2.0) -> str:
    return f"{{'loss': '{2 - step / 1000:.4g}', 'grad_norm': '0.5', 'epoch': '{step / total * epochs:.4g}'}}"


def summary(epoch: float = 2.0) -> str:
    return f"{{'train_runtime': 33.0, 'train_steps_per_second': 6.06, 'train_loss': 1.9, 'epoch': {epoch}}}"


def evaluated(step: int, total: int = TOTAL, epochs: float = 2.0) -> str:
    return f"{{'eval_loss': {1 + step / 1000:.4f}, 'eval_runtime': 2.0, 'epoch': {round(step / total * epochs, 2)}}}"


def eval_bar() -> str:
    return "".join(f"\n\r{tqdm_line(n, 30)}\x1b[A" for n in range(31))


def live_log(dict_line: object = v4, every: int = 10, evals: int = 50, last: int = TOTAL) -> str:
    """A log whose standard output is not buffered, with evaluations under a second bar."""
    parts = [STARTUP, SHARDS, f"\r{tqdm_line(0, TOTAL)}"]
    for step in range(1, last + 1):
        parts.append(f"\r{tqdm_line(step, TOTAL)}")
        if step % every == 0:
            parts.append(printed(dict_line(step), step, TOTAL))  # type: ignore[operator]
        if step % evals == 0:
            parts.append(eval_bar())
            parts.append(f"\r{' ' * 46}\r\n\r{' ' * 40}\r\x1b[A{evaluated(step)}\n\r{tqdm_line(step, TOTAL)}")
            parts.append(f"\n\r{tqdm_line(30, 30)}\x1b[A\n\r{' ' * 40}\x1b[A")
    return "".join(parts)


def lagging_log(lag: int = 12, every: int = 10, evals: int = 50) -> str:
    """The same where standard output is a file: dicts wait until there are `lag` of them."""
    parts, waiting = [STARTUP, f"\r{tqdm_line(0, TOTAL)}"], []
    for step in range(1, TOTAL + 1):
        parts.append(f"\r{tqdm_line(step, TOTAL)}")
        kinds = ([v4] if step % every == 0 else []) + ([evaluated] if step % evals == 0 else [])
        for kind in kinds:
            waiting.append(kind(step) + "\n")
            if kind is evaluated:
                parts.append(eval_bar())
                parts.append(
                    f"\r{' ' * 46}\r\n\r{' ' * 40}\r\x1b[A\r{tqdm_line(step, TOTAL)}\n\r{tqdm_line(30, 30)}\x1b[A"
                )
            elif len(waiting) >= lag:
                parts.append("\r" + " " * 46 + "\r" + "".join(waiting) + f"\r{tqdm_line(step, TOTAL)}")
                waiting.clear()
            else:
                parts.append(wiped(step, TOTAL))
    return "".join([*parts, *waiting])


def write(folder: Path, text: str, name: str = "train.log") -> Path:
    path = folder / name
    path.write_text(text, newline="")
    return path


@pytest.mark.parametrize("line", [v4, v5])
@pytest.mark.parametrize("every", [1, 10])
def test_dicts_stand_at_the_steps_of_their_bar(tmp_path: Path, line: object, every: int) -> None:
    reading = read(FORMAT, write(tmp_path, live_log(line, every)))
    assert points(reading, "loss") == [
        (at, pytest.approx(2 - at / 1000, abs=1e-3)) for at in range(every, TOTAL + 1, every)
    ]
    assert [step for step, _ in points(reading, "eval_loss")] == [50, 100, 150, 200]
    assert (reading.step, reading.total_steps, reading.restarts) == (TOTAL, TOTAL, 0)


@pytest.mark.parametrize("lag", [2, 5, 12, 100])
def test_dicts_that_come_late_stand_at_their_own_steps(tmp_path: Path, lag: int) -> None:
    reading = read(FORMAT, write(tmp_path, lagging_log(lag)))
    assert points(reading, "loss") == [(step, round(2 - step / 1000, 4)) for step in range(10, TOTAL + 1, 10)]
    assert points(reading, "eval_loss") == [(step, round(1 + step / 1000, 4)) for step in (50, 100, 150, 200)]


def test_other_prints_under_the_bar_do_not_shift_the_steps(tmp_path: Path) -> None:
    parts = [f"\r{tqdm_line(0, TOTAL)}"]
    for step in range(1, TOTAL + 1):
        parts.append(f"\r{tqdm_line(step, TOTAL)}")
        if step % 7 == 0:
            parts.append(printed(f"saving sample number {step}", step, TOTAL))
        if step % 10 == 0:
            parts.append(printed(v4(step), step, TOTAL))
    reading = read(FORMAT, write(tmp_path, "".join(parts)))
    assert [step for step, _ in points(reading, "loss")] == list(range(10, TOTAL + 1, 10))


def test_returns_of_the_carriage_that_became_lines(tmp_path: Path) -> None:
    reading = read(FORMAT, write(tmp_path, live_log().replace("\r", "\n")))
    assert [step for step, _ in points(reading, "loss")] == list(range(10, TOTAL + 1, 10))


def test_a_second_run_of_another_length_in_the_same_log(tmp_path: Path) -> None:
    first = live_log() + printed(summary(), TOTAL, TOTAL) + "\n"
    second = "".join(
        f"\r{tqdm_line(step, 90)}" + (printed(v4(step, 90), step, 90) if step % 5 == 0 else "")
        for step in range(1, 81)
    )
    reading = read(FORMAT, write(tmp_path, first + second))
    assert (reading.step, reading.total_steps, reading.status) == (80, 90, "unknown")
    assert reading.restart_steps == (5.0,)
    assert len(reading.series["loss"]) == len({*range(10, 201, 10), *range(5, 81, 5)})
    lagging = first + "".join(
        f"\r{tqdm_line(step, 90)}" + (wiped(step, 90) if step % 5 == 0 else "") for step in range(1, 81)
    )
    late = "".join(v4(step, 90) + "\n" for step in range(5, 81, 5))
    reading = read(FORMAT, write(tmp_path, lagging + late, "late.log"))
    assert [step for step, _ in points(reading, "loss")] == sorted({*range(10, 201, 10), *range(5, 81, 5)})


@pytest.mark.parametrize("epoch", ["0.5", "'0.5'", "1", "0"])
@pytest.mark.parametrize("how", ["wiped", "beside", "late"])
def test_epochs_that_stand_still_decide_nothing(tmp_path: Path, epoch: str, how: str) -> None:
    parts, waiting = [f"\r{tqdm_line(0, TOTAL)}"], []
    for step in range(1, TOTAL + 1):
        row = f"{{'loss': {step}.5, 'epoch': {epoch}}}"
        if how == "wiped":
            parts.append(printed(row, step, TOTAL))
        elif how == "beside":
            parts.append(f"\r{tqdm_line(step, TOTAL)}\n{row}\n")
        else:
            parts.append(wiped(step, TOTAL))
            waiting.append(row + "\n")
            if step % 20 == 0:
                parts += waiting
                waiting.clear()
    reading = read(FORMAT, write(tmp_path, "".join(parts)))
    assert points(reading, "loss") == [(step, step + 0.5) for step in range(1, TOTAL + 1)]


def test_an_evaluation_at_the_start(tmp_path: Path) -> None:
    bar = f"\r{tqdm_line(0, TOTAL)}"
    first = f"{bar}{eval_bar()}\r{' ' * 46}\r\n\r{' ' * 40}\r\x1b[A{evaluated(0)}\n{bar}\n\r{tqdm_line(30, 30)}\x1b[A\n\r{' ' * 40}\x1b[A"
    rows = "".join(printed(v5(step), step, TOTAL) for step in range(2, TOTAL + 1, 2))
    reading = read(FORMAT, write(tmp_path, first + rows))
    assert points(reading, "eval_loss") == [(0, 1.0)]
    assert [step for step, _ in points(reading, "loss")] == list(range(2, TOTAL + 1, 2))
    assert reading.total_steps == TOTAL


def test_bars_of_checkpoints_between_prints_that_lag(tmp_path: Path) -> None:
    parts, waiting = [f"\r{tqdm_line(0, TOTAL)}"], []
    for step in range(1, TOTAL + 1):
        waiting.append(v5(step) + "\n")
        if step % 9 == 0:
            parts.append("\r" + " " * 46 + "\r" + "".join(waiting) + f"\r{tqdm_line(step, TOTAL)}")
            waiting.clear()
        else:
            parts.append(wiped(step, TOTAL))
        if step % 50 == 0:  # the bar of a checkpoint leaves the cursor on a line of its own
            parts.append(f"\n\r{tqdm_line(0, 1, label='Writing model shards')}\x1b[A")
            parts.append(f"\r{tqdm_line(1, 1, label='Writing model shards')}\n")
    reading = read(FORMAT, write(tmp_path, "".join([*parts, *waiting])))
    assert points(reading, "loss") == [
        (at, pytest.approx(2 - at / 1000, abs=1e-3)) for at in range(1, TOTAL + 1)
    ]


def test_a_run_that_only_evaluates_is_at_the_steps_of_training(tmp_path: Path) -> None:
    reading = read(FORMAT, write(tmp_path, live_log(every=1_000)))
    assert [step for step, _ in points(reading, "eval_loss")] == [50, 100, 150, 200]
    assert reading.total_steps == TOTAL


def test_dicts_that_come_late_without_any_clearing_are_counted(tmp_path: Path) -> None:
    bars = "".join(f"\r{tqdm_line(step, 40)}" for step in range(41))
    dicts = "".join(f"{{'loss': {step}.5, 'lr': 0.0, 'epoch': 0}}\n" for step in range(1, 9))
    reading = read(FORMAT, write(tmp_path, bars + dicts + "{'train_runtime': 14.0, 'epoch': 3.0}\n"))
    assert points(reading, "loss") == [(at * 5, at + 0.5) for at in range(1, 9)]
    assert reading.total_steps == 40


@pytest.mark.parametrize("prefix", ["[stderr] ", "2024-01-01T10:00:00.123456Z ", "trainer-1  | ", "# "])
def test_bars_behind_what_a_collector_of_logs_writes(tmp_path: Path, prefix: str) -> None:
    lines = []
    for step in range(1, TOTAL + 1):
        blanks = " " * 48 if step % 10 == 0 else ""
        told = f"{blanks}{tqdm_line(step, TOTAL)}{v4(step)}" if step % 10 == 0 else ""
        lines.append(f"{prefix}{tqdm_line(step, TOTAL)}{told}\n")
    reading = read(FORMAT, write(tmp_path, "".join(lines)))
    assert [step for step, _ in points(reading, "loss")] == list(range(10, TOTAL + 1, 10))
    assert (reading.step, reading.total_steps) == (TOTAL, TOTAL)


def test_a_narrow_bar_without_blocks(tmp_path: Path) -> None:
    text = "".join(f"  {step}% {step}/100 [0:0{step % 10}:00<1:00:00, 70.97s/it]" + (v4(step, 100) if step % 5 == 0 else "") + "\n"
                   for step in range(1, 51))  # fmt: skip
    reading = read(FORMAT, write(tmp_path, text))
    assert [step for step, _ in points(reading, "loss")] == list(range(5, 51, 5))
    assert reading.total_steps == 100


def test_a_killed_run_is_where_its_bar_is(tmp_path: Path) -> None:
    text = live_log(last=117)
    path = write(tmp_path, text)
    reading = read(FORMAT, path)
    assert (reading.status, reading.step, reading.total_steps) == ("unknown", 117, TOTAL)
    now = path.stat().st_mtime
    assert read(FORMAT, path, lambda: now).status == "running"


def test_the_summary_is_an_end_and_no_point(tmp_path: Path) -> None:
    reading = read(FORMAT, write(tmp_path, live_log() + printed(summary(), TOTAL, TOTAL)))
    assert reading.status == "finished"
    assert "train_runtime" not in reading.series
    assert len(reading.series["loss"]) == 20


def test_the_summary_of_old_versions_is_an_end(tmp_path: Path) -> None:
    text = "{'loss': 0.5, 'epoch': 1.0, 'total_flos': 3}\n{'total_flos': 5, 'epoch': 1.0}\n"
    reading = read(FORMAT, write(tmp_path, text))
    assert (reading.status, set(reading.series)) == ("finished", {"loss"})


def test_training_that_follows_makes_an_end_void(tmp_path: Path) -> None:
    ended = live_log() + printed(summary(), TOTAL, TOTAL) + "\n"
    reading = read(FORMAT, write(tmp_path, ended + live_log(last=60)))
    assert (reading.status, reading.restarts, reading.restart_steps) == ("unknown", 1, (10.0,))
    assert (reading.step, reading.total_steps) == (60, TOTAL)


def test_rows_without_a_bar_are_counted(tmp_path: Path) -> None:
    reading = read(
        FORMAT, write(tmp_path, "".join(f"{v5(step)}\n" for step in range(1, 23)) + evaluated(20) + "\n")
    )
    assert [step for step, _ in points(reading, "loss")] == list(range(1, 23))
    assert points(reading, "eval_loss")[0][0] == 22
    assert reading.total_steps is None


def test_the_header_tells_how_far_apart_counted_rows_are(tmp_path: Path) -> None:
    header = "***** Running training *****\n  Num examples = 1,600\n  Num Epochs = 2\n  Total optimization steps = 1,000\n"
    rows = "".join(f"{v4(step, 1000)}\n" for step in range(25, 1001, 25))
    reading = read(FORMAT, write(tmp_path, header + rows))
    assert [step for step, _ in points(reading, "loss")] == list(range(25, 1001, 25))
    assert reading.total_steps == 1000
    assert reading.settings["num_examples"] == 1600


def test_saved_checkpoints_tell_it_too(tmp_path: Path) -> None:
    parts = []
    for step in range(10, 510, 10):
        parts.append(f"{v5(step)}\n")
        if step % 100 == 0:
            parts.append(f"Saving model checkpoint to ./out/checkpoint-{step}\n")
    reading = read(FORMAT, write(tmp_path, "".join(parts)))
    assert [step for step, _ in points(reading, "loss")] == list(range(10, 510, 10))
    assert reading.checkpoint_steps == (100, 200, 300, 400, 500)
    assert reading.settings["output_dir"] == "./out"


def test_the_summary_tells_it_at_the_end(tmp_path: Path) -> None:
    rows = "".join(f"{v5(step)}\n" for step in range(10, 201, 10))
    reading = read(
        FORMAT, write(tmp_path, rows + "{'train_runtime': '33.0', 'train_steps_per_second': '6.06'}\n")
    )
    assert [step for step, _ in points(reading, "loss")] == list(range(10, 201, 10))


def test_a_first_step_that_is_logged_too(tmp_path: Path) -> None:
    rows = "".join(f"{v5(step)}\n" for step in (1, *range(5, 101, 5)))
    reading = read(FORMAT, write(tmp_path, rows))
    assert [step for step, _ in points(reading, "loss")] == [1, *range(5, 101, 5)]


def test_a_log_that_begins_with_a_resumed_run(tmp_path: Path) -> None:
    rows = "".join(f"{v5(step)}\n" for step in range(110, 201, 10))
    tail = "".join(f"Saving model checkpoint to ./out/checkpoint-{step}\n" for step in (200,))
    reading = read(FORMAT, write(tmp_path, rows + tail))
    assert [step for step, _ in points(reading, "loss")] == list(range(110, 201, 10))


def test_evaluations_between_counted_rows(tmp_path: Path) -> None:
    lines = []
    for step in range(10, 401, 10):
        lines += [v5(step)] if step % 50 == 0 else []
        lines += [f"{{'eval_loss': '1.5', 'epoch': '{step / 100:.4g}'}}"] if step % 30 == 0 else []
    lines.append("{'train_runtime': '40.0', 'train_steps_per_second': '10.0'}")
    reading = read(FORMAT, write(tmp_path, "\n".join(lines) + "\n"))
    assert [step for step, _ in points(reading, "loss")] == list(range(50, 401, 50))
    assert [step for step, _ in points(reading, "eval_loss")][1:] == list(range(60, 391, 30))


def test_a_step_in_the_dict_is_the_step(tmp_path: Path) -> None:
    lines = [
        f"{{'loss': 1.0, 'epoch': 0.1, 'global_step/max_steps': '{step}/93', 'percentage': '5%'}}"
        for step in (5, 10)
    ]
    reading = read(FORMAT, write(tmp_path, "\n".join([*lines, '{"loss": 2.0, "step": 20}']) + "\n"))
    assert points(reading, "loss") == [(5, 1.0), (10, 1.0), (20, 2.0)]
    assert reading.total_steps == 93


def test_steps_of_dicts_over_bars_of_epochs(tmp_path: Path) -> None:
    parts = []
    for step in range(1, 121):
        parts.append(f"\r{tqdm_line((step - 1) % 40 + 1, 40)}")
        parts.append(f"\n{{'epoch': {step // 40}, 'step': {step}, 'loss': 1.5}}\n" if step % 10 == 0 else "")
    reading = read(FORMAT, write(tmp_path, "".join(parts)))
    assert [step for step, _ in points(reading, "loss")] == list(range(10, 121, 10))
    assert (reading.step, reading.total_steps) == (120, None)


@pytest.mark.parametrize(("value", "known"), [("nan", None), ("'nan'", None), ("inf", None), ("np.float64(1.5)", 1.5),
                                              ("tensor(1.5, device='cuda:0')", 1.5), ("'1.5'", 1.5), ("1e-1", 0.1)])  # fmt: skip
def test_numbers_as_they_are_printed(tmp_path: Path, value: str, known: float | None) -> None:
    reading = read(
        FORMAT, write(tmp_path, f"{{'loss': {value}, 'epoch': 0.1, 'per_class': [1, 2], 'flag': True}}\n")
    )
    loss = reading.series["loss"]
    assert (loss.nonfinite == 1) if known is None else points(reading, "loss") == [(1, known)]
    assert set(reading.series) == {"loss"}


def test_prefixes_of_launchers_and_loggers(tmp_path: Path) -> None:
    lines = [f"[rank0]: {v4(10)}", f"2024-01-01 10:00:00,123 - INFO - {v4(20)}", f"\x1b[32m{v4(30)}\x1b[0m"]
    assert len(read(FORMAT, write(tmp_path, "\n".join(lines) + "\n")).series["loss"]) == 3


def test_an_error_is_the_reason(tmp_path: Path) -> None:
    error = '\nTraceback (most recent call last):\n  File "a.py", line 3, in f\n    g()\ntorch.OutOfMemoryError: CUDA out of memory. X\n'
    reading = read(FORMAT, write(tmp_path, live_log(last=40) + error))
    assert (reading.status, reading.reason) == ("failed", "torch.OutOfMemoryError: CUDA out of memory. X")
    reading = read(FORMAT, write(tmp_path, live_log(last=40) + error + live_log(last=60)))
    assert reading.status == "unknown"


@pytest.mark.parametrize("seed", range(6))
def test_a_log_read_while_it_grows_says_the_same(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    whole = (lagging_log(5) if seed % 2 else live_log(v5, 5) + printed(summary(), TOTAL, TOTAL)).encode()
    path = tmp_path / "train.log"
    path.write_bytes(whole)
    now = path.stat().st_mtime + 1_000.0
    expected = as_json(read(FORMAT, path, lambda: now))
    path.unlink()
    path.touch()
    source = FORMAT.open(Place(format="stdout", path=path, files=(path,)), lambda: path.stat().st_mtime)
    at = 0
    while at < len(whole):
        with path.open("ab") as file:
            size = rng.choice([1, 9, 60, 300, 2_000])
            file.write(whole[at : at + size])
            at += size
        poll_whole(source)
    grown = as_json(poll_whole(source))
    for key in ("series", "step", "total_steps", "restarts", "bad_records"):
        assert grown[key] == expected[key], key


def test_the_end_without_a_line_end_counts_once_nobody_writes(tmp_path: Path) -> None:
    text = "".join(f"Epoch {epoch} loss: {2 - epoch / 10}\n" for epoch in range(1, 8)) + "Epoch 8 loss: 1.0"
    path = write(tmp_path, text)
    written, now = path.stat().st_mtime, [0.0]
    source = opened(FORMAT, path, lambda: now[0])
    now[0] = written + 1.0
    assert len(poll_whole(source).series["loss"]) == 7
    now[0] = written + LATER_S
    source.poll()
    assert len(source.reading.series["loss"]) == 8
    with path.open("a") as file:
        file.write("25\nEpoch 9 loss: 0.5\n")
    assert points(poll_whole(source), "loss")[-2:] == [(8, 1.025), (9, 0.5)]


@pytest.mark.parametrize("junk", [b"\0" * 70_000, b"x" * 9_000_000, b"{'" * 40_000, b"%|" * 30_000 + b"\n", b" " * 200_000 + b"\n",
                                  b"loss " * 50_000 + b"\n", b"{'loss': " + b" " * 60_000 + b"\n", b"\r" * 100_000,
                                  b"\x1b]0;" * 20_000 + b"\n", b"Traceback (most recent call last):\n" * 2_000])  # fmt: skip
def test_junk_neither_hangs_nor_hides_the_rows(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(live_log(last=50).encode() + b"\n" + junk + b"\n" + live_log(last=100).encode())
    reading = read(FORMAT, path)
    assert [step for step, _ in points(reading, "loss")] == list(range(10, 101, 10))


@pytest.mark.parametrize(
    "name", ["nohup.out", "slurm-123.out", "debug.log", "train_log.txt", "run.log.1", "stderr", "job.o123"]
)
def test_logs_are_found_by_name_and_content(tmp_path: Path, name: str) -> None:
    write(tmp_path, live_log(), name)
    assert [path.name for path in finds(FORMAT, tmp_path)] == [name]


@pytest.mark.parametrize("name", ["bar.txt", "progress", "epoch3.TXT"])
def test_a_log_of_any_name_is_found_in_its_folder(tmp_path: Path, name: str) -> None:
    write(tmp_path, live_log(), name)
    write(tmp_path, "a line of a text\n" * 50, "notes.txt")
    assert [path.name for path in finds(FORMAT, tmp_path)] == [name]


def test_among_many_texts_only_one_that_grows_is_looked_into(tmp_path: Path) -> None:
    for at in range(40):
        os.utime(write(tmp_path, live_log(), f"{at}.txt"), (1e9, 1e9))
    assert finds(FORMAT, tmp_path) == []
    os.utime(tmp_path / "7.txt")
    assert [path.name for path in finds(FORMAT, tmp_path)] == ["7.txt"]


@pytest.mark.parametrize("text", ["", "hello\n" * 500, "step 1 of 3: install\n" * 50, "requirements==1.0\n", "\0\0\0",
                                  "Step 1 | loss:1.0 lr:2e-05 \n" * 9, "version https://git-lfs.github.com/spec/v1\noid x\n",
                                  "{'loss': 1.0\n", SHARDS, "".join(f"loss of {at} packets\n" for at in range(50))])  # fmt: skip
def test_other_texts_are_no_runs(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert finds(FORMAT, tmp_path) == []


def test_odd_files_are_no_runs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.log")
    (tmp_path / "b.log").mkdir()
    (tmp_path / "c.log").symlink_to("/dev/zero")
    write(tmp_path, live_log(), "real_log.txt")
    write(tmp_path, live_log(), "model.safetensors")
    assert [path.name for path in finds(FORMAT, tmp_path)] == ["real_log.txt"]


def test_a_log_with_long_pauses_is_not_read_again_for_each_row(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    rows = [f"{{'loss': {2 - at / 1e4:.4f}, 'epoch': {at / 1000:.3f}}}\n" for at in range(1, 4001)]
    path.write_text("".join(rows[:-1]))
    now = path.stat().st_mtime
    source = FORMAT.open(Place(format="stdout", path=path, files=(path,)), lambda: now)
    poll_whole(source)
    now += LATER_S
    source.poll()
    with path.open("a") as file:
        file.write(rows[-1])
    os.utime(path, (now, now))
    source.poll(0.0)  # one piece of 64 KiB
    assert len(source.reading.series["loss"]) == 4000
    assert source.reading.is_complete


def test_a_log_that_is_there_again_is_no_trouble_any_more(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("".join(f"{{'loss': {2 - at / 100}, 'epoch': {at / 10}}}\n" for at in range(1, 9)))
    source = opened(FORMAT, path)
    poll_whole(source)
    path.rename(tmp_path / "elsewhere")
    assert source.poll()
    assert any("cannot be read" in note for note in source.reading.notes)
    assert not source.poll()
    (tmp_path / "elsewhere").rename(path)
    assert source.poll()
    assert source.reading.notes == ()

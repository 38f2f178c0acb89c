# ruff: noqa: E501 - lines as the trainers write them
"""Logs of plain loops: each trainer's own way to print a step, an epoch and a loss."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest
from foreign_files import points, poll_whole, read, tqdm_line

from tui_ft.watch.names import FURTHER, MOST_NAMES
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.sources.stdout import FORMAT


class Told(NamedTuple):
    """What a log is expected to tell: steps of the loss, total, and last values of other series."""

    steps: list[int]
    total: int | None
    last: dict[str, float]


def nanogpt() -> list[str]:
    lines = ["number of parameters: 10.65M", "tokens per iteration will be: 16,384"]
    for start in range(0, 500, 100):
        lines.append(f"step {start}: train loss {4 - start / 1000:.4f}, val loss {4.1 - start / 1000:.4f}")
        lines += [
            f"iter {at}: loss {4 - at / 1000:.4f}, time 55.10ms, mfu 3.40%"
            for at in range(start, start + 100, 10)
        ]
    return lines


def build_nanogpt() -> list[str]:
    lines = ["total desired batch size: 524288", "=> calculated gradient accumulation steps: 32"]
    for at in range(40):
        lines.append(
            f"step {at:5d} | loss: {9 - at / 100:.6f} | lr: 6.0000e-04 | norm: 2.5000 | dt: 533.12ms | tok/sec: 98123.40"
        )
    return [*lines, "validation loss: 8.5000"]


def epochs_of_steps() -> list[str]:
    return [f"Epoch [{epoch}/3], Step [{at * 100}/600], Loss: {3 - epoch / 10 - at / 100:.4f}"
            for epoch in (1, 2, 3) for at in range(1, 7)]  # fmt: skip


def several_lines_an_epoch() -> list[str]:
    lines = ["max_seq_len: 128", "num_epochs: 30"]
    for epoch in range(1, 8):
        lines += [f"Epoch: {epoch}/30", "Time Taken: 108.51s - LR: 9.98e-05", f"Train Loss: {7 - epoch / 10:.4f} - Train Perplexity: 1529.90",
                  f"Valid Loss: {6 - epoch / 10:.4f} - Valid Perplexity: 713.86", "-" * 80]  # fmt: skip
    return lines


LOGS: dict[str, tuple[list[str], Told]] = {
    "nanoGPT": (nanogpt(), Told(list(range(0, 500, 10)), None, {"eval_loss": 3.7, "eval_train_loss": 3.6, "mfu": 3.4})),
    "nanoGPT, evaluations only": (
        [f"step {at}: train loss {4 - at / 1000:.4f}, val loss 4.2" for at in range(0, 600, 100)],
        Told(list(range(0, 600, 100)), None, {"eval_loss": 4.2})),
    "build-nanogpt": (build_nanogpt(), Told(list(range(40)), None, {
        "learning_rate": 6e-4, "grad_norm": 2.5, "eval_loss": 8.5, "dt": 533.12, "tok/sec": 98123.4})),
    "build-nanogpt, log.txt": (
        [line for at in range(9) for line in (f"{at} train {9 - at / 10:.6f}", f"{at} val 9.5000", f"{at} hella 0.2463")],
        Told(list(range(9)), None, {"eval_loss": 9.5, "hella": 0.2463})),
    "llm.c": (
        [f"step {at:4d}/19560 | loss {11 - at / 100:.6f} (+nanz)| norm 15.3000 (+nanz)| lr 8.57e-07 | 3056.35 ms | 42.6% bf16 MFU"
         for at in range(1, 9)], Told(list(range(1, 9)), 19_560, {"grad_norm": 15.3, "learning_rate": 8.57e-7})),
    "Megatron": (
        [f" [2024-05-01 10:00:00] iteration {at * 10:8d}/  500000 | consumed samples: {at * 2560:12d} | elapsed time per iteration"
         f" (ms): 400.1 | learning rate: 1.500000E-04 | lm loss: {10 - at / 10:.6E} | loss scale: 1.0 | grad norm: 2.300 |"
         for at in range(1, 9)], Told(list(range(10, 90, 10)), 500_000, {"learning_rate": 1.5e-4, "grad_norm": 2.3})),
    "torchtitan": (
        [f"[rank0]:\x1b[36m[titan] 2025-09-01 10:00:00,123 - root - INFO - \x1b[31mstep: {at:2d}  \x1b[32mloss: {7 - at / 10:7.4f}"
         f"  \x1b[33mmemory: 40.05GiB(50.1%)  \x1b[34mtps: 7,123\x1b[0m" for at in range(1, 9)],
        Told(list(range(1, 9)), None, {"memory": 40.05, "tps": 7123.0})),
    "MMEngine": (
        [f"03/06 08:42:56 - mmengine - INFO - Iter(train) [ {at * 10:4d}/1000]  base_lr: 2.0e-04 lr: 2.0e-04  eta: 1:00:00"
         f"  time: 3.5  memory: 12000  loss: {2 - at / 100:.4f}" for at in range(1, 9)],
        Told(list(range(10, 90, 10)), 1000, {"learning_rate": 2e-4})),
    "steps within epochs": (epochs_of_steps(), Told(list(range(100, 1900, 100)), 1800, {})),
    "batches within epochs": (
        [f"| epoch {epoch:3d} | {at * 200:5d}/ 2983 batches | lr 5.00 | ms/batch 30.10 | loss {7 - epoch / 10:5.2f} | ppl  2000.00"
         for epoch in (1, 2) for at in range(1, 5)],
        Told([200, 400, 600, 800, 3183, 3383, 3583, 3783], None, {"perplexity": 2000.0, "learning_rate": 5.0})),
    "epoch over and over": (
        [f"epoch:  {at // 10} loss:  {1 - at / 100}" for at in range(30)], Told(list(range(1, 31)), None, {})),
    "an epoch a line": (
        [f"INFO:root:Epoch {epoch} - train_loss: {2 - epoch / 10:.4f} - val_loss: 2.1" for epoch in range(6)],
        Told(list(range(6)), None, {"eval_loss": 2.1})),
    "several lines an epoch": (several_lines_an_epoch(), Told(list(range(1, 8)), 30, {
        "eval_loss": 5.3, "perplexity": 1529.9, "eval_perplexity": 713.86, "learning_rate": 9.98e-5})),
    "Keras": (
        [line for epoch in range(1, 7) for line in (
            f"Epoch {epoch}/10", f"100/100 [====] - 3s 30ms/step - loss: {2 - epoch / 10:.4f} - accuracy: 0.5 - val_loss: 1.5")],
        Told(list(range(1, 7)), 10, {"accuracy": 0.5, "eval_loss": 1.5})),
    "fairseq": (
        [f"2020-09-01 12:00:00 | INFO | train_inner | epoch 001:     {at} / 500 loss=9.{at}, ppl=300, num_updates={at}, lr=1e-07, gnorm=2.3"
         for at in range(10, 70, 10)], Told(list(range(10, 70, 10)), None, {"grad_norm": 2.3, "perplexity": 300.0})),
    "litgpt": (
        [f"Epoch 1 | iter {at * 16} step {at} | loss train: {2 - at / 100:.3f}, val: n/a | iter time: 300.00 ms (step)"
         for at in range(1, 9)], Told(list(range(1, 9)), None, {})),
    "OLMo": (
        [line for at in range(1, 9) for line in (f"[step={at}/7000,epoch=0]", "    optim/total_grad_norm=1.5",
         f"    train/CrossEntropyLoss=2.{at}")], Told(list(range(1, 9)), 7000, {"optim/total_grad_norm": 1.5})),
}  # fmt: skip


def read_lines(folder: Path, text: str) -> Reading:
    path = folder / "train.log"
    path.write_text(text, newline="")
    return read(FORMAT, path)


@pytest.mark.parametrize("name", LOGS)
def test_a_loop_is_read(tmp_path: Path, name: str) -> None:
    lines, told = LOGS[name]
    reading = read_lines(tmp_path, "\n".join(lines) + "\n")
    assert [step for step, _ in points(reading, "loss")] == told.steps
    assert reading.total_steps == told.total
    assert {series: reading.last(series) for series in told.last} == told.last
    assert reading.restarts == 0


def test_values_of_the_loss_are_those_printed(tmp_path: Path) -> None:
    reading = read_lines(tmp_path, "\n".join(nanogpt()) + "\n")
    assert points(reading, "loss") == [(at, round(4 - at / 1000, 4)) for at in range(0, 500, 10)]


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf"])
def test_words_for_numbers(tmp_path: Path, word: str) -> None:
    reading = read_lines(
        tmp_path, "".join(f"step {at}: train loss {word}, val loss {word}\n" for at in range(6))
    )
    assert reading.series["loss"].nonfinite == reading.series["eval_loss"].nonfinite == 6


def test_fewer_than_five_lines_claim_no_curve(tmp_path: Path) -> None:
    text = "".join(f"step {at} loss {at}.5\n" for at in range(5))
    assert len(read_lines(tmp_path, text).series["loss"]) == 5
    with pytest.raises(AssertionError):
        read_lines(tmp_path, text[: len("step 0 loss 0.5\n") * 4])


def test_numbers_after_a_bar(tmp_path: Path) -> None:
    drawn = "".join(
        f"\r{tqdm_line(at, 50, label=f'Epoch {epoch}/3', postfix=f', loss={2 - epoch / 10 - at / 1000:.3f}, lr=1e-05')}"
        for epoch in (1, 2, 3) for at in range(1, 51)
    )  # fmt: skip
    reading = read_lines(tmp_path, drawn + "\n")
    assert [step for step, _ in points(reading, "loss")] == list(range(1, 151))
    assert reading.total_steps == 150
    assert reading.last("learning_rate") == 1e-5


def drawn_epochs(lengths: list[int], of: int, label: str = "", postfix: str = ", loss=0.5") -> str:
    """A bar of `of` steps for each epoch, drawn as far as `lengths` say."""
    return "".join(
        f"\r{tqdm_line(at, of, label=label.format(epoch), postfix=postfix)}" + "\n" * (at == of)
        for epoch, length in enumerate(lengths)
        for at in range(length + 1)
    )


@pytest.mark.parametrize(
    ("label", "lengths", "total", "step"),
    [
        ("Epoch {}", [30], None, 30),
        ("Epoch {}", [40, 10], None, 50),
        ("Epoch {}/5", [40, 10], 200, 50),
        ("Epoch {}/1", [30], 40, 30),
        ("", [30], 40, 30),
        ("", [40, 40, 10], None, 90),
        ("train", [40, 40, 10], None, 90),
    ],
)
def test_a_bar_of_an_epoch_is_not_the_run(
    tmp_path: Path, label: str, lengths: list[int], total: int | None, step: int
) -> None:
    reading = read_lines(tmp_path, drawn_epochs(lengths, 40, label))
    assert (reading.step, reading.total_steps, reading.restarts) == (step, total, 0)


def test_a_bar_of_the_run_that_names_epochs_is_the_run(tmp_path: Path) -> None:
    drawn = "".join(
        f"\r{tqdm_line(at, 100, label=f'Epoch {at // 50}', postfix=', loss=0.5')}" for at in range(1, 71)
    )
    reading = read_lines(tmp_path, drawn + "\n")
    assert (reading.step, reading.total_steps) == (70, 100)


@pytest.mark.parametrize("words", ["", "Epoch {}/5\n"])
def test_a_bar_of_an_epoch_without_numbers_is_not_the_run(tmp_path: Path, words: str) -> None:
    text = "".join(
        words.format(epoch + 1) + drawn_epochs([length], 400, postfix="") + f"epoch {epoch} loss: 1.{epoch}\n"
        for epoch, length in enumerate([400, 400, 60])
    )
    path = tmp_path / "train.log"
    path.write_text(text, newline="")
    reading = poll_whole(FORMAT.open(Place(format="stdout", path=path, files=(path,)), time.time))
    assert reading.total_steps not in (400, 60)
    assert reading.step != 60


def test_the_bar_of_torchtune(tmp_path: Path) -> None:
    drawn = "".join(
        f"\r{tqdm_line(at % 25 or 25, 25, label=f'{1 + (at - 1) // 25}|{at}|Loss: {2 - at / 100}')}"
        for at in range(1, 51)
    )
    assert points(read_lines(tmp_path, drawn + "\n"), "loss") == [(at, 2 - at / 100) for at in range(1, 51)]


def test_the_bar_of_lightning_and_its_end(tmp_path: Path) -> None:
    drawn = "".join(
        f"\r{tqdm_line(at, 20, label=f'Epoch {epoch}', postfix=f', v_num=0, train_loss_step={2 - at / 100:.2f}')}"
        for epoch in (0, 1) for at in range(1, 21)
    )  # fmt: skip
    reading = read_lines(tmp_path, drawn + "\n`Trainer.fit` stopped: `max_epochs=2` reached.\n")
    assert [step for step, _ in points(reading, "loss")] == list(range(1, 41))
    assert reading.status == "finished"
    assert set(reading.series) == {"loss"}


def test_keras_going_back_over_its_line(tmp_path: Path) -> None:
    line = "\b" * 9_000 + "100/100 [====] - 3s 30ms/step - loss: {} - val_loss: 1.5\n"
    text = "".join(
        f"Epoch {at}/9\n1/100 [>...] - ETA: 9s - loss: 9.0" + line.format(at / 10) for at in range(1, 7)
    )
    assert points(read_lines(tmp_path, text), "loss") == [(at, at / 10) for at in range(1, 7)]


def test_printed_dicts_win_over_plain_lines(tmp_path: Path) -> None:
    text = "".join(f"Epoch {at} loss: 9.0\n{{'loss': 1.5, 'epoch': {at}.0}}\n" for at in range(1, 9))
    assert read_lines(tmp_path, text).series["loss"].extent() == (1.5, 1.5)


def test_a_log_with_no_end_of_names_stays_bounded(tmp_path: Path) -> None:
    lines = "".join(f"step {at}: loss 1.0, metric{at}: 2.0\n" for at in range(MOST_NAMES + 500))
    reading = read_lines(tmp_path, lines)
    assert len(reading.series) <= MOST_NAMES + 1
    assert len(reading.series[FURTHER]) > 400

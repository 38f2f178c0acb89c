"""The names of series: what others call theirs, and that no two series of a run get one name."""

from __future__ import annotations

import itertools

import pytest

from tui_ft.watch.names import SeriesNames, fold


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Loss/train", "loss"), ("loss/val", "eval_loss"), ("Loss_train", "loss"), ("loss_val", "eval_loss"),
        ("train/Loss", "loss"), ("val/Loss", "eval_loss"), ("Loss/Validation", "eval_loss"),
        ("Accuracy/train", "Accuracy"), ("Accuracy/val", "eval_Accuracy"), ("accuracy/test", "test_accuracy"),
        ("Train/Accuracy", "Accuracy"), ("perplexity/train", "perplexity"), ("LR/train", "learning_rate"),
        ("rewards/margins", "rewards/margins"), ("time/step", "time/step"), ("/train", "/train"),
        ("accuracy_train", "accuracy_train"), ("a/b/val", "eval_a/b"), ("a/train/train", "a/train"),
    ],
)  # fmt: skip
def test_what_others_call_their_series(name: str, folded: str) -> None:
    assert fold(name) == folded


PARTS = ("loss", "Loss", "train", "val", "eval", "test", "Accuracy", "accuracy", "eval_loss", "lr")


def test_two_series_of_a_run_never_get_one_name() -> None:
    names = [f"{a}{mark}{b}" for a, b in itertools.product(PARTS, PARTS) for mark in "/_"] + [*PARTS]
    for order in (names, names[::-1]):
        known = SeriesNames()
        shown = [known.of(name) for name in order]
        assert len(set(shown)) == len(set(names))
        assert shown == [known.of(name) for name in order]

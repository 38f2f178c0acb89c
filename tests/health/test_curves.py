"""Detectors of curves: what they find, within how many rows, and what they leave alone."""

from __future__ import annotations

import math
import random
from itertools import islice

import pytest
from detector_rows import feed, feed_losses, fix_names, made, noisy, step

from tui_ft.health.detector import Cleared
from tui_ft.health.divergence import Divergence
from tui_ft.health.evaluations import Forgetting, Overfitting
from tui_ft.health.finding import Finding
from tui_ft.health.learning import NotLearning, Plateau
from tui_ft.health.nonfinite import Nonfinite
from tui_ft.health.resumption import BadResume
from tui_ft.health.rows import Evaluation
from tui_ft.health.spikes import GradientSpikes
from tui_ft.health.thresholds import Thresholds

NAN, INF = math.nan, math.inf


# --- nonfinite ---------------------------------------------------------------------------------------


def test_one_nan_is_a_warning_and_two_in_a_row_an_error() -> None:
    detector = made(Nonfinite)
    said = feed_losses(detector, [1.0, NAN, 1.0, NAN, INF])
    assert [(one.level, one.step) for one in said if isinstance(one, Finding)] == [
        ("warning", 2),
        ("error", 5),
    ]
    last = said[-1]
    assert isinstance(last, Finding)
    assert (last.evidence["loss"], last.evidence["last_good_step"]) == ("Infinity", 3)
    assert last.fixes[0].how == "resume_before"
    assert last.fixes[0].step == 3


def test_a_loss_of_zero_with_a_nan_gradient_counts() -> None:
    detector = made(Nonfinite)
    said = feed(detector, [step(1), step(2, 0.0, NAN), step(3, 0.0, NAN)])
    assert [one.level for one in said if isinstance(one, Finding)] == ["warning", "error"]


def test_the_scaler_of_fp16_may_search() -> None:
    detector = made(Nonfinite, compute="float16", has_bf16=True)
    assert feed(detector, [step(number, 2.0, INF) for number in range(1, 20)]) == []
    said = feed(detector, [step(number, 2.0, INF) for number in range(20, 24)])
    assert [one.level for one in said if isinstance(one, Finding)] == ["warning"]
    assert isinstance(said[0], Finding)
    assert fix_names(said[0])[0] == "wider_numbers"
    assert said[0].fixes[0].changes == ["training.precision=bf16"]
    assert said[0].fixes[0].how == "restart"  # it never was well


@pytest.mark.train
def test_trainer_and_guard_have_one_number_for_that() -> None:
    from tui_ft.train.nonfinite import SCALER_SKIPS

    assert Thresholds().nonfinite_scaler_rows == SCALER_SKIPS == 20


@pytest.mark.parametrize("compute", ["bfloat16", "float32"])
def test_without_a_scaler_two_gradients_in_a_row_are_an_error(compute: str) -> None:
    said = feed(made(Nonfinite, compute=compute), [step(1), step(2, 2.0, INF), step(3, 2.0, NAN)])
    assert [one.level for one in said if isinstance(one, Finding)] == ["warning", "error"]


def test_only_a_finite_evaluation_ends_one_that_was_not() -> None:
    detector = made(Nonfinite)
    said = feed(detector, [Evaluation(10, 10.0, NAN, 2.0), *(step(at) for at in range(11, 90))])
    assert [one.code for one in said] == ["nonfinite"]
    assert feed(detector, [Evaluation(90, 90.0, None, 2.0)]) == []
    over = feed(detector, [Evaluation(100, 100.0, 1.5, 2.0)])
    assert [(type(one), one.message) for one in over] == [(Cleared, "The held-out loss is finite again.")]


def test_it_is_over_after_twenty_finite_steps() -> None:
    detector = made(Nonfinite)
    said = feed_losses(detector, [NAN, *[1.0] * 20])
    assert isinstance(said[-1], Cleared)


def test_what_the_trainer_says_of_it_has_rows_and_no_less_is_said_after_it() -> None:
    detector = made(Nonfinite)
    known = {"rows": [3, 7], "in_a_row": 2, "last_good_checkpoint": 40}
    worse = detector.warning("nonfinite", "Twice.", 51, known, 51.0)
    assert isinstance(worse, Finding)
    assert (worse.level, worse.evidence["rows"], worse.fixes[0].step) == ("error", [3, 7], 40)
    then = detector.warning("nonfinite", "Once.", 52, {"in_a_row": 1}, 52.0)
    assert isinstance(then, Finding)
    assert (then.level, then.message, then.evidence["rows"]) == ("error", "Twice.", [3, 7])


def test_a_million_bad_steps_do_not_fill_the_file() -> None:
    detector = made(Nonfinite)
    said = [detector.warning("nonfinite", "Bad.", at, {"in_a_row": at}, at / 10) for at in range(1, 2000)]
    assert len([one for one in said if one is not None]) < 12


def test_without_a_good_checkpoint_nothing_is_resumed() -> None:
    found = made(Nonfinite).warning(
        "nonfinite", "Bad.", 3, {"in_a_row": 2, "last_good_checkpoint": None}, 3.0
    )
    assert isinstance(found, Finding)
    assert [fix.how for fix in found.fixes] == ["restart"]


# --- divergence --------------------------------------------------------------------------------------


def test_a_loss_that_rises_and_stays_up_is_found_within_thirty_rows() -> None:
    detector = made(Divergence)
    assert feed_losses(detector, islice(noisy(1.0, 0.1), 100)) == []
    said = feed_losses(detector, islice(noisy(2.5, 0.1), 60), first=101)
    assert [one.level for one in said if isinstance(one, Finding)] == ["error"]
    assert isinstance(said[0], Finding)
    assert said[0].step is not None
    assert said[0].step <= 140
    assert said[0].fixes[0].changes == ["training.learning_rate=0.0001", "training.max_grad_norm=0.3"]


def test_three_losses_sky_high_are_enough() -> None:
    said = feed_losses(made(Divergence), [2.0, 1.9, 1.8, 1.7, 9.0, 11.0, 12.0])
    assert [one.step for one in said if isinstance(one, Finding)] == [7]


def test_a_rise_from_next_to_nothing_is_found() -> None:
    losses = [3.0 * math.exp(-number / 20) for number in range(200)]
    said = feed_losses(made(Divergence), [*losses, 9.0, 9.0, 9.0])
    assert [(one.level, one.step) for one in said if isinstance(one, Finding)] == [("error", 203)]
    slow = feed_losses(made(Divergence), [*losses, *[2.0] * 40])
    assert [one.level for one in slow if isinstance(one, Finding)] == ["error"]


_RUINED = [1.18, 1.22, 5.5, 7.19, 8.61, 10.9, 12.4, 16.7, 14.9, *[15.0 * 0.9**at for at in range(24)]]
"""The first rows of the demo model trained whole at a rate of 0.3 (measured): they rise from the third on."""


def test_a_rise_in_the_first_rows_is_not_over_while_the_loss_is_above_where_it_began() -> None:
    detector = made(Divergence)
    said = feed_losses(detector, [*_RUINED, *[1.6] * 100])
    assert [type(one) for one in said] == [Finding]
    assert isinstance(said[0], Finding)
    assert said[0].evidence["lowest_loss"] == pytest.approx(1.2, abs=0.01)
    last = detector.ended("finished", "", "", 200.0)
    assert isinstance(last, Finding)
    assert last.level == "error"
    assert "diverged at step 5" in last.message
    assert "ended with a loss of 1.6" in last.message
    assert detector.ended("cuda_oom", "", "", 200.0) is None


def test_a_rise_in_the_first_rows_is_over_when_the_loss_is_where_it_began() -> None:
    said = feed_losses(made(Divergence), [*_RUINED, *[1.25] * 100])
    assert isinstance(said[-1], Cleared)


def test_where_the_rate_is_far_above_the_usual_the_usual_one_is_offered() -> None:
    detector = made(Divergence, "method.kind=full", "training.learning_rate=1.0")
    found = feed_losses(detector, _RUINED)[0]
    assert isinstance(found, Finding)
    assert {fix.changes[0] for fix in found.fixes} == {"training.learning_rate=2e-05"}
    assert all("the usual learning rate, 2e-05" in fix.title for fix in found.fixes)


@pytest.mark.parametrize("spread", [0.5, 0.7])
def test_losses_that_are_always_noisy_have_not_diverged(spread: float) -> None:
    """Three of them above 5 in a row come about by chance: such runs have 0.4 to 3 % of their rows there."""
    for seed in range(20):
        chance = random.Random(seed)
        said = feed_losses(made(Divergence), [chance.lognormvariate(0.3, spread) for _ in range(1000)])
        assert [one for one in said if isinstance(one, Finding) and one.level == "error"] == []


@pytest.mark.parametrize(
    "losses",
    [
        [5.9 - number / 20 for number in range(100)],  # random weights begin above 5
        [0.02 if number < 60 else 0.05 for number in range(120)],  # learnt by heart: nothing diverges
        [math.exp(-number / 30) + 0.5 + 0.4 * (-1) ** number for number in range(200)],
        [1.0, 1.0, 9.0, 1.0, 1.0, 9.0, 1.0] * 20,  # single bad batches
    ],
)
def test_what_has_not_diverged(losses: list[float]) -> None:
    assert feed_losses(made(Divergence), losses) == []


def test_losses_of_rewards_are_not_judged() -> None:
    detector = made(Divergence, "objective.kind=grpo")
    assert feed_losses(detector, [0.001] * 50 + [9.0] * 50) == []


def test_a_resume_begins_anew() -> None:
    detector = made(Divergence)
    feed_losses(detector, [1.0] * 30 + [3.0] * 40)
    assert detector.open is not None
    assert isinstance(detector.resumed(30, 100.0), Cleared)
    assert feed_losses(detector, [1.0] * 60, first=31) == []


# --- gradient spikes -----------------------------------------------------------------------------------


def norms(*values: float) -> list[float]:
    return [*islice(noisy(1.0, 0.05), 40), *values]


def test_one_spike_is_a_note_and_four_within_a_hundred_steps_a_warning() -> None:
    detector = made(GradientSpikes)
    values = norms(30.0, *[1.0] * 10, 25.0, 1.0, 28.0, 1.0, 40.0)
    said = feed(detector, [step(number, 1.0, norm) for number, norm in enumerate(values, 1)])
    findings = [one for one in said if isinstance(one, Finding)]
    assert (findings[0].level, findings[0].step) == ("note", 41)
    assert findings[-1].level == "warning"
    assert findings[-1].evidence["steps"] == [41, 52, 54, 56]
    assert fix_names(findings[-1]) == ["half_rate"]
    calm = feed(detector, [step(number, 1.0, 1.0) for number in range(57, 170)])
    assert isinstance(calm[-1], Cleared)


def test_what_clipping_would_not_touch_is_no_spike() -> None:
    values = [*[0.001] * 40, 0.5]
    assert feed(made(GradientSpikes), [step(at, 1.0, norm) for at, norm in enumerate(values, 1)]) == []


def test_gradients_that_are_always_long_are_no_spikes() -> None:
    values = islice(noisy(400.0, 40.0), 200)
    assert feed(made(GradientSpikes), [step(at, 1.0, norm) for at, norm in enumerate(values, 1)]) == []


# --- not learning, plateau -------------------------------------------------------------------------------


def test_a_loss_that_has_not_fallen_after_a_tenth_of_the_steps() -> None:
    detector = made(NotLearning, "training.learning_rate=1e-6")
    said = feed_losses(detector, islice(noisy(2.0, 0.05), 200))
    assert [one.level for one in said if isinstance(one, Finding)][:1] == ["warning"]
    assert isinstance(said[0], Finding)
    assert said[0].step is not None
    assert 100 <= said[0].step <= 160  # after 5 % warmup and 10 % of 1000 steps
    assert "training.learning_rate=0.0002" in said[0].fixes[0].changes


def test_a_loss_that_falls_learns() -> None:
    assert feed_losses(made(NotLearning), (2.0 - number / 1000 for number in range(400))) == []


def test_a_gradient_of_exactly_zero_is_an_error_after_twenty_steps() -> None:
    said = feed_losses(made(NotLearning), islice(noisy(2.0, 0.1), 25), norm=0.0)
    assert [(one.level, one.step) for one in said if isinstance(one, Finding)] == [("error", 20)]


def test_a_norm_that_is_only_logged_as_zero_is_no_news_while_the_loss_falls() -> None:
    losses = (3.0 * math.exp(-number / 50) for number in range(100))
    assert feed_losses(made(NotLearning), losses, norm=0.0) == []


def test_what_has_learnt_and_loses_it_again_is_not_said_to_learn_nothing() -> None:
    down = [max(0.5, 2.0 - number / 100) for number in range(300)]
    up = [min(0.5 + number / 100, 2.1) for number in range(300)]
    assert feed_losses(made(NotLearning, total_steps=600), [*down, *up]) == []


def test_a_bad_row_in_easy_data_that_is_learnt_is_no_loss_that_does_not_fall() -> None:
    """Its gradient is next to nothing by then, and one row lifts the mean of the loss."""
    learnt = [2.0 * math.exp(-number / 8) for number in range(100)]
    detector = made(NotLearning, total_steps=200)
    assert feed_losses(detector, learnt, norm=1e-4) == []
    assert feed_losses(detector, [60.0, *[1e-4] * 60], first=101, norm=1e-4) == []


def test_a_plateau_is_a_note_and_over_when_it_falls() -> None:
    detector = made(Plateau, total_steps=1000)
    losses = [3.0 - number / 100 for number in range(200)] + [1.0] * 500
    said = feed_losses(detector, losses)
    assert [one.level for one in said if isinstance(one, Finding)] == ["note"]
    assert isinstance(feed_losses(detector, [0.5] * 100, first=701)[-1], Cleared)


@pytest.mark.parametrize(
    ("method", "usual"), [("lora", "0.0002"), ("full", "2e-05"), ("adapter", "0.0001"), ("ia3", "0.003")]
)
def test_the_usual_rate_is_the_one_that_a_spec_without_one_has(method: str, usual: str) -> None:
    detector = made(NotLearning, f"method.kind={method}", "training.learning_rate=1e-9", total_steps=100)
    said = feed_losses(detector, [2.0] * 60)
    assert isinstance(said[0], Finding)
    (fix,) = [fix for fix in said[0].fixes if fix.name == "usual_rate"]
    assert fix.changes == [f"training.learning_rate={usual}"]


# --- evaluations -----------------------------------------------------------------------------------------


def test_overfitting_needs_two_worse_evaluations_and_a_falling_training_loss() -> None:
    detector = made(Overfitting, "method.rank=16", "method.dropout=0.05")
    feed_losses(detector, [1.0] * 50)
    assert feed(detector, [Evaluation(50, 50.0, 1.0)]) == []
    feed_losses(detector, [0.5] * 50, first=51)
    assert feed(detector, [Evaluation(100, 100.0, 1.1)]) == []
    found = feed(detector, [Evaluation(150, 150.0, 1.2)])[0]
    assert isinstance(found, Finding)
    assert (found.level, found.evidence["best_at_step"]) == ("warning", 50)
    assert found.fixes[0].changes == ["training.max_steps=50"]
    assert {"dropout", "half_rank"} <= set(fix_names(found))
    assert isinstance(feed(detector, [Evaluation(200, 200.0, 0.9)])[0], Cleared)


def test_what_comes_down_from_a_divergence_does_not_learn_by_heart() -> None:
    detector = made(Overfitting)
    feed_losses(detector, [1.2, 1.2, *[3.5] * 40])
    said = feed(detector, [Evaluation(42, 42.0, 2.2)])
    said += feed_losses(detector, [2.55] * 20, first=43)
    said += feed(detector, [Evaluation(62, 62.0, 2.5), Evaluation(63, 63.0, 2.5)])
    assert said == []


def test_a_held_out_loss_that_rises_with_the_training_loss_is_no_overfitting() -> None:
    detector = made(Overfitting)
    feed_losses(detector, [1.0] * 50)
    feed(detector, [Evaluation(50, 50.0, 1.0)])
    feed_losses(detector, [2.0] * 50, first=51)
    assert feed(detector, [Evaluation(100, 100.0, 1.5), Evaluation(150, 150.0, 1.6)]) == []


def test_a_training_loss_that_is_as_it_was_but_for_its_noise_does_not_fall() -> None:
    detector = made(Overfitting)
    feed_losses(detector, islice(noisy(2.0, 0.1, seed=5), 200))
    feed(detector, [Evaluation(200, 200.0, 1.8)])
    feed_losses(detector, islice(noisy(1.99, 0.1, seed=6), 200), first=201)
    assert feed(detector, [Evaluation(400, 400.0, 2.0), Evaluation(420, 420.0, 2.0)]) == []


def test_forgetting_is_told_by_the_probe() -> None:
    detector = made(Forgetting, "method.kind=full")
    rows = [Evaluation(0, 0.0, None, 2.0), Evaluation(10, 1.0, 1.0, 2.15), Evaluation(20, 2.0, 0.9, 2.2)]
    found = feed(detector, rows)[0]
    assert isinstance(found, Finding)
    assert (found.level, found.step, found.evidence["first_probe_loss"]) == ("warning", 20, 2.0)
    assert fix_names(found) == ["half_rate_restart", "lora"]


# --- a bad resume ------------------------------------------------------------------------------------------


def test_a_resume_whose_loss_begins_higher() -> None:
    detector = made(BadResume)
    feed_losses(detector, islice(noisy(1.0, 0.05), 100))
    detector.resumed(80, 100.0)
    said = feed_losses(detector, islice(noisy(1.8, 0.05), 10), first=81)
    assert [(one.level, one.step) for one in said if isinstance(one, Finding)] == [("error", 85)]


def test_a_bad_resume_is_over_when_the_loss_is_back() -> None:
    detector = made(BadResume)
    feed_losses(detector, islice(noisy(1.0, 0.05), 100))
    detector.resumed(100, 100.0)
    said = feed_losses(detector, [1.8 - number / 200 for number in range(300)], first=101)
    assert [type(one) for one in said] == [Finding, Cleared]
    assert detector.open is None


def test_a_resume_that_goes_on_as_it_was() -> None:
    detector = made(BadResume)
    feed_losses(detector, islice(noisy(1.0, 0.4, seed=3), 100))
    detector.resumed(80, 100.0)
    assert feed_losses(detector, islice(noisy(1.0, 0.4, seed=4), 30), first=81) == []


def test_one_hard_batch_after_a_resume_is_none() -> None:
    detector = made(BadResume)
    feed_losses(detector, islice(noisy(1.0, 0.3), 60))
    detector.resumed(60, 100.0)
    assert feed_losses(detector, [1.9, 0.9, 1.0, 1.1, 0.8], first=61) == []

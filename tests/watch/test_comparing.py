"""Several runs beside each other: settings by one set of names, what differs, the best evaluation, looks."""

from __future__ import annotations

import math
import random

import pytest
from rich.cells import cell_len

from tui_ft.errors import TuiFtError
from tui_ft.watch.compare import best_eval, differing, setting_rows
from tui_ft.watch.looks import LOOKS, assign
from tui_ft.watch.reading import Reading, SettingValue
from tui_ft.watch.series import Series
from tui_ft.watch.setting_names import by_spec_names
from tui_ft.watch.to_spec import spec_of

UNSLOTH: dict[str, SettingValue] = {
    "learning_rate": 2e-4, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4,
    "lr_scheduler_type": "SchedulerType.LINEAR", "optim": "OptimizerNames.ADAMW_8BIT", "warmup_steps": 5,
    "warmup_ratio": 0, "max_steps": -1, "num_train_epochs": 3, "bf16": True, "fp16": False, "seed": 3407,
    "lora_r": 16, "lora_alpha": 32, "load_in_4bit": True, "model_name_or_path": "unsloth/llama-3-8b",
    "target_modules": "['q_proj', 'k_proj']", "output_dir": "outputs",
}  # fmt: skip


def a_reading(settings: dict[str, SettingValue] | None = None, model: str = "", **series: Series) -> Reading:
    return Reading(
        source="wandb",
        title="a",
        path="/a",
        status="finished",
        model=model,
        settings=settings or {},
        series=series,
    )


def a_series(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.add(step, value)
    series.settle()
    return series


# --- names -------------------------------------------------------------------------------------------


def test_settings_of_other_tools_get_the_names_of_the_spec() -> None:
    known = by_spec_names(UNSLOTH)
    assert known["training.batch_size"] == 2 and known["method.rank"] == 16
    assert known["training.warmup"] == 5, "a ratio of 0 says nothing beside five steps"
    assert "training.max_steps" not in known, "-1 is how TrainingArguments say: not set"
    assert known["max_steps"] == -1 and known["output_dir"] == "outputs", "nothing is lost"


def test_names_of_the_spec_stay_and_sections_are_looked_through() -> None:
    assert by_spec_names({"training.learning_rate": 1e-4, "lr": 3.0})["training.learning_rate"] == 1e-4
    assert by_spec_names({"args/learning_rate": 1e-4})["training.learning_rate"] == 1e-4
    assert by_spec_names({"seed": None}) == {}


# --- what differs ------------------------------------------------------------------------------------


def test_only_what_differs_is_shown_and_numbers_are_compared_as_numbers() -> None:
    ours = a_reading({"training.learning_rate": 0.0001, "training.batch_size": 4, "notes.name": "mine"})
    theirs = a_reading(
        {"learning_rate": "1e-4", "per_device_train_batch_size": 8, "output_dir": "x", "tf32": True}
    )
    rows = {row.name: row.values for row in differing([ours, theirs])}
    assert rows == {"training.batch_size": ("4", "8")}
    everything = {row.name: row.values for row in setting_rows([ours, theirs])}
    assert everything["training.learning_rate"] == ("0.0001", "0.0001")
    assert everything["tf32"] == ("–", "yes")


def test_a_setting_that_one_run_does_not_tell_is_no_difference() -> None:
    assert not differing([a_reading({"seed": 1}), a_reading({"optim": "sgd"})])


@pytest.mark.parametrize("seed", range(20))
def test_the_best_evaluation_is_the_first_lowest_finite_value(seed: int) -> None:
    rng = random.Random(seed)
    values = [rng.choice([math.nan, math.inf, rng.randrange(50)]) for _ in range(rng.randrange(1, 9000))]
    found = best_eval(a_reading(eval_loss=a_series([float(value) for value in values])))
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        assert found is None
        return
    assert found is not None
    assert (found.value, found.step) == (min(finite), values.index(min(finite)))


def test_without_evaluations_the_training_loss_stands_for_them_and_says_so() -> None:
    found = best_eval(a_reading(loss=a_series([3.0, 1.0, 2.0])))
    assert found is not None and (found.name, found.step) == ("loss", 1)
    assert best_eval(a_reading()) is None


# --- looks -------------------------------------------------------------------------------------------


def test_a_run_looks_the_same_in_every_comparison_and_no_two_look_alike() -> None:
    names = [f"/runs/{i}" for i in range(8)]
    looks = assign(names)
    assert sorted(looks.values()) == list(range(8))
    assert assign(reversed(names)) == looks
    assert assign([names[3]]) == {names[3]: assign([names[3]])[names[3]]}
    with_more = assign([*names[:3], "/other"], kept=assign(names[:3]))
    assert {name: with_more[name] for name in names[:3]} == assign(names[:3])


def test_more_runs_than_looks_are_taken() -> None:
    assert len(assign(str(i) for i in range(40))) == 40


def test_every_look_has_a_colour_and_a_marker_of_its_own() -> None:
    for what in ("color", "ansi", "marker", "hollow", "plain"):
        assert len({getattr(look, what) for look in LOOKS}) == len(LOOKS)
    assert all(look.plain.isascii() for look in LOOKS)
    signs = [
        look.sign(is_evaluation=is_evaluation, is_ascii=is_ascii)
        for look in LOOKS for is_evaluation in (True, False) for is_ascii in (True, False)
    ]  # fmt: skip
    assert len(set(signs)) == len(signs)
    assert not set(signs) & set("·◆!▲×.o^x@┈━┃│")  # what else stands on a chart
    assert all(cell_len(sign) == 1 for sign in signs)


# --- a spec from a foreign run -----------------------------------------------------------------------


def test_a_spec_is_made_of_what_another_tools_run_says() -> None:
    taken = spec_of(a_reading(UNSLOTH))
    spec = taken.spec
    assert spec.model.id == "unsloth/llama-3-8b"
    assert (spec.method.kind, spec.method.rank, spec.method.alpha) == ("lora", 16, 32)
    assert spec.method.quantization == "nf4" and spec.method.targets == ["q_proj", "k_proj"]
    training = spec.training
    assert (training.learning_rate, training.batch_size, training.gradient_accumulation) == (2e-4, 2, 4)
    assert (training.schedule, training.optimizer, training.precision) == ("linear", "adamw_bnb_8bit", "bf16")
    assert training.warmup == 5 and training.seed == 3407 and training.max_steps is None
    assert not taken.left and spec.data.train is None


def test_what_means_nothing_here_is_left_out_and_named() -> None:
    settings = UNSLOTH | {"lr_scheduler_type": "cosine_with_restarts", "max_grad_norm": "often"}
    taken = spec_of(a_reading(settings))
    assert taken.spec.training.schedule == "cosine" and taken.spec.training.max_grad_norm == 1.0
    assert "training.schedule" in taken.note and "training.max_grad_norm" in taken.note


def test_that_lora_is_only_assumed_is_said() -> None:
    taken = spec_of(a_reading({"learning_rate": 1e-4}, model="org/some-model"))
    assert taken.spec.model.id == "org/some-model"
    assert "which weights move" in taken.note


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 1e-4}])
def test_a_run_that_tells_too_little_is_refused_with_a_sentence(settings: dict[str, SettingValue]) -> None:
    with pytest.raises(TuiFtError) as caught:
        spec_of(a_reading(settings))
    assert caught.value.hint


def test_hostile_settings_make_a_spec_or_a_sentence() -> None:
    rng = random.Random(5)
    names = [*UNSLOTH, "finetuning_type", "quantization_bit", "stage", "use_dora", "dtype", "lora_target"]
    odd: list[SettingValue] = [
        "",
        "nan",
        "1e999",
        "[[[",
        "=",
        "a=b",
        -1,
        10**400,
        0.0,
        True,
        math.nan,
        "none",
    ]
    made = 0
    for _ in range(400):
        settings = {name: rng.choice(odd) for name in names if rng.random() < 0.5}
        try:
            made += bool(spec_of(a_reading(settings, model="org/model")).spec.model.id)
        except TuiFtError as error:
            assert "base model" in error.message or "not known" in error.message
    assert made > 100

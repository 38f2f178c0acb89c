"""The panels of a run: what stands together, what is shown first, bands and levels."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from series_made import reading_of, series_of

from tui_ft.runs.records import MemoryEvent, PredictionRecord
from tui_ft.watch.bands import usual_values
from tui_ft.watch.memory import GIB, MemoryReport
from tui_ft.watch.panel_keeper import PanelKeeper
from tui_ft.watch.panels import Panel, panel_key, panels_of
from tui_ft.watch.reading import MemoryCurve, Reading
from tui_ft.watch.series import Series


def of(reading: Reading) -> dict[str, Panel]:
    return {panel.key: panel for panel in panels_of(reading)}


def made(*names: str, **changes: object) -> Reading:
    return reading_of(series={name: series_of([1.0, 2.0]) for name in names}, **changes)


def defaults(reading: Reading) -> list[str]:
    return [panel.key for panel in panels_of(reading) if panel.is_default]


def test_an_evaluation_stands_as_points_in_the_panel_of_what_it_evaluates() -> None:
    panels = of(made("loss", "eval_loss", "eval_bleu"))
    assert [(line.name, line.is_points) for line in panels["loss"].lines] == [
        ("loss", False),
        ("eval_loss", True),
    ]
    assert "eval_loss" not in panels
    assert panels["eval_bleu"].group == "evaluation"


def test_series_that_say_something_only_beside_each_other_share_a_panel() -> None:
    names = ("rewards/chosen", "rewards/rejected", "rewards/margins")
    panels = of(made("loss", *names, *(f"eval_{name}" for name in names)))
    assert [line.name for line in panels["rewards"].lines] == ["rewards/chosen", "rewards/rejected"]
    assert [line.look for line in panels["rewards"].lines] == [0, 1]
    assert [line.name for line in panels["eval_rewards"].lines] == [
        "eval_rewards/chosen", "eval_rewards/rejected",
    ]  # fmt: skip
    assert len(panels["rewards/margins"].lines) == 2
    assert "rewards/chosen" in of(made("loss", "rewards/chosen"))


def test_every_series_is_in_exactly_one_panel() -> None:
    names = ["loss", "eval_loss", "grad_norm", "lr_0", "rewards/chosen", "rewards/rejected", "eval_x", "x",
             "eval_rewards/chosen", "a/b/c", "", "memory"]  # fmt: skip
    reading = made(*names)
    lines = [line.name for panel in panels_of(reading) for line in panel.lines]
    assert sorted(lines) == sorted(names)
    assert all(panel_key(panels_of(reading), name) is not None for name in names)
    assert panel_key(panels_of(reading), "nothing") is None


def test_a_run_of_ours_begins_with_the_same_three_panels_before_it_has_a_value() -> None:
    ours = reading_of(source="tui_ft")
    assert defaults(ours) == ["loss", "grad_norm", "memory"]
    assert not any(panel.has_values for panel in panels_of(ours))


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("loss", "learning_rate", "epoch_time"), ["loss", "learning_rate"]),
        (("loss", "eval_runtime", "eval_samples_per_second", "eval_wer"), ["loss", "eval_wer"]),
        (("epoch_time",), ["epoch_time"]),
        (("loss", "grad_norm", "learning_rate", "kl"), ["loss", "grad_norm", "learning_rate"]),
        (("loss", "grad_norm", "reward", "learning_rate"), ["loss", "grad_norm", "reward"]),
        (("eval_bleu",), ["eval_bleu"]),
        ((), ["loss"]),
    ],
)
def test_of_another_run_the_first_three_that_it_has_are_shown(
    names: tuple[str, ...], first: list[str]
) -> None:
    assert defaults(made(*names)) == first


def test_the_measures_of_several_gpus_share_a_panel() -> None:
    hardware = {name: series_of([5.0]) for name in (
        "gpu_power_w", "gpu_power_w_1", "gpu_utilization", "gpu_used_gib", "gpu_total_gib", "disk_free_gib",
    )}  # fmt: skip
    panels = of(made("loss", hardware_series=hardware, hardware_origin=0.0))
    assert [line.name for line in panels["gpu_power_w"].lines] == ["gpu_power_w", "gpu_power_w_1"]
    assert panels["gpu_utilization"].ceiling == 100
    assert panels["memory"].ceiling == 5
    assert not {"gpu_used_gib", "gpu_total_gib"} & set(panels)
    assert all(panels[key].axis == "hardware" for key in ("gpu_power_w", "memory", "disk_free_gib"))


def memory_reading(**changes: object) -> Reading:
    curve = MemoryCurve(is_gpu=True, series=series_of([4.0, 5.0]), origin=0.0, total_gib=24.0, used_gib=5.0)
    predicted = PredictionRecord(
        time=0.0, nvidia_smi_bytes=6 * GIB, allocated_bytes=5 * GIB, total_bytes=24 * GIB, free_bytes=23 * GIB
    )
    measured = MemoryEvent(
        time=1.0, step=1, allocated_bytes=4 * GIB, reserved_bytes=5 * GIB, phase="training", phases={}
    )
    report = MemoryReport(predicted=predicted, measured=measured)
    return reading_of(**{"memory": curve, "gpu_memory": report, **changes})


def test_gpu_memory_stands_beside_its_peak_and_what_was_predicted_of_the_whole_gpu() -> None:
    panel = of(memory_reading())["memory"]
    assert [(level.name, level.value) for level in panel.levels] == [
        ("predicted", 7.0),
        ("peak allocated", 4.0),
    ]
    assert panel.ceiling == 24
    host = MemoryCurve(is_gpu=False, series=series_of([1.0]), origin=0.0, total_gib=16.0)
    assert of(memory_reading(memory=host))["memory"].levels == ()
    logged = of(made("loss", "gpu_memory_gib"))["memory"]
    assert (logged.axis, logged.lines[0].name) == ("run", "gpu_memory_gib")


def test_the_memory_of_several_gpus_is_one_panel() -> None:
    hardware = {name: series_of([5.0, 6.0]) for name in ("gpu_used_gib", "gpu_used_gib_1")}
    panels = of(memory_reading(hardware_series=hardware))
    assert [line.name for line in panels["memory"].lines] == ["gpu_used_gib", "gpu_used_gib_1"]
    assert "gpu_used_gib" not in panels
    one = of(memory_reading(hardware_series={"gpu_used_gib": series_of([5.0])}))
    assert panel_key(list(one.values()), "gpu_used_gib") == "memory"


def test_a_series_named_like_a_panel_of_ours_is_not_lost() -> None:
    panels = of(memory_reading(series={"memory": series_of([1.0]), "loss": series_of([1.0])}))
    names = {key: [line.name for line in panel.lines] for key, panel in panels.items()}
    assert names == {"loss": ["loss"], "memory": ["memory"], "memory (logged)": ["memory"]}


def test_panels_that_are_kept_are_those_that_would_be_made() -> None:
    keeper = PanelKeeper()
    reading = memory_reading(series={"loss": series_of([1.0]), "grad_norm": series_of([1.0] * 50)})
    later = replace(reading, settings={"max_grad_norm": 2.0}, gpu_memory=None, step=9)
    more = replace(later, series={**later.series, "kl": series_of([1.0])})
    for one in (reading, reading, later, more, replace(more, memory=None), reading_of(), later):
        assert [described(panel) for panel in keeper.of(one)] == [
            described(panel) for panel in panels_of(one)
        ]


def described(panel: Panel) -> tuple[object, ...]:
    lines = [(line.name, line.series, line.is_points, line.look) for line in panel.lines]
    return panel.key, panel.levels, panel.ceiling, panel.axis, panel.is_default, lines


def test_what_is_usual_for_the_gradient_norm_is_marked_and_where_it_is_clipped() -> None:
    source = random.Random(4)
    norms = series_of([source.random() for _ in range(2000)])
    settings = {"training.max_grad_norm": 1.0}
    panel = of(reading_of(series={"grad_norm": norms}, settings=settings))["grad_norm"]
    levels = {level.name: level.value for level in panel.levels}
    assert levels["median"] == pytest.approx(0.5, abs=0.06)
    assert levels["p95"] == pytest.approx(0.95, abs=0.03)
    assert levels["clipped"] == 1.0
    assert not any(level.is_held for level in panel.levels)


@pytest.mark.parametrize("wrong", [True, "1", None, 0, -1])
def test_a_clip_that_is_no_number_is_not_drawn(wrong: object) -> None:
    reading = reading_of(series={"grad_norm": series_of([1.0])}, settings={"max_grad_norm": wrong})
    assert of(reading)["grad_norm"].levels == ()


def test_nothing_is_usual_after_a_few_points_or_without_numbers() -> None:
    assert usual_values(series_of([1.0] * 19)) is None
    assert usual_values(series_of([math.nan] * 100)) is None
    assert usual_values(Series()) is None


def test_what_is_usual_depends_on_the_data_alone() -> None:
    source = random.Random(9)
    values = [source.random() for _ in range(5000)]
    live = Series()
    for step, value in enumerate(values):
        live.add(step, value)
        usual_values(live)
    assert usual_values(live) == usual_values(series_of(values))


def test_a_value_that_is_written_again_counts_anew() -> None:
    series = series_of([1.0] * 100)
    assert usual_values(series) == (1.0, 1.0)
    for step in range(1, 101):
        series.add(float(step), 3.0)
    assert usual_values(series) == (3.0, 3.0)

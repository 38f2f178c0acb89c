"""Charts as SVG and PNG, and the data as CSV."""

from __future__ import annotations

import csv
import io
import math
import struct
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from tui_ft.watch.csv_table import csv_of
from tui_ft.watch.png import png_of
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import Bounds, step_label, x_bounds, y_bounds
from tui_ft.watch.series import Series
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.steps import Steps
from tui_ft.watch.svg import document
from tui_ft.watch.svg_chart import DrawnChart, DrawnLine

SVG = "{http://www.w3.org/2000/svg}"


def a_series(points: list[tuple[float, float]]) -> Series:
    series = Series()
    for step, value in points:
        series.add(step, value)
    series.settle()
    return series


def a_chart(series: Series, title: str = "Loss", *, is_log: bool = False) -> DrawnChart:
    extent = series.extent() or (0.0, 1.0)
    last = series.steps[len(series) - 1]
    return DrawnChart(
        title=title, x_name="step", x_label=step_label, x=x_bounds(0, last),
        y=Bounds(low=0.01, high=10.0, step=1.0, is_log=True) if is_log else y_bounds(*extent),
        lines=(DrawnLine(name="loss", points=series, color="#0072b2"),),
    )  # fmt: skip


def drawn(chart: DrawnChart) -> ElementTree.Element:
    return ElementTree.fromstring(document([chart], "run"))


def coordinates(root: ElementTree.Element) -> list[tuple[float, float]]:
    paths = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("stroke") == "#0072b2"]
    pairs = [pair for path in paths for pair in path.removeprefix("M").split("L")]
    return [(float(x), float(y)) for x, y in (pair.split() for pair in pairs)]


def test_every_point_of_a_short_series_is_where_it_belongs() -> None:
    chart = a_chart(a_series([(i, float(i % 5)) for i in range(100)]))
    found = coordinates(drawn(chart))
    assert len(found) == 100
    xs, ys = [x for x, _ in found], [y for _, y in found]
    assert xs == sorted(xs)
    lowest, highest = max(ys), min(ys)
    assert [round((lowest - y) / (lowest - highest) * 4) for y in ys] == [i % 5 for i in range(100)]


def test_points_at_the_edges_are_whole() -> None:
    chart = a_chart(a_series([(0, 0.0), (50, 1.0), (100, 2.0)]))
    chart = replace(chart, lines=(replace(chart.lines[0], is_dots=True),))
    assert (chart.x.low, chart.x.high) == (0, 100)
    root = drawn(chart)
    box = {name: float(value) for name, value in root.findall(f".//{SVG}clipPath/{SVG}rect")[0].items()}
    dots = [
        {name: float(one.get(name, "")) for name in ("cx", "cy", "r")} for one in root.iter(f"{SVG}circle")
    ]
    assert len(dots) == 3
    for dot in dots:
        assert box["x"] <= dot["cx"] - dot["r"] and dot["cx"] + dot["r"] <= box["x"] + box["width"]
        assert box["y"] <= dot["cy"] - dot["r"] and dot["cy"] + dot["r"] <= box["y"] + box["height"]


def test_of_a_long_series_the_extremes_are_kept_and_the_file_stays_small() -> None:
    series = a_series([(i, 7.0 if i == 70_001 else math.sin(i / 5000)) for i in range(200_000)])
    text = document([a_chart(series)], "run")
    assert len(text) < 120_000
    ys = [y for _, y in coordinates(ElementTree.fromstring(text))]
    top = min(y for y in ys)
    assert sum(1 for y in ys if y == top) <= 3, "the one spike is there"


def test_values_that_are_not_finite_are_gaps_with_a_mark() -> None:
    values = [(i, math.nan if 40 <= i < 60 else 1.0 + i) for i in range(100)]
    root = drawn(a_chart(a_series(values)))
    lines = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == "#0072b2"]
    marks = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == "#cf222e"]
    assert len(lines) == 2 and marks


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm() -> None:
    root = drawn(a_chart(a_series([(0, 1.0), (1, 0.0), (2, -3.0), (3, 10.0)]), is_log=True))
    assert len(coordinates(root)) == 0, "single points are dots"
    labels = [text.text for text in root.iter(f"{SVG}text")]
    assert {"0.01", "10"} <= set(labels)


def test_what_others_named_is_text_and_nothing_else() -> None:
    name = '<script>alert("x")</script>\x1b[2J&'
    text = document([a_chart(a_series([(0, 1.0), (5, 2.0)]), name)], name, name)
    ElementTree.fromstring(text)
    assert "<script" not in text and "\x1b" not in text and "alert" in text


def test_a_document_without_charts_is_a_document() -> None:
    ElementTree.fromstring(document([], "nothing yet"))


def test_the_same_charts_make_the_same_document() -> None:
    chart = a_chart(a_series([(i, i * 0.1) for i in range(30)]))
    assert document([chart, chart], "a") == document([chart, chart], "a")


def test_the_picture_has_its_size_and_letters_without_fonts_of_the_box(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import resvg_py

    real = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **given: real(**given, skip_system_fonts=True))
    chart = a_chart(a_series([(0, 1.0), (5, 2.0)]))
    with_title, without = (png_of(document([chart], title)) for title in ("A title of some length", ""))
    assert with_title.startswith(b"\x89PNG")
    assert struct.unpack(">II", with_title[16:24]) == (1120, 704)
    assert len(with_title) > len(without) + 500, "letters are drawn"


# --- CSV ---------------------------------------------------------------------------------------------


def a_reading(title: str = "one") -> Reading:
    return Reading(
        source="tui_ft", title=title, path="/one", status="finished",
        series={
            "loss": a_series([(1, 2.5), (2, math.nan), (3, 1.25)]),
            "eval_loss": a_series([(2, 2.0)]),
        },
        times=a_series([(1, 1_790_000_000.0), (2, 1_790_000_001.5)]),
        hardware_series={"gpu_power_w": a_series([(0, 300.0), (10, 301.5)])},
        hardware_origin=1_789_999_990.0,
    )  # fmt: skip


def rows(*readings: Reading) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_of(readings)), newline="")))


def test_the_table_has_every_point_once() -> None:
    found = rows(a_reading())
    assert [row["step"] for row in found] == ["1", "2", "3", "", ""]
    assert [row["loss"] for row in found] == ["2.5", "NaN", "1.25", "", ""]
    assert [row["eval_loss"] for row in found] == ["", "2", "", "", ""]
    assert [row["time"] for row in found] == ["1790000000", "1790000001.5", "", "1789999990", "1790000000"]
    assert [row["gpu_power_w"] for row in found] == ["", "", "", "300", "301.5"]


def test_several_runs_stand_in_one_table() -> None:
    assert [row["run"] for row in rows(a_reading("one"), a_reading("two"))] == ["one"] * 5 + ["two"] * 5


@pytest.mark.parametrize("blank", [" ", "\t", "\r", "\n  ", "\u00a0"])
def test_a_formula_behind_blanks_is_text_too(blank: str) -> None:
    series = {f"{blank}=1+1": a_series([(1, 2.0)])}
    reading = Reading(source="wandb", title=f"{blank}@x", path="/x", status="unknown", series=series)
    (row,) = rows(reading)
    assert row["run"] == f"'{blank}@x"
    assert row[f"'{blank}=1+1"] == "2"


def test_series_of_the_same_steps_are_walked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    table = MetricTable()
    steps = [step * 1.5 for step in range(10_000)]
    table.add_columns(steps, {"time": steps, "loss": steps, **{f"s{at}": steps for at in range(30)}})
    table.add_columns([3.0, 4.5], {"eval_loss": [1.0, 2.0]})
    reading = Reading(
        source="wandb", title="x", path="/x", status="unknown", series=table.series, times=table.times
    )
    looks = []
    look = Steps.__getitem__
    monkeypatch.setattr(Steps, "__getitem__", lambda self, at: (looks.append(at), look(self, at))[1])
    found = rows(reading)
    assert len(looks) < 20, "a look for each stretch of steps, not for each cell"
    assert [float(row["s29"]) for row in found] == steps
    assert [row["eval_loss"] for row in found[:5]] == ["", "", "1", "2", ""]


def test_a_name_of_both_kinds_of_series_is_that_of_training() -> None:
    reading = replace(a_reading(), hardware_series={"loss": a_series([(0, 300.0)])})
    assert [row["loss"] for row in rows(reading)] == ["2.5", "NaN", "1.25"]


def test_names_and_numbers_survive_what_others_write() -> None:
    series = {"=cmd|'/c calc'!A1": a_series([(0.5, 1e300)]), 'a,"b"\nc': a_series([(0.5, -math.inf)])}
    reading = Reading(source="wandb", title="+x", path="/x", status="unknown", series=series)
    (row,) = rows(reading)
    assert row["run"] == "'+x" and row["step"] == "0.5"
    assert {"'=cmd|'/c calc'!A1", 'a,"b"\nc'} <= set(row)
    assert row['a,"b"\nc'] == "-inf" and float(row["'=cmd|'/c calc'!A1"]) == 1e300

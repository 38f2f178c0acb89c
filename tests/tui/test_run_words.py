"""What the run screen says, in the words and the room that there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui_ft.runs.records import (
    CheckpointEvent,
    EndEvent,
    ExitRecord,
    SampleEvent,
    Status,
    WarningEvent,
)
from tui_ft.tui.run_alerts import standing_alert
from tui_ft.tui.run_numbers import MOST, NumberPlaces, numbers_of
from tui_ft.tui.run_words import header_line, is_offered
from tui_ft.tui.widgets.alert import MOST_LINES, alert_lines
from tui_ft.tui.widgets.outcome import outcome_lines
from tui_ft.tui.widgets.progress import coarse_duration, progress_line
from tui_ft.watch.reading import Activity, Reading
from tui_ft.watch.series import Series

NOW = 1_790_000_000.0


def reading(status: Status = "running", **fields: object) -> Reading:
    return Reading(source="tui_ft", title="demo", path="/runs/demo", status=status, **fields)  # type: ignore[arg-type]


def joined(line: tuple[tuple[str, str], ...]) -> str:
    return "".join(text for text, _ in line)


def test_what_is_not_known_is_a_dash() -> None:
    assert {number.value for number in numbers_of(reading())} == {"–"}


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (950, "950"),
        (9_999, "9999"),
        (12_345, "12.3k"),
        (999_400, "999k"),
        (999_600, "1M"),
        (999_960_000, "1G"),
    ],
)
def test_a_count_never_has_four_digits_before_its_unit(tokens: float, text: str) -> None:
    series = Series()
    series.add(1, tokens)
    numbers = {number.name: number.value for number in numbers_of(reading(series={"tokens": series}))}
    assert numbers["tokens"] == text


def test_a_number_that_is_not_finite_is_said_and_marked() -> None:
    series = Series()
    series.add(1, float("nan"))
    loss = numbers_of(reading(series={"loss": series}))[0]
    assert (loss.value, loss.is_bad) == ("NaN", True)


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_the_progress_line_fits_and_gives_up_words_before_it_cuts_them(width: int) -> None:
    training = reading(
        activity=Activity(phase="training", since=NOW),
        step=1234,
        total_steps=99_999,
        epoch=1.5,
        started_at=NOW,
    )
    text = joined(progress_line(training, NOW, width))
    assert len(text) <= width
    assert text.startswith(" training")
    if width >= 40:
        assert "1234/99999" in text


def test_a_download_shows_what_is_done_of_it() -> None:
    activity = Activity(phase="downloading", since=NOW, done=2**30, total=3 * 2**30, unit="bytes")
    assert "1.0 of 3.0 GiB" in joined(progress_line(reading(activity=activity), NOW, 80))


def test_the_time_that_is_left_changes_seldom() -> None:
    assert [coarse_duration(s) for s in (3, 61, 125, 3_601, 9_000)] == ["5s", "1m05s", "3m", "1h01m", "2h30m"]


def test_a_failure_says_why_what_to_do_and_where_to_go_on() -> None:
    saved = CheckpointEvent(time=NOW, step=40, path="c", bytes=1, files={}, seconds=1.0)
    failed = reading(
        "failed", exit=ExitRecord(cause="disk_full", message="No space left"), checkpoints=(saved,)
    )
    assert standing_alert(failed) == (
        "FAILED",
        "No space left. Make room on the disk of the runs root. "
        "R resumes from the checkpoint of step 40, r starts anew.",
        "bad",
    )


def test_other_states_say_what_matters() -> None:
    assert standing_alert(reading("lost", reason="both processes are gone"))[0] == "LOST"
    assert "costs money" in standing_alert(reading("paused"))[1]
    assert "supervisor" in standing_alert(reading(reason="unsupervised"))[1]
    warned = reading(warnings=(WarningEvent(time=NOW, code="x", message="Rows were cut."),))
    assert standing_alert(warned) == ("", "Rows were cut.", "warn")
    assert standing_alert(reading()) == ("", "", "good")


def test_an_alert_wraps_at_words_and_is_bounded() -> None:
    lines = alert_lines("FAILED", "word " * 30, "bad", 40)
    assert all(len(joined(line)) <= 40 for line in lines)
    assert " ".join("".join(map(joined, lines)).split()).count("word") == 30
    assert len(alert_lines("", "word " * 500, "bad", 40)) == MOST_LINES
    assert alert_lines("", "", "good", 40) == []


def test_the_header_leaves_out_whole_what_does_not_fit() -> None:
    full = joined(header_line(reading(model="org/model", method="LoRA r16", started_at=NOW), NOW, 120))
    assert "▶ running" in full
    assert "LoRA r16 · org/model" in full
    narrow = joined(header_line(reading(model="org/" + "m" * 60, method="LoRA r16", started_at=NOW), NOW, 40))
    assert "started" in narrow
    assert "mmm" not in narrow


def test_keys_follow_the_status() -> None:
    assert is_offered("stop", reading("running"))
    assert is_offered("stop", reading("stopping"))
    assert not is_offered("stop", reading("finished"))
    assert not is_offered("pause", reading("paused"))
    assert is_offered("resume", reading("lost"))
    assert not is_offered("resume", reading("finished"))
    assert is_offered("back", reading("finished"))


def test_the_outcome_shows_one_answer_then_the_code_then_the_rest() -> None:
    samples = tuple(
        SampleEvent(
            time=NOW, when=when, step=0, index=index, prompt="<s>ask", answer=f"{when} {index}\n\x1b[2Jmore",
            messages=[{"role": "user", "content": f"question {index}"}],
        )
        for index in (0, 1) for when in ("before", "after")
    )  # fmt: skip
    end = EndEvent(
        time=NOW,
        cause="finished",
        message="ok",
        step=9,
        result="/r",
        result_bytes=2048,
        usage="a = 1\n\nb = 2",
    )
    lines = [text for text, _ in outcome_lines(reading("finished", samples=samples, end=end))]
    assert lines == [
        "/r  (2.0 KiB)",
        "Prompt  question 0", "Before  before 0 more", "After   after 0 more",
        "a = 1", "b = 2",
        "Prompt  question 1", "Before  before 1 more", "After   after 1 more",
    ]  # fmt: skip


def logged(**last: float) -> dict[str, Series]:
    made = {name: Series() for name in last}
    for name, value in last.items():
        made[name].add(1, value)
    return made


def test_what_always_comes_has_its_place_before_the_first_step() -> None:
    evaluated = reading(series=logged(eval_loss=2.0, eval_entropy=3.0, eval_margin=0.1))
    assert [number.short for number in numbers_of(evaluated)] == [
        "loss", "grad", "lr", "eval", "ppl", "tok/s", "tokens", "acc", "mem", "saved",
    ]  # fmt: skip
    alone = {"data.train": "rows.jsonl", "data.eval_fraction": 0.0}
    trained = reading(series=logged(loss=2.0, entropy=3.0, margin=0.1), settings=alone)
    shorts = [number.short for number in numbers_of(trained)]
    assert {"entr.", "margin"} == set(shorts[3:5]), "where nothing is evaluated others have the room"


def test_a_number_stays_where_it_stands() -> None:
    places = NumberPlaces()
    alone = {"data.train": "rows.jsonl"}
    before: list[tuple[str, str]] = []
    for known in (
        {}, {"loss": 2.0}, {"loss": 2.0, "entropy": 3.0}, {"loss": 2.0, "entropy": 3.0, "grad_norm": 1.0},
        {"loss": 2.0, "entropy": 3.0, "eval_loss": 2.0, "perplexity": 7.0, "grad_norm": 1.0},
    ):  # fmt: skip
        numbers = places.of(reading(series=logged(**known), settings=alone))
        names = [number.name for number in numbers]
        assert len(names) == len(set(names)) == MOST
        stood = [name for name, value in before if value != "–" and name in names]
        assert all(names.index(name) == [one for one, _ in before].index(name) for name in stood)
        before = [(number.name, number.value) for number in numbers]
    assert {"entropy", "eval loss", "perplexity"} <= {name for name, _ in before}
    other = replace(reading(series=logged(loss=1.0)), path="/runs/other")
    assert [number.short for number in places.of(other)][3] == "eval"


def test_of_anothers_run_what_comes_later_stands_behind() -> None:
    places = NumberPlaces()
    first = replace(reading(series=logged(loss=2.0, speed=3.0)), source="stdout")
    assert [number.name for number in places.of(first)] == ["loss", "speed"]
    then = replace(first, series=logged(loss=2.0, speed=3.0, learning_rate=1e-4, eval_loss=1.0))
    assert [number.name for number in places.of(then)] == ["loss", "speed", "learning rate", "eval loss"]


def test_a_rate_keeps_what_it_is_a_rate_of() -> None:
    series = Series()
    series.add(1, 1200.0)
    logged = {"tok/s": series, "train/speed": series}
    foreign = replace(reading(series=logged), source="stdout")
    numbers = {number.name: number.short for number in numbers_of(foreign)}
    assert numbers["tok/s"] == "tok/s"
    assert numbers["train/speed"] == "speed"


def test_a_headline_is_not_said_twice() -> None:
    stopped = replace(reading(), status="stopped", source="stdout", reason="Stopped by Ctrl-C")
    assert standing_alert(stopped)[:2] == ("STOPPED", "by Ctrl-C.")

"""The list as it is wanted: what a filter finds, every order, every group; ten thousand runs at once."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from tui_ft.runs.arranging import GROUPINGS, ORDERS, Arrangement, Arranger, sort_runs
from tui_ft.runs.listing import RunSummary

NOON = 1_795_262_400.0
DAY = 86_400.0


def run(name: str, age: float = 0.0, **fields: Any) -> RunSummary:
    known: dict[str, Any] = {"status": "finished", "model": "Qwen3-8B", "method": "LoRA r16", **fields}
    run_id = f"20261121-{name}-abcd"
    return RunSummary(id=run_id, path=f"/runs/{run_id}", name=name, started_at=NOON - age, **known)


def names(runs: list[RunSummary], **wanted: Any) -> list[str]:
    return [one.name for group in Arranger().arrange(runs, Arrangement(**wanted)) for one in group.runs]


RUNS = [
    run("new", 1, loss=2.0, model="Llama-3", tags=("best",)),
    run("live", 50, status="running", loss=math.nan),
    run("old", 90, status="failed", loss=1.0, note="ran out of disk", updated_at=NOON),
    run("gone", 99, status="lost", model="", archived=True),
]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["live", "new", "old"]), ("QWEN", ["live", "old"]), ("qwen fail", ["old"]), ("#best", ["new"]),
        ("disk", ["old"]), ("lora", ["live", "new", "old"]), ("nothing", []), ("  ", ["live", "new", "old"]),
        ("20261121-new", ["new"]), ("running", ["live"]),
    ],
)  # fmt: skip
def test_a_filter_looks_at_every_word_people_know_a_run_by(typed: str, found: list[str]) -> None:
    assert names(RUNS, filter=typed) == found


def test_what_is_archived_is_there_when_it_is_wanted() -> None:
    assert "gone" not in names(RUNS)
    assert names(RUNS, with_archived=True) == ["live", "new", "old", "gone"]


@pytest.mark.parametrize(
    ("order", "sorted_names"),
    [
        ("live", ["live", "new", "old", "gone"]),
        ("newest", ["new", "live", "old", "gone"]),
        ("name", ["gone", "live", "new", "old"]),
        ("loss", ["old", "new", "live", "gone"]),
        ("status", ["live", "gone", "old", "new"]),
        ("model", ["new", "live", "old", "gone"]),
        ("updated", ["old", "new", "live", "gone"]),
    ],
)
def test_orders(order: Any, sorted_names: list[str]) -> None:
    assert [one.name for one in sort_runs(RUNS, order)] == sorted_names
    assert order in ORDERS


def test_groups_have_titles_and_hold_every_run() -> None:
    def groups(grouping: Any) -> list[tuple[str, list[str]]]:
        found = Arranger().arrange(RUNS, Arrangement(grouping=grouping, with_archived=True))
        return [(group.title, [one.name for one in group.runs]) for group in found]

    assert groups("status") == [("running", ["live"]), ("lost", ["gone"]), ("failed", ["old"]),
                                ("finished", ["new"])]  # fmt: skip
    assert groups("model") == [("Llama-3", ["new"]), ("Qwen3-8B", ["live", "old"]),
                               ("no model known", ["gone"])]  # fmt: skip
    assert groups("tag") == [("#best", ["new"]), ("no tag", ["live", "old", "gone"])]
    assert groups("method") == [("LoRA r16", ["live", "new", "old", "gone"])]


def test_a_run_with_two_tags_is_in_both_groups() -> None:
    found = Arranger().arrange([run("a", tags=("x", "y"))], Arrangement(grouping="tag"))
    assert [(group.title, len(group.runs)) for group in found] == [("#x", 1), ("#y", 1)]


def test_days_come_newest_first_and_what_has_none_last() -> None:
    runs = [run("a", 400 * DAY), run("b"), RunSummary(id="c", path="/c", status="unknown")]
    found = Arranger().arrange(runs, Arrangement(grouping="day"))
    day = time.strftime("%Y-%m-%d", time.localtime(NOON))
    assert [group.title for group in found][::2] == [day, "no start known"]
    assert found[1].title.startswith("2025-")


def test_a_run_that_changed_is_filtered_by_what_it_says_now() -> None:
    arranger, wanted = Arranger(), Arrangement(filter="#kept")
    assert arranger.arrange([run("a")], wanted) == []
    assert [group.runs for group in arranger.arrange([run("a", tags=("kept",))], wanted)] != []


@pytest.mark.benchmark
def test_ten_thousand_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [run(f"r{n}", n, loss=n % 97 / 10, tags=("a",) if n % 5 else ()) for n in range(10_000)]
    lines = []
    arranger = Arranger()
    for what, wanted in (
        ("first keystroke", Arrangement(filter="r1")), ("next keystroke", Arrangement(filter="r12")),
        *((f"sorted: {order}", Arrangement(order=order)) for order in ORDERS),
        *((f"by {grouping}", Arrangement(grouping=grouping)) for grouping in GROUPINGS if grouping),
    ):  # fmt: skip
        began = time.process_time()
        arranger.arrange(runs, wanted)
        lines.append(f"{what}: {(time.process_time() - began) * 1e3:.1f} ms")
    with capsys.disabled():
        print("\n10,000 runs arranged, " + ", ".join(lines))  # noqa: T201

"""The data sets of a draft: what keys do to the spec, and that each change can be taken back."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from tui_ft.data.findings import Findings
from tui_ft.errors import TuiFtError
from tui_ft.spec import toml
from tui_ft.tui.wizard.column_desk import PARTS, ColumnDesk, Sample, read_sample
from tui_ft.tui.wizard.data_desk import _KNOWN, DataDesk
from tui_ft.tui.wizard.data_sets import DataSets, Source, absolute
from tui_ft.tui.wizard.draft import Draft


@pytest.fixture
def draft() -> Draft:
    made = Draft()
    made.set("model.id=demo")
    return made


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.jsonl", "b.jsonl", "held.jsonl"):
        (tmp_path / name).write_text('{"prompt": "p", "completion": "c"}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_path_is_kept_absolute_and_a_name_on_the_hub_as_it_is(files: Path) -> None:
    assert absolute("a.jsonl") == str(files / "a.jsonl")
    assert absolute("./gone.jsonl") == str(files / "gone.jsonl")
    assert absolute("org/name") == "org/name" and absolute("demo") == "demo"
    assert not Source("org/name").is_here and Source("demo").is_here and Source(absolute("a.jsonl")).is_here


def test_one_file_is_a_plain_path_and_several_are_a_list_with_weights(draft: Draft, files: Path) -> None:
    sets = DataSets(draft)
    sets.take("a.jsonl")
    sets.read_as(0, "auto", {"prompt": "question", "completion": "answer"})
    assert draft.spec.data.train == str(files / "a.jsonl")
    sets.add("b.jsonl")
    sets.weigh(1, 1)
    first, second = sets.learnt
    assert (first.columns, second.columns) == ({"prompt": "question", "completion": "answer"}, None)
    assert (first.weight, second.weight) == (1.0, 2.0)
    assert draft.spec.data.columns is None, "the columns of one file are not those of the other"
    assert toml.loads(draft.text) == draft.spec
    sets.remove(1)
    assert draft.spec.data.train == str(files / "a.jsonl")
    assert draft.spec.data.columns == {"prompt": "question", "completion": "answer"}


def test_every_change_can_be_taken_back(draft: Draft, files: Path) -> None:
    sets = DataSets(draft)
    before = []
    for change in (
        lambda: sets.take("a.jsonl"), lambda: sets.add("b.jsonl"), lambda: sets.weigh(0, -1),
        lambda: sets.hold_out("held.jsonl"), lambda: sets.share(1), lambda: sets.cut_at(512),
        sets.train_on, lambda: sets.replace(0, "held.jsonl"), lambda: sets.remove(0),
    ):  # fmt: skip
        before.append(draft.spec)
        change()
        assert draft.spec != before[-1]
    while before:
        assert draft.undo() and draft.spec == before.pop()


def test_steps_of_weights_and_shares_end_where_they_end(draft: Draft, files: Path) -> None:
    sets = DataSets(draft)
    sets.take("a.jsonl")
    for _ in range(20):
        sets.weigh(0, 1)
        sets.share(-1)
    assert sets.learnt[0].weight == 10 and draft.spec.data.eval_fraction == 0
    draft.set("data.eval_fraction=0.07")
    sets.share(1)
    assert draft.spec.data.eval_fraction == 0.1
    sets.share(-1)
    assert draft.spec.data.eval_fraction == 0.05


def test_the_last_file_taken_away_leaves_none(draft: Draft, files: Path) -> None:
    sets = DataSets(draft)
    sets.take("a.jsonl")
    sets.remove(0)
    assert draft.spec.data.train is None and sets.all == []


def test_a_check_is_due_again_when_what_it_rests_on_changed(draft: Draft, files: Path) -> None:
    desk = DataDesk(draft)
    desk.sets.take("a.jsonl")

    def checked() -> None:
        source = desk.due()
        assert source is not None
        desk.keep(source, desk.basis(source), Findings(path=source.key, container="jsonl", format="text"))

    checked()
    assert desk.due() is None and DataDesk(draft).due() is None, "the step opened again checks nothing twice"
    desk.sets.cut_at(99)
    assert desk.due() is None, "without a tokenizer the length changes nothing"
    desk.sets.train_on()
    checked()
    desk.sets.hold_out("held.jsonl")
    checked()
    checked()
    assert desk.due() is None
    (files / "a.jsonl").write_text('{"prompt": "other", "completion": "rows"}\n')
    checked()
    assert desk.due() is None
    draft.undo()
    assert desk.due() is not None, "the file has changed since the check without the held-out rows"


def test_the_same_file_twice_is_checked_once_for_each_part_it_plays(draft: Draft, files: Path) -> None:
    desk = DataDesk(draft)
    desk.sets.take("a.jsonl")
    desk.sets.hold_out("a.jsonl")
    for _ in range(2):
        source = desk.due()
        assert source is not None
        desk.keep(source, desk.basis(source), None, "it cannot be read.")
    assert desk.due() is None
    assert "it cannot be read" in desk.refusal()


def test_what_is_known_of_a_draft_goes_with_it() -> None:
    gc.collect()
    before = len(_KNOWN)
    desk = DataDesk(Draft())
    assert len(_KNOWN) == before + 1
    del desk
    gc.collect()
    assert len(_KNOWN) == before


# --- columns --------------------------------------------------------------------------------------------


def test_parts_are_found_given_and_taken_away() -> None:
    desk = ColumnDesk(Sample([{"Frage": "1+1?", "Lösung": "2", "id": 7}]), "auto", {})
    assert desk.problem() and desk.part_of("Frage") == ""
    desk.turn("Frage", 1)
    desk.turn("Lösung", 1)
    assert desk.columns() == {"prompt": "Frage", "completion": "Lösung"} and not desk.problem()
    assert "prompt_completion" in desk.outcome()
    desk.turn("id", -1)
    assert desk.part_of("id") == PARTS[-1] and desk.is_given("id")
    desk.turn("id", 1)
    assert desk.part_of("id") == ""
    desk.clear()
    assert desk.columns() == {}


def test_what_was_found_stays_when_one_part_is_changed() -> None:
    rows = [{"instruction": "a", "input": "b", "output": "c", "note": "d"}]
    desk = ColumnDesk(Sample(rows), "auto", {})
    assert [desk.part_of(name) for name in rows[0]] == ["instruction", "input", "output", ""]
    for _ in range(len(PARTS)):
        desk.turn("input", 1)
        assert desk.columns()["instruction"] == "instruction" and desk.columns()["output"] == "output"


def test_a_format_is_wished_for_and_refused_where_the_rows_do_not_have_it() -> None:
    desk = ColumnDesk(Sample([{"prompt": "a", "completion": "b"}]), "auto", {})
    desk.turn_format(1)
    assert desk.format == "alpaca" and "no column was found for instruction" in desk.problem()
    desk.turn_format(-1)
    assert desk.format == "auto" and not desk.problem()


def test_what_a_register_says_holds_until_a_part_is_given(tmp_path: Path) -> None:
    rows = [{"talk": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hi."}], "id": 1}]
    (tmp_path / "talks.json").write_text(json.dumps(rows))
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "talk"}
    said = {"file_name": "talks.json", "formatting": "sharegpt", "columns": columns, "tags": tags}
    register = {"talks": said}
    (tmp_path / "dataset_info.json").write_text(json.dumps(register))
    desk = ColumnDesk(read_sample(str(tmp_path / "talks.json")), "auto", {})
    assert desk.part_of("talk") == "messages" and not desk.problem() and desk.columns() == {}
    desk.turn("id", 1)
    assert desk.columns()["messages"] == "talk" and desk.format == desk.sample.said[0]
    desk.clear()
    assert desk.columns() == {} and desk.format == "auto" and desk.part_of("talk") == "messages"


def test_a_sample_has_every_column_of_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"a": null, "b": "x\\u001b[2J"}\n{"c": "later", "a": "here"}\n')
    sample = read_sample(str(path))
    assert sample.columns == ["a", "b", "c"]
    assert sample.value_of("a") == "here" and "\x1b" not in sample.value_of("b")
    with pytest.raises(TuiFtError):
        read_sample(str(tmp_path / "gone.jsonl"))

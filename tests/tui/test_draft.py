"""The draft of a run: what it keeps, what it takes back, and what becomes of a file that is none."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from tui_ft import settings
from tui_ft.data.findings import Findings, Problem
from tui_ft.errors import TuiFtError
from tui_ft.spec.errors import SpecError
from tui_ft.spec.presets import find_preset
from tui_ft.spec.run_spec import DataSource, RunSpec
from tui_ft.tui.wizard import draft as drafts
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import STEPS


def a_full_draft() -> Draft:
    """One with something in every field."""
    preset = find_preset("qlora-8b-24gb", Path("/nowhere"))
    draft = Draft(preset.spec, text=preset.text, preset=(preset.name, preset.spec))
    sources = [DataSource(path="/a.jsonl"), DataSource(path="/b", weight=0.5, columns={"prompt": "frage"})]
    data = msgspec.structs.replace(draft.spec.data, train=sources)
    draft.change(msgspec.structs.replace(draft.spec, data=data))
    draft.goals = frozenset({"sft", "keep-skills"})
    draft.went_on_despite_gate = True
    problem = Problem(code="empty_answer", severity="error", count=2, rows=[3, 9], message="m", fix="f")
    draft.findings["/a.jsonl"] = Findings(
        path="/a.jsonl", container="jsonl", format="alpaca", rows=7, problems=[problem]
    )
    draft.shape_name, draft.smoked = "Qwen3-8B", "20261121-trial-abcd"
    draft.go_to("settings")
    draft.go_to("data")
    return draft


def test_everything_comes_back_as_it_was_left() -> None:
    draft = a_full_draft()
    draft.save()
    found = drafts.load()
    assert found is not None
    for name in ("spec", "base", "preset", "goals", "went_on_despite_gate", "findings", "shape_name",
                 "step", "reached", "smoked", "text"):  # fmt: skip
        assert getattr(found, name) == getattr(draft, name), name
    assert (found.step, found.reached) == ("data", "settings")


def test_a_draft_without_any_answer_comes_back() -> None:
    Draft().save()
    found = drafts.load()
    assert found is not None and found.spec == RunSpec() and found.step == STEPS[0]


def test_what_a_person_wrote_stays_around_what_is_changed() -> None:
    draft = Draft()
    draft.write('# my own words\n[model]\nid = "demo"  # small\n[training]\nepochs = 2\n')
    draft.set("training.epochs=4")
    assert draft.text == '# my own words\n[model]\nid = "demo"  # small\n[training]\nepochs = 4.0\n'
    draft.undo()
    assert draft.text.endswith("epochs = 2\n")


def test_undo_goes_back_change_by_change_and_then_says_no() -> None:
    draft = Draft()
    draft.set("model.id=demo")
    draft.set("training.epochs=4")
    draft.set("training.epochs=4")
    assert draft.can_undo
    assert draft.undo() and draft.spec.training.epochs == RunSpec().training.epochs
    assert draft.undo() and draft.spec == RunSpec()
    assert not draft.undo() and not draft.can_undo


def test_what_is_refused_changes_nothing() -> None:
    draft = Draft()
    draft.set("model.id=demo")
    heard: list[str] = []
    draft.on_change = lambda: heard.append("changed")
    with pytest.raises(SpecError):
        draft.set("training.epochs=-1")
    with pytest.raises(SpecError):
        draft.write("[model]\nid = 7\n")
    assert draft.spec.model.id == "demo" and not heard
    draft.set("training.epochs=1")
    assert heard == ["changed"]


def test_a_trial_run_proves_nothing_for_another_spec() -> None:
    draft = Draft()
    draft.set("model.id=demo")
    draft.smoked = "20261121-trial-abcd"
    draft.set("training.epochs=1")
    assert draft.smoked == ""


def test_the_file_is_for_the_user_alone() -> None:
    Draft().save()
    path = settings.draft_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'{"spec":{"model":{"id":7}},"base":{}}',
     b'{"spec":{"schema":99},"base":{}}', b'{"spec":{"training":{"epochs":-1}},"base":{}}', b"[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_is_told_and_set_aside_and_never_lost(content: bytes) -> None:
    path = settings.draft_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(TuiFtError) as told:
        drafts.load()
    aside = path.with_name("draft.damaged.json")
    assert str(aside) in str(told.value)
    assert aside.read_bytes() == content
    assert drafts.load() is None


def test_findings_of_another_version_are_dropped_and_the_answers_stay() -> None:
    a_full_draft().save()
    path = settings.draft_file()
    raw = msgspec.json.decode(path.read_bytes())
    raw["findings"]["/a.jsonl"] = {"rows": "many"}
    path.write_bytes(msgspec.json.encode(raw))
    found = drafts.load()
    assert found is not None and found.findings == {} and found.shape_name == "Qwen3-8B"


def test_a_link_to_somebody_elses_file_is_not_followed(tmp_path: Path) -> None:
    Draft().save()
    path = settings.draft_file()
    elsewhere = path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(elsewhere)
    with pytest.raises(TuiFtError):
        drafts.load()
    assert elsewhere.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="needs to be root")
def test_a_file_of_another_user_is_not_taken() -> None:
    Draft().save()
    os.chown(settings.draft_file(), 12345, 12345)
    with pytest.raises(TuiFtError, match="another user"):
        drafts.load()


def test_a_place_that_cannot_be_written_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    with pytest.raises(TuiFtError, match="/proc/nowhere"):
        Draft().save()


def test_words_that_the_guide_does_not_know_are_left_out_and_one_aim_stays() -> None:
    assert drafts.known_goals(["facts", "magic"]) == {"facts", "sft"}
    assert drafts.known_goals(["rl", "sft", "complex"]) == {"sft", "complex"}
    assert drafts.known_goals([]) == {"sft"}

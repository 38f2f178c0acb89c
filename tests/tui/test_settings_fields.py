"""The fields of the Settings step as rows, and how a key changes a value."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from settings_world import a_draft

from tui_ft.errors import TuiFtError
from tui_ft.spec import declarations, overrides
from tui_ft.spec.advice import ADVICE, band_of, outside
from tui_ft.spec.learning import MethodKind, ObjectiveKind
from tui_ft.spec.run_spec import DataSource, RunSpec
from tui_ft.spec.toml import format_value
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.edit_value import LineEdit, is_number, is_typed, stepped
from tui_ft.tui.wizard.fields import FieldRow, edit_text, field_rows, value_of, value_text

METHODS = get_args(MethodKind)


def row_of(draft: Draft, path: str) -> FieldRow:
    return next(row for row in field_rows(draft.spec, draft, with_all=True) if row.path == path)


def test_every_field_has_its_advice() -> None:
    assert set(ADVICE) == set(declarations.paths())
    for path, advice in ADVICE.items():
        assert advice.change and not advice.change.endswith("."), path


@pytest.mark.parametrize("method", METHODS)
def test_the_dozen_that_matters_is_there_for_every_method(method: str) -> None:
    draft = a_draft()
    draft.set(f"method.kind={method}")
    shown = [row.path for row in field_rows(draft.spec, draft, with_all=False)]
    assert shown[:2] == ["training.learning_rate", "training.epochs"]
    assert 9 <= len(shown) <= 15


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("objective", get_args(ObjectiveKind))
def test_defaults_are_usual(method: str, objective: str) -> None:
    """What the guide starts with is never marked as unusual; nothing that is set has no band by mistake."""
    draft = a_draft()
    draft.set(f"method.kind={method}", f"objective.kind={objective}")
    warned = {row.path for row in field_rows(draft.spec, draft, with_all=True) if row.warning}
    allowed = (
        {"training.learning_rate"} if method in ("prefix", "prompt", "p_tuning", "ia3", "full") else set()
    )
    assert warned <= allowed | ({"objective.beta"} if objective == "grpo" else set())


def test_bands_say_what_the_declarations_say() -> None:
    for section in declarations.sections().values():
        for field in section.fields.values():
            band = ADVICE[field.path].band
            low, to, high = field.usual.partition(" to ")
            if band is not None and to and high.replace(".", "").isdigit():
                assert (float(low), float(high)) == (band.low, band.high), field.path


@pytest.mark.parametrize(
    ("changes", "path", "value", "said"),
    [
        ((), "training.learning_rate", 1e-3, "above the usual 1e-4 to 3e-4: the loss may spike"),
        (("method.kind=full",), "training.learning_rate", 1e-3, "above the usual 5e-6 to 5e-5"),
        ((), "training.learning_rate", 2e-5, "below the usual 1e-4 to 3e-4"),
        (("method.rank=64",), "method.alpha", 32, "below the usual 64 to 128"),
        (("training.batch_size=16",), "training.gradient_accumulation", 4, "more than 32 rows a step"),
        (("training.batch_size=1",), "training.gradient_accumulation", 1, "fewer than 4 rows a step"),
        (("training.batch_size=64",), "training.gradient_accumulation", 1, ""),
        (("training.warmup=50",), "training.warmup", 50.0, ""),
        ((), "training.epochs", 10.0, "above the usual 1 to 3: it learns the rows by heart"),
        ((), "training.gradient_checkpointing", False, ""),
        ((), "training.optimizer", "sgd", "hardly learns"),
        ((), "training.optimizer", "adafactor", ""),
        (("method.kind=full",), "model.dtype", "bfloat16", "small updates are lost"),
        ((), "model.dtype", "bfloat16", ""),
        ((), "method.rank", None, ""),
    ],
)  # fmt: skip
def test_outside_its_band_a_value_has_a_reason(
    changes: tuple[str, ...], path: str, value: object, said: str
) -> None:
    spec = overrides.apply(a_draft().spec, changes)
    found = outside(spec, path, value)
    assert said in found if said else found == ""


def test_alpha_needs_a_rank() -> None:
    assert band_of(overrides.apply(a_draft().spec, ["method.kind=full"]), "method.alpha") is None


def test_a_default_by_another_field_differs_when_that_one_does() -> None:
    draft = a_draft()
    draft.set("method.rank=64")
    assert row_of(draft, "method.alpha").recommended == "32"
    assert row_of(draft, "method.alpha").shown == "128"


def test_nothing_is_recommended_where_only_the_user_knows() -> None:
    draft = a_draft()
    draft.set("data.train=/other.jsonl", "notes.name=mine", "training.epochs=2")
    differing = {
        row.path for row in field_rows(draft.spec, draft, with_all=True) if row.recommended is not None
    }
    assert differing == {"training.epochs"}
    assert row_of(draft, "data.train").in_preset == "/data/rows.jsonl"


@pytest.mark.parametrize("method", METHODS)
def test_each_step_of_each_field_is_a_value_that_it_may_have(method: str) -> None:
    draft = a_draft()
    draft.set(f"method.kind={method}")
    stepped_fields = 0
    for row in field_rows(draft.spec, draft, with_all=True):
        for by in (-1, 1):
            text = stepped(row, by)
            if text is None:
                continue
            stepped_fields += 1
            try:
                overrides.apply(draft.spec, [f"{row.path}={text}"])
            except TuiFtError as error:
                assert "not exist" in str(error) or "Keep one" in str(error) or "unquantised" in str(error), (
                    row.path
                )
    assert stepped_fields > 40


@pytest.mark.parametrize("by", [-1, 1])
def test_stepping_goes_to_the_end_and_stays_there(by: int) -> None:
    draft = a_draft()
    for row in field_rows(draft.spec, draft, with_all=True):
        if not is_number(row.field):
            continue
        spec = draft.spec
        for _ in range(400):
            trial = Draft(spec)
            text = stepped(row_of(trial, row.path), by)
            if text is None:
                break
            try:
                spec = overrides.apply(spec, [f"{row.path}={text}"])
            except TuiFtError:
                break
        else:
            assert row.path.endswith("seed") or row.path == "hardware.nodes", row.path


@pytest.mark.parametrize(
    ("path", "start", "up", "down"),
    [
        ("training.learning_rate", "2e-4", "3e-4", "1e-4"),
        ("training.learning_rate", "2.5e-4", "3e-4", "2e-4"),
        ("training.learning_rate", "1e-3", "0.002", "5e-4"),
        ("data.max_length", "1000", "1024", "768"),
        ("method.rank", "16", "32", "8"),
        ("training.epochs", "1", "2", "0.5"),
        ("training.seed", "42", "43", "41"),
        ("data.limit", "", "100", "100"),
        ("method.dropout", "0", "0.05", None),
        ("training.max_steps", "40", "50", "30"),
    ],
)
def test_a_step_is_the_one_that_people_take(path: str, start: str, up: str, down: str | None) -> None:
    draft = a_draft()
    draft.set(f"{path}={start}")
    row = row_of(draft, path)
    assert (stepped(row, 1), stepped(row, -1)) == (up, down)


def test_choices_go_round_and_unset_is_one_where_it_may_be() -> None:
    draft = a_draft("method.quantization=")
    seen = []
    for _ in range(5):
        draft.set(f"method.variant={stepped(row_of(draft, 'method.variant'), 1)}")
        seen.append(draft.spec.method.variant)
    assert seen == ["rslora", "dora", "pissa", "lora+", None]
    assert not is_typed(row_of(draft, "method.variant").field)
    assert is_typed(row_of(draft, "method.targets").field) and is_typed(row_of(draft, "hardware.gpus").field)
    assert stepped(row_of(draft, "method.targets"), 1) == '"attention"'


VALUES: list[tuple[str, Any]] = [
    ("data.train", "/data/rows one.jsonl"),
    ("data.train", [DataSource(path="/a.jsonl", weight=2.0), DataSource(path="/b.jsonl")]),
    ("data.columns", {"prompt": "question", "completion": "the answer"}),
    ("method.targets", ["q_proj", "v_proj"]),
    ("method.targets", "all-linear"),
    ("training.learning_rate", 2.5e-4),
    ("training.learning_rate", 1.2345e-5),
    ("training.max_steps", 10**9),
    ("data.eval_fraction", 0.0),
    ("evaluation.prompts", ["Who, me?", "Say \"hello\"."]),
    ("evaluation.metrics", []),
    ("notes.text", 'two\nlines with "quotes" # and more'),
    ("notes.text", "[not a list"),
    ("notes.text", "5"),
    ("notes.tags", ["a", "b c"]),
    ("hardware.gpus", [0, "GPU-1"]),
    ("hardware.gpus", 1),
    ("training.gradient_checkpointing", False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), VALUES)
def test_a_value_as_it_is_edited_means_itself(path: str, value: Any) -> None:
    """To open the line and press Enter, or to go back to the recommendation, changes nothing."""
    field = declarations.find(path)
    assert field is not None
    spec = overrides.apply(a_draft().spec, [f"{path}={format_value(value)}"])
    assert value_of(spec, field) == value
    if path != "evaluation.prompts":
        again = overrides.apply(a_draft().spec, [f"{path}={edit_text(value)}"])
        assert value_of(again, field) == value
    assert "\n" not in value_text(value) and "\n" not in edit_text(value)


def test_a_line_is_edited_as_everywhere() -> None:
    line = LineEdit("abc def")
    line.press("ctrl+w")
    line.press("home")
    assert (line.text, line.cursor) == ("abc ", 0)
    line.insert("x\x1b\ny")
    assert (line.text, line.cursor) == ("x yabc ", 3)
    line.press("delete")
    line.press("backspace")
    assert line.text == "x bc "
    line.press("ctrl+k")
    assert line.text == "x "
    line.press("ctrl+u")
    assert line.text == "" and not line.press("f5")
    for key in ("backspace", "delete", "left", "right"):
        assert line.press(key)
    assert (line.text, line.cursor) == ("", 0)


def test_a_spec_without_a_model_has_rows_too() -> None:
    assert field_rows(RunSpec(), Draft(), with_all=True)

"""`--set section.field=value`."""

from __future__ import annotations

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec.overrides import apply
from tui_ft.spec.run_spec import DataSource, MethodSection, ModelSection, NotesSection, RunSpec

DEMO = RunSpec(model=ModelSection(id="demo"))
QLORA = RunSpec(
    model=ModelSection(id="org/x"), method=MethodSection(rank=8, quantization="nf4", double_quantization=True)
)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("method.rank=32", 32),
        ("method.rank = 32", 32),
        ("training.learning_rate=2e-4", 2e-4),
        ("training.epochs=1", 1.0),
        ("data.packing=true", True),
        ("data.packing=True", True),
        ("data.train=/some/path with, comma.jsonl", "/some/path with, comma.jsonl"),
        ("data.train=org/name", "org/name"),
        ("data.train=2024", "2024"),
        ('data.train=[{ path = "a", weight = 2 }]', [DataSource(path="a", weight=2.0)]),
        ("data.columns={ prompt = 'q' }", {"prompt": "q"}),
        ("method.targets=q_proj,v_proj", ["q_proj", "v_proj"]),
        ("method.targets=q_proj", ["q_proj"]),
        ("method.targets=attention", "attention"),
        ('method.targets=["q_proj"]', ["q_proj"]),
        ("evaluation.prompts=Well, what now?", ["Well, what now?"]),
        ("hardware.gpus=1", 1),
        ("hardware.gpus=0,1", [0, 1]),
        ("hardware.gpus=GPU-12ab", ["GPU-12ab"]),
        ("hardware.gpus=auto", "auto"),
        ("notes.name=123", "123"),
        ("notes.name=2024-05-01", "2024-05-01"),
        ("notes.text=a=b", "a=b"),
        ('notes.text="quoted"', "quoted"),
        ("notes.text=1\nrank = 3", "1\nrank = 3"),
    ],
)  # fmt: skip
def test_a_value_is_toml_or_text_without_quotes(override: str, value: object) -> None:
    section, name = override.partition("=")[0].strip().split(".")
    found = getattr(getattr(apply(DEMO, [override]), section), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("nothing", ["", "none", "None"])
def test_nothing_puts_a_field_back_to_its_default(nothing: str) -> None:
    assert apply(QLORA, [f"method.rank={nothing}"]).method.rank is None


def test_nothing_puts_back_defaults_other_than_unset_too() -> None:
    named = RunSpec(model=ModelSection(id="demo"), notes=NotesSection(name="x", tags=["y"]))
    assert apply(named, ["notes.name=", "notes.tags="]) == DEMO


def test_no_overrides_change_nothing() -> None:
    assert apply(DEMO, []) is DEMO


def test_qlora_sets_kind_and_quantization_and_lora_takes_it_back() -> None:
    qlora = apply(DEMO, ["method.kind=qlora"])
    assert (qlora.method.kind, qlora.method.quantization) == ("lora", "nf4")
    lora = apply(QLORA, ["method.kind=lora"])
    assert (lora.method.quantization, lora.method.double_quantization, lora.method.rank) == (None, None, 8)
    assert apply(DEMO, ["method.kind=lora", "method.quantization=int8"]).method.quantization == "int8"


def test_another_method_drops_the_keys_of_the_former_one() -> None:
    assert apply(QLORA, ["method.kind=full"]).method == MethodSection(kind="full")
    assert apply(QLORA, ["method.kind=last_layers", "method.layers=1"]).method.layers == 1


@pytest.mark.parametrize(
    ("overrides", "message", "hint"),
    [
        (
            ["method.kind=full", "method.rank=4"],
            'method.rank is not used by method.kind = "full"',
            "Remove it",
        ),
        (["method.layers=2"], "method.layers is not used", "last_layers"),
        (["method.rnak=3"], 'no field "rnak"', "Did you mean method.rank?"),
        (["metod.rank=3"], 'no section "metod"', "Did you mean [method]?"),
        (["rank=3"], '"rank" is no field', "Did you mean method.rank?"),
        (["method.rank"], "sets nothing", "method.rank=32"),
        (["method.rank=x"], 'method.rank = "x" will not do', "For example rank = 16"),
        (["method.rank=0"], "method.rank = 0 will not do", "Usual: 8 to 64"),
        (["method.kind=lroa"], "will not do", 'Did you mean "lora"?'),
        (["model.id="], "model.id is missing", "demo"),
        (["=3"], '"" is no field', "section.field=value"),
    ],
)
def test_a_bad_override_is_refused_with_the_remedy(overrides: list[str], message: str, hint: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        apply(DEMO, overrides)
    assert message in caught.value.message
    assert hint in caught.value.hint

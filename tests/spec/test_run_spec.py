"""The declarations: complete, consistent, and agreed with the names that scripts rely on."""

from __future__ import annotations

import msgspec
import pytest

from tui_ft.spec import declarations
from tui_ft.spec.declarations import Declaration
from tui_ft.spec.resolve import METHOD_KEYS, OBJECTIVE_KEYS
from tui_ft.spec.run_spec import ModelSection, RunSpec
from tui_ft.spec.values import check_value

PROMISED = {
    "model": "id revision dtype attention trust_remote_code adapter",
    "data": "train eval eval_fraction limit format columns max_length packing train_on seed",
    "method": "kind rank alpha dropout targets variant layers quantization "
    "double_quantization virtual_tokens",
    "objective": "kind beta teacher reward_model reward_function",
    "training": "learning_rate schedule warmup epochs max_steps batch_size gradient_accumulation optimizer "
    "weight_decay max_grad_norm gradient_checkpointing precision neftune_alpha dataloader_workers seed",
    "evaluation": "every_steps every_epochs probe metrics prompts",
    "checkpoints": "every_steps every_minutes keep keep_gib hours_between_failures auto_resume",
    "hardware": "gpus strategy memory_fraction nodes node_rank rendezvous",
    "tracking": "report_to",
    "health": "silence stop_on",
    "after": "notify copy_to hook idle_minutes budget",
    "notes": "name tags text",
}
"""The names that hold, in TOML and for `--set`."""


FIELDS = [field for section in declarations.sections().values() for field in section.fields.values()]


def test_sections_and_fields_are_the_promised_ones_in_their_order() -> None:
    found = {name: " ".join(section.fields) for name, section in declarations.sections().items()}
    assert found == PROMISED


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_every_field_says_what_it_is_and_has_a_value_that_it_takes(field: Declaration) -> None:
    assert field.title
    assert field.help.endswith(".")
    assert field.expected
    shown = field.example if field.default is None else field.default
    assert shown is not None, "an unset field needs an example for its comment line"
    check_value(field, shown)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_bounds_hold_at_their_edges(field: Declaration) -> None:
    for bound in (field.ge, field.le):
        assert bound is None or field.allows(bound)
    for bound in (field.gt, field.lt):
        assert bound is None or not field.allows(bound)
    assert not field.allows(float("nan"))


@pytest.mark.parametrize(("section", "kinds"), [("method", METHOD_KEYS), ("objective", OBJECTIVE_KEYS)])
def test_every_kind_has_its_keys_and_every_key_a_kind(
    section: str, kinds: dict[str, dict[str, object]]
) -> None:
    declared = declarations.sections()[section].fields
    assert tuple(kinds) == declared["kind"].choices
    assert set().union(*kinds.values()) == set(declared) - {"kind"}


def test_a_spec_is_frozen() -> None:
    with pytest.raises(AttributeError):
        RunSpec().model = ModelSection(id="other")  # type: ignore[misc]


def test_a_spec_survives_json() -> None:
    spec = RunSpec(model=ModelSection(id="demo"))
    assert msgspec.json.decode(msgspec.json.encode(spec), type=RunSpec) == spec

"""What a spec may not say although each of its values is allowed."""

from __future__ import annotations

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides
from tui_ft.spec.errors import SpecError
from tui_ft.spec.run_spec import (
    AfterSection,
    DataSection,
    DataSource,
    EvaluationSection,
    HardwareSection,
    MethodSection,
    ModelSection,
    ObjectiveSection,
    RunSpec,
    TrainingSection,
)
from tui_ft.spec.validate import check

MODEL = ModelSection(id="demo")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (RunSpec(), "model.id is missing"),
        (RunSpec(model=MODEL, method=MethodSection(kind="full", rank=8)), "method.rank is not used by"),
        (
            RunSpec(model=MODEL, method=MethodSection(kind="full", quantization="nf4")),
            "method.quantization is not",
        ),
        (RunSpec(model=MODEL, method=MethodSection(kind="last_layers", alpha=8)), "method.alpha is not used"),
        (RunSpec(model=MODEL, method=MethodSection(double_quantization=True)), "only with quantization"),
        (
            RunSpec(model=MODEL, method=MethodSection(quantization="int8", double_quantization=True)),
            "only with quantization",
        ),
        (RunSpec(model=MODEL, method=MethodSection(variant="pissa", quantization="nf4")), "pissa"),
        (RunSpec(model=MODEL, method=MethodSection(targets=[])), "names no module"),
        (RunSpec(model=MODEL, method=MethodSection(rank=0)), "method.rank = 0"),
        (RunSpec(model=MODEL, objective=ObjectiveSection(beta=0.1)), "objective.beta is not used by"),
        (
            RunSpec(model=ModelSection(id="x", dtype="float16"), method=MethodSection(kind="full")),
            "underflow",
        ),
        (RunSpec(model=MODEL, data=DataSection(train="  ")), "data.train is empty"),
        (RunSpec(model=MODEL, data=DataSection(train=[])), "names no data"),
        (RunSpec(model=MODEL, data=DataSection(train=[DataSource(path="x", weight=0)])), "weight 0"),
        (RunSpec(model=MODEL, evaluation=EvaluationSection(every_steps=5, every_epochs=1)), "both set"),
        (RunSpec(model=MODEL, training=TrainingSection(warmup=1.5)), "neither a share nor a count"),
        (RunSpec(model=MODEL, hardware=HardwareSection(gpus=[])), "name each GPU once"),
        (RunSpec(model=MODEL, hardware=HardwareSection(gpus=[-1])), "name each GPU once"),
        (RunSpec(model=MODEL, hardware=HardwareSection(node_rank=1)), "does not exist with nodes = 1"),
        (RunSpec(model=MODEL, after=AfterSection(notify=["https://x.example/hook"])), "holds an address"),
    ],
)
def test_a_contradiction_is_refused_by_name_and_with_a_remedy(spec: RunSpec, message: str) -> None:
    with pytest.raises(TuiFtError) as caught:
        check(spec)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(model=MODEL),
        RunSpec(model=MODEL, method=MethodSection(quantization="fp4", double_quantization=False)),
        RunSpec(model=MODEL, objective=ObjectiveSection(kind="dpo", beta=0.1)),
        RunSpec(model=MODEL, training=TrainingSection(warmup=10, max_grad_norm=0)),
        RunSpec(model=MODEL, hardware=HardwareSection(gpus=[0, "GPU-1"], nodes=2, node_rank=1)),
    ],
)
def test_a_sound_spec_passes(spec: RunSpec) -> None:
    check(spec)


@pytest.mark.parametrize("field", ["health.silence", "health.stop_on"])
def test_a_finding_that_there_is_not_is_refused(field: str) -> None:
    spec = overrides.apply(RunSpec(), ["model.id=demo", f'{field}=["plateau"]'])
    assert "plateau" in str(spec.health)
    with pytest.raises(SpecError, match="Did you mean plateau"):
        overrides.apply(RunSpec(), ["model.id=demo", f'{field}=["platau"]'])

"""The simulated step and the trainer's own, on the CPU: the same storages of the same sizes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tui_ft.demo import paths
from tui_ft.spec import overrides
from tui_ft.spec import precision as policy
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.assembly import assemble
from tui_ft.train.model import load_model
from tui_ft.train.precision import as_torch
from tui_ft.train.simulate import ours
from tui_ft.train.simulate.steps import SimulatedTrainer, forget_devices
from tui_ft.train.simulate.tracing import Trace, Tracer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

CASES = (
    "method.kind=lora",
    "method.kind=lora training.precision=bf16",
    "method.kind=lora method.variant=dora method.dropout=0.1",
    "method.kind=lora training.gradient_accumulation=1",
    "method.kind=qlora",
    "method.kind=qlora training.precision=bf16 training.gradient_checkpointing=false",
    "method.kind=last_layers",
    "method.kind=full",
    "method.kind=full training.precision=bf16 training.optimizer=adamw_torch",
    "method.kind=full model.dtype=bfloat16 training.optimizer=sgd",
    "method.kind=full training.optimizer=adafactor",
)

Phases = list[tuple[str, Counter[int], int]]


@pytest.fixture(autouse=True)
def own_devices() -> Iterator[None]:
    forget_devices()
    yield
    forget_devices()


def spec(changes: str) -> RunSpec:
    usual = ["model.id=demo", "data.train=demo", "data.max_length=64", "training.batch_size=2"]
    return overrides.apply(RunSpec(), [*usual, *changes.split()])


def real_steps(case: ours.Case) -> Trace:
    """The trainer's own loop with real weights and real tensors, under the same eyes."""
    wanted, cpu = ours.simulated_spec(resolve(case.spec), case.steps), torch.device("cpu")
    precision = as_torch(policy.decide(wanted, on_gpu=False, has_bf16=True))
    rows = ours.longest_rows(case, wanted)
    trainer = assemble(
        wanted,
        load_model(wanted, precision, cpu),
        precision,
        cpu,
        Path(),
        SimulatedTrainer,
        on=cpu,
        train_dataset=rows,
        eval_dataset=rows,
        processing_class=ours.any_tokenizer(),
    )
    tracer = Tracer(device_type="cpu")
    trainer.follow(tracer)
    with tracer:
        trainer.train()
        trainer.evaluate_one_batch()
        return tracer.trace()


def phases(trace: Trace) -> Phases:
    """For each phase: how many storages of each size are born, and the most bytes alive."""
    found: Phases = []
    alive, size, name = 0, {}, "load"
    born: Counter[int] = Counter()
    most = 0
    for storage, what in trace.events:
        if storage is None:
            found.append((name, born, most))
            name, born, most = str(what), Counter(), alive
        elif what is None:
            alive -= size.pop(storage)
        else:
            size[storage] = int(what)
            born[int(what)] += 1
            alive += int(what)
            most = max(most, alive)
    return [*found, (name, born, most)]


@pytest.mark.parametrize("changes", CASES)
def test_same_storages_and_bytes(changes: str) -> None:
    config = json.loads((paths.model_folder() / "config.json").read_text())
    case = ours.Case(config=config, spec=spec(changes), device="cpu", is_padded=False)
    simulated = phases(ours.trace_steps(case))
    forget_devices()
    real = phases(real_steps(case))
    assert [name for name, _, _ in simulated] == [name for name, _, _ in real]
    assert "optimizer" in {name for name, _, _ in real}
    for ours_, theirs in zip(simulated, real, strict=True):
        assert ours_ == theirs


def test_another_setting_makes_other_storages() -> None:
    """The comparison can fail: one more rank is seen."""
    config = json.loads((paths.model_folder() / "config.json").read_text())
    traces = []
    for rank in (8, 9):
        case = ours.Case(config=config, spec=spec(f"method.kind=lora method.rank={rank}"), device="cpu")
        traces.append(phases(ours.trace_steps(case)))
        forget_devices()
    assert traces[0] != traces[1]

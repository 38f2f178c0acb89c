"""Whatever is trained, a resumed run computes to the last bit what the undisturbed one computes.

One run of each kind goes to its end, saving in the middle; a copy of it that ends there goes on. Rows,
random numbers, learning rate, optimizer, scaler and counts of tokens are all in what is compared.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from training import add_attempt, events, steps

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory

pytestmark = pytest.mark.train

FEW = ("data.eval_fraction=0", "data.limit=40", "training.max_steps=6", "checkpoints.every_steps=3")

KINDS: dict[str, tuple[str, ...]] = {
    "lora+, dropout, second epoch, 8 bit": (
        "method.variant=lora+", "method.rank=4", "method.dropout=0.2", "data.limit=14",
        "training.optimizer=adamw_bnb_8bit", "training.schedule=constant_with_warmup", "training.warmup=4",
    ),
    "dora, accumulation 3": ("method.variant=dora", "method.rank=4", "training.gradient_accumulation=3"),
    "rslora, packing": ("method.variant=rslora", "method.rank=4", "data.packing=true", "data.max_length=128"),
    "pissa": ("method.variant=pissa", "method.rank=4"),
    "nf4, double": ("method.quantization=nf4", "method.double_quantization=true", "method.dropout=0.1"),
    "int8": ("method.quantization=int8", "method.rank=4"),
    "last layers, adafactor": ("method.kind=last_layers", "method.layers=1", "training.optimizer=adafactor"),
    "full, lion 8 bit, noise, workers, no checkpointing": (
        "method.kind=full", "training.optimizer=lion_8bit", "training.neftune_alpha=5",
        "training.dataloader_workers=1", "training.gradient_checkpointing=false",
    ),
}  # fmt: skip


def train(run: RunDirectory, attempt: int) -> list[dict[str, Any]]:
    """Train the attempt in this process; return its rows without what the clock says."""
    from tui_ft.train.entry import run_attempt

    before = len(steps(run)) if run.metrics.exists() else 0
    assert run_attempt(run.path, attempt) == 0, run.events.read_text()[-2000:]
    kept = ("step", "loss", "grad_norm", "learning_rate", "tokens", "entropy", "mean_token_accuracy")
    return [{key: row.get(key) for key in kept} for row in steps(run)[before:]]


def cut_off(run: RunDirectory, step: int, root: Path, *changes: str) -> RunDirectory:
    """A copy of `run` in another place, as if it had ended at `step`, with a second attempt to come."""
    other = directory.create(root, "copy")
    shutil.rmtree(other.path)
    shutil.copytree(run.path, other.path, ignore=shutil.ignore_patterns("result"))
    for number, folder in other.list_checkpoints():
        if number > step:
            shutil.rmtree(folder)
    for name in ("metrics", "events"):
        getattr(other, name).unlink()
    add_attempt(other, 2, *changes)
    return other


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return {
        f"{path.name}:{name}": value
        for path in sorted(folder.glob("*.safetensors"))
        for name, value in load_file(path).items()
    }


@pytest.mark.parametrize("kind", [*KINDS])
def test_a_resumed_run_equals_the_undisturbed_one_to_the_last_bit(
    make_run: Any, tmp_path: Path, kind: str
) -> None:
    import torch

    changes = (*FEW, *KINDS[kind])
    whole = make_run(*changes)
    undisturbed = train(whole, 1)
    copy = cut_off(whole, 3, tmp_path / "elsewhere", *changes)
    resumed = train(copy, 2)
    assert [row["step"] for row in resumed] == [4, 5, 6]
    assert resumed == undisturbed[3:]
    one, other = weights(whole.checkpoint(6)), weights(copy.checkpoint(6))
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize(("batch", "accumulation"), [(4, 1), (1, 4)])
def test_another_split_of_the_effective_batch_sees_the_same_rows_in_the_same_steps(
    make_run: Any, tmp_path: Path, batch: int, accumulation: int
) -> None:
    """What helps after an out-of-memory error changes nothing but the order of additions."""
    changes = (*FEW, "method.rank=4", "data.limit=15")
    whole = make_run(*changes)
    undisturbed = train(whole, 1)
    split = (f"training.batch_size={batch}", f"training.gradient_accumulation={accumulation}")
    resumed = train(cut_off(whole, 3, tmp_path / "elsewhere", *changes, *split), 2)
    for row, before in zip(resumed, undisturbed[3:], strict=True):
        assert row["tokens"] == before["tokens"]
        for key in ("loss", "grad_norm", "learning_rate"):
            assert row[key] == pytest.approx(before[key], rel=2e-5), key


def test_rows_that_changed_since_the_run_began_are_refused(make_run: Any, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    row = '{"instruction": "Count to %d.", "output": "%d"}\n'
    rows.write_text("".join(row % (n, n) for n in range(12)))
    changes = (*FEW, f"data.train={rows}", "training.max_steps=2", "checkpoints.every_steps=1")
    whole = make_run(*changes)
    train(whole, 1)
    copy = cut_off(whole, 1, tmp_path / "elsewhere", *changes)
    rows.write_text(rows.read_text().replace("Count to 3.", "Count to 4."))
    from tui_ft.train.entry import run_attempt

    assert run_attempt(copy.path, 2) == 1
    assert "have changed since" in events(copy, "end")[-1]["message"]


def test_going_back_puts_the_newer_ones_aside_and_computes_the_same_again(make_run: Any) -> None:
    run = make_run(*FEW, "method.rank=4", "checkpoints.every_steps=2")
    undisturbed = train(run, 1)
    add_attempt(run, 2, *FEW, "method.rank=4", "checkpoints.every_steps=2")
    run.attempt(2).launch.write_text('{"time": 0, "from_step": 4}')
    assert train(run, 2) == undisturbed[4:]
    aside = run.checkpoints / "superseded-2" / "checkpoint-6"
    one, other = weights(aside), weights(run.checkpoint(6))
    assert one.keys() == other.keys()
    assert [event["step"] for event in events(run, "attempt")] == [0, 4]

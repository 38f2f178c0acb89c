"""Prints as JSON what optimizers keep and what they make while they step; test_optimizer_steps reads it."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from typing import Any

from tui_ft.train.simulate import shim

shim.load()

from tui_ft.spec import overrides  # noqa: E402 - after the library
from tui_ft.spec.run_spec import RunSpec  # noqa: E402
from tui_ft.train.simulate import ours  # noqa: E402
from tui_ft.train.simulate.steps import forget_devices  # noqa: E402
from tui_ft.train.simulate.tracing import Trace  # noqa: E402

OPTIMIZERS = ("adamw_torch_fused", "adamw_torch", "sgd", "adafactor")
CONFIG = {
    "model_type": "llama", "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 3,
    "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 3001, "max_position_embeddings": 256,
}  # fmt: skip


def steps(optimizer: str) -> Trace:
    changes = ("model.id=demo", "data.train=demo", "data.max_length=16", "training.batch_size=1",
               "method.kind=full", f"training.optimizer={optimizer}")  # fmt: skip
    forget_devices()
    return ours.trace_steps(ours.Case(config=CONFIG, spec=overrides.apply(RunSpec(), changes)))


def told(trace: Trace) -> dict[str, Any]:
    """Sizes of what is trained; bytes of the states; the most made in the second step and dropped there."""
    kept = [one.nbytes for key, one in trace.storages.items() if trace.category(key) == "optimizer"]
    made, phase, alive, size, steps_seen = 0, "", 0, {}, 0
    for storage, what in trace.events:
        if storage is None:
            phase = str(what)
            if phase == "optimizer":
                steps_seen, before = steps_seen + 1, alive
        elif what is None:
            alive -= size.pop(storage)
        else:
            size[storage] = int(what)
            alive += int(what)
            if phase == "optimizer" and steps_seen == 2:
                made = max(made, alive - before)
    trained = (one for one in trace.residents if "inv_freq" not in one.name)  # a buffer of the model
    shapes = [trace.storages[one.id].shape for one in trained if trace.category(one.id) == "weights"]
    return {"states": sum(kept), "made": made, "shapes": shapes}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):
        answers = {name: told(steps(name)) for name in OPTIMIZERS}
    sys.stdout.write(json.dumps(answers))

"""Simulates configurations of the T4 archive in a process of its own; prints one JSON object a line.

    python tests/vram/archive_accuracy.py ARCHIVE.csv [--only NUMBER …] [--deepen]

The simulation's library must be loaded before torch, which a process that runs other tests cannot promise.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from tui_ft.train.simulate import shim

SAME_SHAPE = {"Qwen/Qwen2.5-Coder-1.5B-Instruct": "Qwen2.5-1.5B"}
"""Models of the archive that the catalogue knows by another name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of configurations, counted from 0")
    parser.add_argument("--deepen", action="store_true", help="also from a shallow model")
    asked = parser.parse_args()
    shim.load()
    warnings.simplefilter("ignore")
    import archive_policy

    rows = archive_policy.measured(asked.archive)
    for number in range(len(rows)) if asked.only is None else asked.only:
        answer = {"number": number} | simulated(rows[number], asked.deepen)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def simulated(row: Any, is_deepened: bool) -> dict[str, Any]:
    """Bytes simulated beside bytes measured, for one configuration."""
    import archive_policy as policy

    from tui_ft.train.simulate.loading import load_events
    from tui_ft.train.simulate.replay import minimum_capacity, replay

    began = time.process_time()
    trace = policy.trace(row.setting, config_of(row.setting.model))
    load = load_events(trace, policy.loading_of(row.setting))
    whole = replay(trace, load)
    allocated, _ = whole.peak_from(policy.SECOND_STEP)
    answer = {
        "name": name_of(row.setting),
        "allocated": [allocated, *row.allocated],
        "reserved": [whole.reserved, *row.reserved],
        "process": [whole.reserved + policy.CONTEXT_BYTES, *row.process],
        "cpu_s": time.process_time() - began,
        "capacity": minimum_capacity(trace, load),
        "events": len(trace.events),
    }
    return answer | ({"deepened": deepened(row.setting)} if is_deepened else {})


def deepened(setting: Any) -> dict[str, Any]:
    """The same from a shallow model whose middle layer is repeated."""
    import archive_policy as policy

    from tui_ft.train.simulate.deepen import deepen, shallow_depth
    from tui_ft.train.simulate.loading import load_events
    from tui_ft.train.simulate.replay import minimum_capacity, replay

    began = time.process_time()
    whole = config_of(setting.model).num_hidden_layers
    layers = shallow_depth(whole)
    trace = deepen(policy.trace(setting, config_of(setting.model), layers), layers, whole)
    load = load_events(trace, policy.loading_of(setting))
    found = replay(trace, load)
    return {
        "layers": layers,
        "events": len(trace.events),
        "allocated": found.peak_from(policy.SECOND_STEP)[0],
        "reserved": found.reserved,
        "capacity": minimum_capacity(trace, load),
        "cpu_s": time.process_time() - began,
    }


def config_of(model: str) -> Any:
    from transformers import AutoConfig

    from tui_ft.vram.catalogue import lookup

    entry = lookup(SAME_SHAPE.get(model, model))
    if entry is None:
        raise LookupError(f"the catalogue has no {model}")
    options = dict(entry.config)
    return AutoConfig.for_model(options.pop("model_type"), **options)


def name_of(setting: Any) -> str:
    model = setting.model.rpartition("/")[2]
    return (
        f"{model} {setting.quantization} r{setting.rank} {setting.batch}x{setting.length} {setting.attention}"
    )


if __name__ == "__main__":
    main()

"""The undisturbed run, to which every other is held."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from faults import rig
from faults.oracle import Reference, Untrue, digest, rows_of
from faults.world import World

from tui_ft.runs.truth import read_truth


def make(folder: Path) -> Reference:
    """Play it twice: with everything kept, then as all others; both must be the same, bit by bit."""
    kept = _run(folder / "kept", "checkpoints.keep=99")
    plain = _run(folder / "plain")
    if (kept.rows, kept.result) != (plain.rows, plain.result):
        raise Untrue("two undisturbed runs are not the same: nothing can be told from a third")
    kept.phases, kept.life_s, kept.end_s, kept.operations = (
        plain.phases,
        plain.life_s,
        plain.end_s,
        plain.operations,
    )
    return kept


def _run(folder: Path, *more: str) -> Reference:
    world = World(folder)
    began = time.time()
    rig.current = rig.Rig(die_role="any", die_at=1 << 30, counts=folder / "counts")
    world.start(*more)
    run = None
    try:
        done = world.wait(
            lambda: (run := world.run) is not None and read_truth(run).status in ("finished", "failed"), 600
        )
        run = world.run
        if run is None or not done or read_truth(run).status != "finished":
            log = "".join(path.read_text() for path in folder.glob("[lc]*") if path.is_file())
            raise Untrue(
                f"the undisturbed run did not finish: {run and read_truth(run)} {world.reap()} {log}"
            )
    finally:
        rig.current = rig.Rig()
        world.wait(lambda: world.pid("supervisor") is None, 10)
        world.end_all()
    measured = ("time", "tokens_per_s", "rss_gib", "step_s", "data_wait_s", "eval_runtime_s")
    steps, evaluations = rows_of(run.metrics)
    plain = [{step: {k: v for k, v in rows[0].items() if k not in measured} for step, rows in kind.items()}
             for kind in (steps, evaluations)]  # fmt: skip
    events = world.events()
    phases, last = [], events[-1]["time"]
    rows = [row for row in events if row["event"] == "phase"]
    for row, following in zip(rows, [*rows[1:], events[-1]], strict=True):
        phases.append((row["phase"], row["step"], row["time"], following["time"]))
    checkpoints = run.list_checkpoints()
    found = Reference(
        rows=plain[0],
        evaluations=plain[1],
        weights={step: digest(path / "adapter_model.safetensors") for step, path in checkpoints},
        result=digest(run.result / "adapter_model.safetensors"),
        phases=phases,
        files={path.name for path in checkpoints[0][1].iterdir()},
        life_s=last - began,
        end_s=last - max(begin for name, _, begin, _ in phases if name == "sampling"),
        operations={path.name: int(path.read_text()) for path in (folder / "counts").iterdir()},
    )
    shutil.rmtree(folder)
    return found

"""What to do after an end of each kind, where no detector says more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tui_ft.health.finding import Fix
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec.run_spec import RunSpec
from tui_ft.watch.ending_words import oom_evidence
from tui_ft.watch.endings import Ending
from tui_ft.watch.reading import Reading

_GO_ON: frozenset[Ending] = frozenset({
    "stopped", "budget", "guard", "preempted", "kernel_oom", "host_oom", "disk", "exception", "crash",
    "exit_code", "signal", "unwitnessed", "unsaid", "reboot", "lost", "elsewhere",
})  # fmt: skip


def fixes_for(
    ending: Ending, reading: Reading, run: RunDirectory, spec: RunSpec, *, has_checkpoint: bool
) -> list[Fix]:
    """The changes that this kind of end asks for, best first; then to go on as it is, or to begin again."""
    make = _OWN.get(ending)
    fixes = list(make(reading, run, spec)) if make is not None else []
    if ending in _GO_ON and has_checkpoint:
        fixes.append(Fix(name="resume", title="go on from the newest whole checkpoint", how="resume"))
    elif ending in _GO_ON or ending == "cut_off":
        fixes.append(Fix(name="restart", title="begin again: no checkpoint is left", how="restart"))
    return fixes


def _out_of_gpu_memory(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.oom_ladder import oom_fixes

    yield from oom_fixes(run, spec, read_gpus(), oom_evidence(reading))


def _out_of_memory(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    """Facts: domain, T10."""
    if spec.training.dataloader_workers != 0:
        yield Fix(
            name="no_workers",
            title="no data workers: each is a copy of the trainer's memory",
            how="resume",
            changes=["training.dataloader_workers=0"],
        )


def _full_disk(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    yield Fix(
        name="make_room",
        title="see what can be removed, with sizes (d); then resume",
        how="command",
        command=f"tui-ft prune {run.id}",
    )
    if spec.checkpoints.keep > 1:
        yield Fix(
            name="keep_one",
            title="keep only the newest checkpoint and the best",
            how="resume",
            changes=["checkpoints.keep=1"],
        )


_OWN: dict[Ending, Callable[[Reading, RunDirectory, RunSpec], Iterator[Fix]]] = {
    "cuda_oom": _out_of_gpu_memory,
    "eval_oom": _out_of_gpu_memory,
    "kernel_oom": _out_of_memory,
    "host_oom": _out_of_memory,
    "disk": _full_disk,
}

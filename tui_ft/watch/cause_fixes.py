"""What to do after an end of each kind, where no detector says more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tui_ft.errors import TuiFtError
from tui_ft.health.facts import facts_of
from tui_ft.health.finding import Fix
from tui_ft.health.fixes import disk_fixes, fitting, lighter_evaluations, no_workers
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
    if ending == "budget" and (more := _more_money(run, has_checkpoint)) is not None:
        return [more]
    make = _OWN.get(ending)
    fixes = list(make(reading, run, spec)) if make is not None else []
    if ending in _GO_ON and has_checkpoint:
        fixes.append(Fix(name="resume", title="go on from the newest whole checkpoint", how="resume"))
    elif ending in _GO_ON or ending == "cut_off":
        fixes.append(Fix(name="restart", title="begin again: no checkpoint is left", how="restart"))
    return fixes


def _more_money(run: RunDirectory, has_checkpoint: bool) -> Fix | None:
    """With the same budget it would be stopped again; money is for a person to allow. None: it was raised."""
    from tui_ft.runs.after import after_check
    from tui_ft.runs.resuming import changed_spec
    from tui_ft.runs.state import read_state

    try:
        state = read_state(run)
        if has_checkpoint and not after_check.used_up(run, state, changed_spec(run, state.attempt, ()).after):
            return None
        used = after_check.used_of(run, state)
    except TuiFtError:
        return None
    title = "go on with a higher budget" if has_checkpoint else "begin again with a higher budget"
    command = after_check.more_money(run, used, "resume" if has_checkpoint else "restart")
    return Fix(name="more_money", title=title, how="command", command=command)


def _out_of_gpu_memory(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    from tui_ft.hardware.gpu import read_gpus
    from tui_ft.runs.fixes.oom_ladder import oom_fixes

    yield from oom_fixes(run, spec, read_gpus(), oom_evidence(reading))


def _out_in_an_evaluation(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    yield from lighter_evaluations(facts_of(spec, run_id=run.id, total_steps=reading.total_steps))


def _out_of_memory(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    yield from fitting(no_workers(facts_of(spec)))


def _full_disk(reading: Reading, run: RunDirectory, spec: RunSpec) -> Iterator[Fix]:
    yield from disk_fixes(facts_of(spec, run_id=run.id))


_OWN: dict[Ending, Callable[[Reading, RunDirectory, RunSpec], Iterator[Fix]]] = {
    "cuda_oom": _out_of_gpu_memory,
    "eval_oom": _out_in_an_evaluation,
    "kernel_oom": _out_of_memory,
    "host_oom": _out_of_memory,
    "disk": _full_disk,
}

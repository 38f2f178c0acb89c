"""Carrying out a fix: what it would change and from where it would go on, and then doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Fix, How
from tui_ft.runs import checkpoints, launch, preflight
from tui_ft.runs.after import after_check
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.fixes import stopping
from tui_ft.runs.fixes.changes import Change, anew_title, changed, diff
from tui_ft.runs.launching import trainer_command
from tui_ft.runs.records import ENDED
from tui_ft.runs.requests import user_name
from tui_ft.runs.resuming import is_surely_over
from tui_ft.runs.truth import Truth, read_truth
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

_GOES_ON: frozenset[str] = frozenset({"stopped", "failed", "lost", "unknown"})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What carrying out a fix comes to.

    `how` is what would really be done, which `remark` explains where the fix says otherwise. `from_step` is
    the checkpoint that is gone on from: None for a new run, and for a live one that saves first. `again` is
    how many steps that are done now would be done again. `is_elsewhere`: it was last seen on another machine,
    and only a person knows whether it still runs there; `is_over_here`: on this one, before its last start.
    `ends_after_s`: it hangs, and is ended if it has not moved so long after it was asked to stop.
    """

    fix: Fix
    how: How
    changes: tuple[Change, ...] = ()
    from_step: int | None = None
    again: int | None = None
    is_live: bool = False
    is_over_here: bool = False
    is_elsewhere: bool = False
    ends_after_s: float | None = None
    remark: str = ""

    @property
    def text(self) -> str:
        """What happens, in a sentence."""
        if self.how == "command":
            return f"For you to run: {self.fix.command}" if self.fix.command else "For you to do."
        if self.ends_after_s is not None:
            return (
                "The run hangs: it is asked to stop, and ended without saving if it has not moved after "
                f"{self.ends_after_s:.0f} s. {self._text_after_the_end}"
            )
        if self.how == "restart":
            stop = "The run saves and stops; then a" if self.is_live else "A"
            return f"{stop} new run begins from step 0{self._with_changes}."
        if self.from_step is None:
            return "The run saves a checkpoint, stops, and goes on from there."
        stop = "The run stops and goes on" if self.is_live else "It goes on"
        return f"{stop} {self._from_there}."

    @property
    def _text_after_the_end(self) -> str:
        if self.how == "restart":
            return f"Then a new run begins from step 0{self._with_changes}."
        unless = "Unless it saves a newer one, it" if self.how == "resume" else "It"
        return f"{unless} goes on {self._from_there}."

    @property
    def _with_changes(self) -> str:
        return ", with the changes above" if self.changes else ""

    @property
    def _from_there(self) -> str:
        again = f"; {_steps(self.again)} done again" if self.again else ""
        return f"from the checkpoint of step {self.from_step}{again}"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every plan for a run rests on: what it does now, its spec, its whole checkpoints, newest first."""

    truth: Truth
    spec: RunSpec
    whole: tuple[int, ...]


def ground_of(run: RunDirectory) -> Ground:
    """Look at a run once, for several plans. Raises `TuiFtError` when its spec cannot be read."""
    truth = read_truth(run)
    steps = tuple(one.step for one in checkpoints.whole(run))
    return Ground(truth=truth, spec=toml.load(_spec_path(run, truth)), whole=steps)


def plan(run: RunDirectory, fix: Fix, step: int | None = None, ground: Ground | None = None) -> Plan:
    """Say what `fix` would do to `run` now; `step` is how far it is, for what would be done again.

    Raises `TuiFtError` for a fix that changes what a fix may not, or that does not suit the spec.
    """
    if fix.how == "command":
        return Plan(fix=fix, how="command")
    ground = ground_of(run) if ground is None else ground
    truth, before = ground.truth, ground.spec
    changes = diff(before, changed(before, fix))
    is_live = truth.status not in _GOES_ON and truth.status != "finished"
    is_over_here = truth.status == "unknown" and truth.state is not None and is_surely_over(run, truth.state)
    made = Plan(
        fix=fix, how=fix.how, changes=changes, is_live=is_live, is_over_here=is_over_here,
        is_elsewhere=truth.status == "unknown" and not is_over_here,
        ends_after_s=stopping.grace_s() if is_live and stopping.hangs(truth) else None,
    )  # fmt: skip
    if fix.how == "restart":
        return made
    if truth.status == "finished":
        return _anew(made, "The run has finished, so there is nothing to go on with.")
    try:
        launch.check_changes(run, fix.changes)
    except TuiFtError as error:
        return _anew(made, error.message)
    return _from_checkpoint(ground.whole, made, step)


def _from_checkpoint(whole: tuple[int, ...], made: Plan, step: int | None) -> Plan:
    is_before = made.how == "resume_before"
    if made.is_live and not is_before and made.ends_after_s is None:
        return made
    limit = made.fix.step if is_before else None
    usable = [one for one in whole if limit is None or one <= limit]
    if not usable:
        why = (
            f"No checkpoint of step {limit} or before is left"
            if whole and is_before
            else "No checkpoint is whole"
        )
        return _anew(made, f"{why}, so it begins again.")
    again = max(step - usable[0], 0) if step is not None else None
    return replace(made, from_step=usable[0], again=again)


def _anew(made: Plan, remark: str) -> Plan:
    fix = msgspec.structs.replace(made.fix, title=anew_title(made.fix.title))
    return replace(made, fix=fix, how="restart", remark=remark)


def carry_out(
    run: RunDirectory,
    made: Plan,
    runs_root: Path,
    *,
    by: str = "",
    say: Callable[[str], None] = lambda _: None,
    take_over: bool = False,
    patience_s: float = stopping.STOPS_WITHIN_S,
    trainer: Sequence[str] | None = None,
) -> RunDirectory:
    """Do what the plan says: stop a live run first, wait until it has, then go on. Returns the run that goes.

    What can be checked is, before a live run is stopped. Raises `TuiFtError`; what was stopped then stays
    stopped, with its checkpoint.
    """
    if made.how == "command":
        raise TuiFtError("This is for you to do.", made.fix.command or made.fix.title)
    with stopping.before_the_queue(run.path.parent):
        if _is_live(read_truth(run)):
            _require_possible(run, made, runs_root, trainer)
            may_hang = made.ends_after_s is not None
            say("The run is asked to stop." if may_hang else "The run saves a checkpoint and stops.")
            by = by or f"{user_name()} (fix {made.fix.name})"
            stopping.stop(run, by, patience_s, made.ends_after_s, say)
        return _go_on(run, made, runs_root, say, take_over, trainer)


def _require_possible(run: RunDirectory, made: Plan, runs_root: Path, trainer: Sequence[str] | None) -> None:
    """Raise `TuiFtError` for what a start would be refused for: settings, data, disk, money."""
    settings.load()
    trainer_command(trainer)
    truth = read_truth(run)
    if made.how == "restart":
        spec = overrides.apply(toml.load(_spec_path(run, truth)), made.fix.changes)
    else:
        spec = launch.check_changes(run, made.fix.changes)
    preflight.check(spec, runs_root)
    if made.how != "restart" and truth.state is not None:
        after_check.require_money_left(run, truth.state, spec.after)


def _go_on(
    run: RunDirectory, made: Plan, runs_root: Path, say: Callable[[str], None], take_over: bool,
    trainer: Sequence[str] | None,
) -> RunDirectory:  # fmt: skip
    changes = list(made.fix.changes)
    if made.how == "restart":
        say("A new run begins.")
        path = _spec_path(run, read_truth(run))
        spec = overrides.apply(toml.load(path), changes)
        return launch.start(spec, runs_root, text=toml.read(path), trainer=trainer)
    say("The run goes on.")
    return launch.resume(
        run,
        changes,
        take_over or made.is_over_here,
        # one that hangs may have moved after all, and saved a newer checkpoint than was there before
        from_step=made.from_step if made.ends_after_s is None or made.how == "resume_before" else None,
        fix=made.fix.name,
        trainer=trainer,
    )


def _is_live(truth: Truth) -> bool:
    return truth.status not in _GOES_ON and truth.status not in ENDED


def _spec_path(run: RunDirectory, truth: Truth) -> Path:
    """The spec of the newest attempt; of a run whose state is gone the first one."""
    path = run.attempt(truth.state.attempt if truth.state is not None else 1).spec
    return path if path.is_file() else run.spec


def _steps(count: int | None) -> str:
    return f"{count:,} step is" if count == 1 else f"{count or 0:,} steps are"

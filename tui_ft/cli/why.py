"""`tui-ft why`: how a run ended, or what is not well with one that goes on, and what to change."""

from __future__ import annotations

import argparse
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft import settings
from tui_ft.cli.printing import print_json, print_lines
from tui_ft.errors import TuiFtError
from tui_ft.runs.handles import handle
from tui_ft.runs.records import ACTIVE
from tui_ft.runs.truth import UNSUPERVISED

if TYPE_CHECKING:
    from tui_ft.health.finding import Finding, Fix
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.fixes.fixing import Plan
    from tui_ft.watch.found import FoundRun
    from tui_ft.watch.post_mortem import PostMortem
    from tui_ft.watch.reading import Reading

_WIDTH = 80
_AFTER = ("copy", "hook", "notify")
_MOST_DEEDS = 5
LOOK_EVERY_S = 0.1


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "why", parents=[common], help="how a run ended, or what is not well, and what to change"
    )
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--fix", metavar="NAME", help="show what this fix would change")
    parser.add_argument("--yes", action="store_true", help="carry the fix out")
    parser.add_argument(
        "--take-over", action="store_true", help="the run's other machine is known to be dead"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=why)


def why(arguments: argparse.Namespace) -> int:
    """Print the post-mortem or the findings; with --fix the change, and with --yes make it."""
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.watch.post_mortem import post_mortem

    found = _found(arguments)
    run = RunDirectory(found.path) if found.is_ours else None
    reading = _read(found)
    post = post_mortem(reading, run)
    if arguments.fix is not None:
        return _fix(arguments, run, reading, post)
    if arguments.yes:
        raise TuiFtError("--yes carries out a fix.", "Name it: --fix NAME, as `tui-ft why RUN` lists them.")
    if arguments.json:
        print_json(_as_json(reading, run, post))
    else:
        print_lines(_text(reading, run, post))
    return 0


def _found(arguments: argparse.Namespace) -> FoundRun:
    from tui_ft.watch.finding import resolve
    from tui_ft.watch.found import found_by_id

    root = settings.runs_root(arguments.runs_root)
    return found_by_id(root, arguments.run) or resolve(root, arguments.run)


def _read(found: FoundRun) -> Reading:
    from tui_ft.watch.foreign_run import open_run
    from tui_ft.watch.report import read_whole

    return read_whole(open_run(found))


def _fixes(reading: Reading, run: RunDirectory | None, post: PostMortem | None) -> list[Fix]:
    """What can be done about it, best first. Raises `TuiFtError` where the run's spec cannot be read."""
    from tui_ft.runs.fixes import fixing
    from tui_ft.watch.post_mortem import possible_fixes

    if post is not None or run is None:
        return list(post.fixes) if post is not None else []
    found = [fix for finding in reading.findings for fix in finding.fixes]
    return possible_fixes(run, found, fixing.ground_of(run), reading.step) if found else []


def _as_json(reading: Reading, run: RunDirectory | None, post: PostMortem | None) -> dict[str, Any]:
    import msgspec

    from tui_ft.watch import post_mortem

    return {
        "schema": 1,
        "id": run.id if run is not None else reading.title,
        "status": reading.status,
        "post_mortem": post_mortem.as_json(post) if post is not None else None,
        "findings": [msgspec.to_builtins(finding) for finding in reading.findings],
        "silenced": list(reading.silenced),
        "fixes": [msgspec.to_builtins(fix) for fix in _fixes(reading, run, post)],
    }


# --- as text -----------------------------------------------------------------------------------------


def _text(reading: Reading, run: RunDirectory | None, post: PostMortem | None) -> Iterator[str]:
    yield f"{run.id if run is not None else reading.title}: {reading.status}"
    if reading.reason == UNSUPERVISED:
        yield from _wrapped(
            "Unsupervised: its supervisor is gone and the training goes on, but nothing guards it. Any "
            "`tui-ft ls` gives it a new supervisor."
        )
    if post is not None:
        yield from _wrapped(post.headline)
        for name, text in post.evidence:
            yield from _wrapped(f"{name}: {text}", "  ")
        yield from _going_on(post)
    elif not reading.findings:
        from tui_ft.watch.no_problem import no_problem

        yield no_problem(reading)
    code = post.code if post is not None else ""
    for finding in sorted(reading.findings, key=lambda one: one.code != code):
        yield from _finding_text(finding)
    if post is not None:
        yield from _followed(reading)
    if reading.silenced:
        yield f"Silenced: {', '.join(reading.silenced)}."
        if run is not None and reading.status in ACTIVE:
            yield f"`tui-ft silence {handle(run)} {reading.silenced[-1]} --undo` hears of it again."
    yield from _fix_lines(reading, run, post)
    if post is not None and post.last_lines and not post.is_orderly:
        yield "Its last lines:"
        yield from (f"  {line}" for line in post.last_lines[-8:])


def _going_on(post: PostMortem) -> Iterator[str]:
    from tui_ft.watch.post_mortem import again_text

    if post.is_ours and post.ending not in ("finished", "cut_off"):
        yield from _wrapped(again_text(post.kept))


def _followed(reading: Reading) -> Iterator[str]:
    """What was done after the end: the copy, the hook and what it waits for."""
    for deed in [row for row in reading.deeds if row.deed in _AFTER][-_MOST_DEEDS:]:
        yield from _wrapped(f"{'' if deed.is_done else 'did not work: '}{deed.deed}: {deed.message}")


def _finding_text(finding: Finding) -> Iterator[str]:
    from tui_ft.watch.evidence import evidence_text

    yield from _wrapped(f"{finding.level}: {finding.message} ({finding.code})")
    yield from _wrapped(evidence_text(finding.evidence), "  ")


def _fix_lines(reading: Reading, run: RunDirectory | None, post: PostMortem | None) -> Iterator[str]:
    fixes = _fixes(reading, run, post)
    if run is None or not fixes:
        return
    yield "What to change:"
    for fix in fixes:
        yield from _wrapped(f"{fix.name}: {fix.title}" + (f" – {fix.command}" if fix.command else ""), "  ")
        for change in fix.changes:
            yield f"      --set {change}"
    if any(fix.how != "command" for fix in fixes):
        yield f"`tui-ft why {handle(run)} --fix NAME` shows what one would do, with --yes it does it."


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


# --- a fix -------------------------------------------------------------------------------------------


def _fix(
    arguments: argparse.Namespace, run: RunDirectory | None, reading: Reading, post: PostMortem | None
) -> int:
    from tui_ft.runs.fixes import fixing

    if run is None:
        raise TuiFtError(
            f"{reading.title} was not started by tui-ft: it can only be watched.", "Change it where it runs."
        )
    fixes = _fixes(reading, run, post)
    fix = next((one for one in fixes if one.name == arguments.fix), None)
    if fix is None:
        names = ", ".join(dict.fromkeys(one.name for one in fixes))
        raise TuiFtError(
            f"There is no fix {arguments.fix!r} for {run.id} now.",
            f"There are: {names}." if names else "There is none.",
        )
    made = fixing.plan(run, fix, reading.step)
    if not arguments.yes:
        _print_plan(run, made, arguments.json)
        return 0
    _require_over(run, made, arguments.take_over)
    began = time.monotonic()
    going = _carry_out(arguments, run, made)
    if arguments.json:
        print_json({"schema": 1, "id": going.id, "run": str(going.path), "fix": fix.name, "how": made.how})
    else:
        print(f"{going.id} goes, {time.monotonic() - began:.0f} s later.")
    return 0


def _carry_out(arguments: argparse.Namespace, run: RunDirectory, made: Plan) -> RunDirectory:
    """Wait for the process that does it; it goes on when this command is ended. Raises `TuiFtError`."""
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.runs.fixes import fix_process
    from tui_ft.runs.requests import user_name

    process = fix_process.begin(
        run, made, settings.runs_root(arguments.runs_root), take_over=arguments.take_over,
        by=f"{user_name()} (fix {made.fix.name})",
    )  # fmt: skip
    while True:
        for word in process.look():
            if word.error:
                raise TuiFtError(word.error, word.hint, exit_code=1)
            if word.run:
                return RunDirectory(Path(word.run))
            if not arguments.json:
                print(word.said, flush=True)
        time.sleep(LOOK_EVERY_S)


def _require_over(run: RunDirectory, made: Plan, take_over: bool) -> None:
    if made.is_elsewhere and made.how != "restart" and not take_over:
        raise TuiFtError(
            f"It is not known whether {run.id} still runs on the machine where it was last seen.",
            "If it surely does not: the same with --take-over.",
            exit_code=1,
        )


def _print_plan(run: RunDirectory, made: Plan, as_json: bool) -> None:
    if as_json:
        changes = [{"field": one.field, "old": one.old, "new": one.new} for one in made.changes]
        print_json({
            "schema": 1, "id": run.id, "fix": made.fix.name, "how": made.how, "changes": changes,
            "from_step": made.from_step, "again_steps": made.again, "text": made.text, "remark": made.remark,
        })  # fmt: skip
        return
    print_lines([made.fix.title, *(f"  {change.text}" for change in made.changes)])
    print_lines([line for text in (made.remark, made.text) if text for line in _wrapped(text)])
    if made.how != "command":
        print(f"`tui-ft why {handle(run)} --fix {made.fix.name} --yes` does it.")

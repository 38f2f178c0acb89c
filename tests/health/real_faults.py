# ruff: noqa: T201 - a program that prints
"""Real runs of the demo model that set each detector off in the time it promises, with no app open.

    python tests/health/real_faults.py ROOT [--only CODE …] [--at-once N]

Each fault is provoked for real where a box without a GPU allows it, and said to be played where not. It must
be found at its level, and within the steps or seconds that the detector's thresholds promise, counted from
the moment the fault began (`fault_bounds.py`); a healthy run of each method beside them must get no finding
at all. Prints what was found by which numbers, and a table. The README's figures come from here; it takes
some minutes and is no part of the normal tests.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(folder) for folder in Path(__file__).absolute().parents[1:3]]

from health import played_box  # noqa: E402 - the line above makes it importable
from health.fault_bounds import TOLD_S, Story  # noqa: E402
from health.fault_cases import CASES, Case, Stage, rows_of  # noqa: E402
from health.ill_trainer import provoked_file  # noqa: E402

from tui_ft.runs import control, launch, spawn  # noqa: E402
from tui_ft.runs import lock as locks  # noqa: E402
from tui_ft.runs.directory import RunDirectory  # noqa: E402
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, decode_health  # noqa: E402
from tui_ft.runs.records import ENDED  # noqa: E402
from tui_ft.runs.truth import read_truth  # noqa: E402
from tui_ft.spec import overrides  # noqa: E402
from tui_ft.spec.run_spec import RunSpec  # noqa: E402

HERE = Path(__file__).absolute().parent
LONGEST_S = 420.0
BASE = (
    "model.id=demo", "data.train=demo", "training.batch_size=4", "training.gradient_accumulation=1",
    "training.dataloader_workers=0", "notes.name=ill",
)  # fmt: skip
OVER = ENDED | {"lost"}
"""Nobody is there any more to find anything."""
_RESULT = "RESULT "


@dataclass
class Measured:
    """When it was found, against when it had to be: steps or seconds since the fault began, and how long
    after the row that shows it the word stood in the file.
    """

    took: float
    most: float
    unit: str
    told_s: float | None = None

    @property
    def is_in_time(self) -> bool:
        return self.took <= self.most and (self.told_s is None or self.told_s <= TOLD_S)

    def __str__(self) -> str:
        if self.unit == "s":
            return f"{self.took:.1f} s"
        return f"{self.took:.0f} steps, told {self.told_s or 0:.1f} s later"

    @property
    def bound(self) -> str:
        told = f", {TOLD_S:.0f} s" if self.unit == "steps" else ""
        return f"{self.most:.0f} {self.unit}{told}"


@dataclass
class Outcome:
    """What became of a case: `found` are all findings, `hit` is the one that was wanted."""

    case: Case
    run: RunDirectory
    found: list[FoundRow]
    others: list[str]
    seconds: float
    measured: Measured | None = None
    problem: str = ""

    @property
    def hit(self) -> FoundRow | None:
        return hit_of(self.case, self.found)

    @property
    def is_right(self) -> bool:
        if not self.case.code:
            return not self.found
        return self.measured is not None and self.measured.is_in_time


def hit_of(case: Case, found: list[FoundRow]) -> FoundRow | None:
    return next(
        (row for row in found if (row.finding.code, row.finding.level) == (case.code, case.level)), None
    )


# --- one case, in a process of its own -------------------------------------------------------------------


def carry_out(case: Case, root: Path) -> Outcome:
    folder = root / "data"
    folder.mkdir(parents=True)
    stage_box = played_box.of_environment()
    assert stage_box is not None
    if case.has_played_gpu:
        stage_box.set_gpu()
    if case.has_played_gpu or case.shift_s:
        take_played_supervisors(stage_box, case)
    changes = [*BASE, *case.changes, *(case.data(folder) if case.data is not None else ())]
    spec = overrides.apply(RunSpec(), changes)
    trainer = [sys.executable, str(HERE / "ill_trainer.py"), case.fault] if case.fault else None
    began = time.monotonic()
    run = launch.start(spec, root / "runs", trainer=trainer)
    try:
        if case.meanwhile is not None:
            case.meanwhile(Stage(run, stage_box))
        if case.stop_after_s is not None:
            end_after(run, case.stop_after_s, Stage(run, stage_box))
            run = launch.resume(run, case.then)
        wait_for_end(run, case)
    finally:
        end_now(run, Stage(run, stage_box))
        wait_for_supervisor(run)
    return read_outcome(case, run, time.monotonic() - began)


def take_played_supervisors(box: played_box.PlayedBox, case: Case) -> None:
    """Start the real supervisor through a script that plays the box first; and choose from its GPU, too."""
    real = spawn._start

    def start(run: RunDirectory, command: Any, descriptors: Any, environment: Any) -> Any:
        interpreter, dash_m, module, *rest = command
        assert (dash_m, module) == ("-m", "tui_ft.runs.supervisor")
        return real(run, [interpreter, str(HERE / "ill_supervisor.py"), *rest], descriptors, environment)

    spawn._start = start
    if case.has_played_gpu:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        box.install()


def end_after(run: RunDirectory, seconds: float, stage: Stage) -> None:
    stage.wait_for_steps(60)
    time.sleep(max(seconds - 10, 0))
    control.request(run, "stop", "a test")
    while read_truth(run).status not in OVER:
        time.sleep(0.2)


def wait_for_end(run: RunDirectory, case: Case) -> None:
    """Until it has ended or, of a run that would never end, until it was found out."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end and read_truth(run).status not in OVER:
        if case.code and hit_of(case, read_health(run)[0]) is not None:
            return
        time.sleep(0.3)


def end_now(run: RunDirectory, stage: Stage) -> None:
    if read_truth(run).status in OVER:
        return
    os.kill(stage.trainer_pid, signal.SIGCONT)
    control.request(run, "stop", "a test", now=True)
    while read_truth(run).status not in OVER:
        time.sleep(0.2)


def wait_for_supervisor(run: RunDirectory) -> None:
    """What a guard says of an end comes behind the state that tells of it."""
    end = time.monotonic() + 30
    while time.monotonic() < end and locks.is_locked(run.lock):
        time.sleep(0.1)


# --- what it left behind ---------------------------------------------------------------------------------


def read_health(run: RunDirectory) -> tuple[list[FoundRow], list[str]]:
    found: list[FoundRow] = []
    others: list[str] = []
    for line in rows_of(run.health):
        row = decode_health(line)
        if isinstance(row, FoundRow):
            found.append(row)
        elif isinstance(row, ClearedRow):
            others.append(f"cleared {row.code}: {row.message}")
        elif isinstance(row, DeedRow):
            others.append(f"{row.deed}: {row.message}")
    return found, others


def read_outcome(case: Case, run: RunDirectory, seconds: float) -> Outcome:
    found, others = read_health(run)
    outcome = Outcome(case, run, found, others, seconds)
    if outcome.hit is not None:
        try:
            outcome.measured = measure(case, run, outcome.hit)
        except (ValueError, KeyError, IndexError, StopIteration) as error:
            outcome.problem = f"nobody can say when the fault began: {type(error).__name__}: {error}"
    return outcome


def measure(case: Case, run: RunDirectory, hit: FoundRow) -> Measured:
    """How long it took from where the fault began; a clock that was set is set right again."""
    bound = case.bound
    if bound is None:
        raise ValueError("the case states no bound")
    file = provoked_file(run.path)
    story = Story(
        finding=hit.finding,
        metrics=[json.loads(line) for line in rows_of(run.metrics)],
        events=[json.loads(line) for line in rows_of(run.events)],
        hardware=[json.loads(line) for line in rows_of(run.hardware)],
        provoked=json.loads(file.read_bytes()) if file.exists() else None,
    )
    if bound.unit == "s":
        return Measured(hit.time - case.shift_s - bound.begin(story), bound.most, "s")
    step = hit.finding.step
    if step is None:
        raise ValueError("the finding names no step")
    shown = [row["time"] for row in story.metrics if row["step"] == step]
    # a step that the trainer itself refused to make has no row: it said so in an event, at once
    since = shown[-1] if shown else hit.finding.time
    return Measured(step - bound.begin(story), bound.most, "steps", hit.time - since)


def told_of(outcome: Outcome) -> str:
    """Everything that was found, with its numbers."""
    case = outcome.case
    lines = [
        f"{'ok ' if outcome.is_right else 'NOT'} {case.name:18} {case.how}"
        f"  [{outcome.run.id}, {read_truth(outcome.run).status}, {outcome.seconds:.0f} s]"
    ]
    if case.bound is not None:
        when = str(outcome.measured) if outcome.measured is not None else "never"
        bound = outcome.measured.bound if outcome.measured is not None else f"{case.bound.most:.0f}"
        lines.append(f"   found after {when}; bound {bound} ({case.bound.promise}) {outcome.problem}")
    for row in outcome.found:
        finding = row.finding
        fixes = [(fix.name, fix.how, fix.step, fix.changes or fix.command) for fix in finding.fixes]
        lines += [
            f"   {'>' if finding.code == case.code else ' '} {finding.level:8}{finding.code:16}"
            f"step {finding.step}: {finding.message}",
            f"     {json.dumps(finding.evidence)}",
            f"     fixes: {fixes}",
        ]
    return "\n".join([*lines, *(f"     {other}" for other in outcome.others)])


def result_of(outcome: Outcome) -> dict[str, Any]:
    case, measured = outcome.case, outcome.measured
    return {
        "is_right": outcome.is_right, "name": case.name, "how": case.how, "played": case.played,
        "level": case.level or "none", "found": str(measured) if measured is not None else "–",
        "bound": measured.bound if measured is not None else "–",
        "promise": case.bound.promise if case.bound is not None else "no finding",
        "findings": [(row.finding.code, row.finding.level) for row in outcome.found],
    }  # fmt: skip


# --- all of them -----------------------------------------------------------------------------------------


def in_a_child(case: Case, root: Path) -> dict[str, Any]:
    """Run a case in a process of its own, with its own settings, its played box and, if wanted, its disk."""
    folder = root / f"{case.name.replace(' ', '-')}-{CASES.index(case)}-{time.monotonic_ns()}"
    config, disk = folder / "config" / "tui-ft", folder / "disk"
    config.mkdir(parents=True)
    disk.mkdir()
    (config / "settings.toml").write_text(case.settings)
    command = [sys.executable, str(Path(__file__).absolute()), str(disk), "--number", str(CASES.index(case))]
    if case.tmpfs:
        script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
        command = ["unshare", "-Urm", "sh", "-c", script, "sh", case.tmpfs, str(disk), *command]
    environment = os.environ | {
        "XDG_CONFIG_HOME": str(config.parent), played_box.VARIABLE: str(folder / "box.json"),
    }  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2 * LONGEST_S)
    text, _, result = done.stdout.rpartition(_RESULT)
    print(f"{text.rstrip()}{done.stderr[-2000:]}", flush=True)
    if not result:
        return {
            "is_right": False, "name": case.name, "how": case.how, "played": case.played, "findings": [],
            "level": case.level or "none", "found": "no result", "bound": "–", "promise": "",
        }  # fmt: skip
    known: dict[str, Any] = json.loads(result)
    return known


def table(results: list[dict[str, Any]]) -> str:
    columns = ("name", "how", "played", "level", "found", "bound", "promise")
    lines = [f"| | {' | '.join(columns)} |", f"|{'---|' * (len(columns) + 1)}"]
    for one in sorted(results, key=lambda one: (one["level"] == "none", one["name"])):
        mark = "ok" if one["is_right"] else "NOT"
        lines.append(f"| {mark} | {' | '.join(str(one[column]) or 'no' for column in columns)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--only", nargs="*", help="codes, or titles of healthy runs")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--number", type=int, help="this one case alone, here: for its own process")
    options = parser.parse_args()
    root = options.root.absolute()
    if options.number is not None:
        alone = carry_out(CASES[options.number], root)
        print(told_of(alone))
        print(f"{_RESULT}{json.dumps(result_of(alone))}")
        return 0
    cases = [case for case in CASES if not options.only or case.name in options.only]
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        results = list(pool.map(lambda case: in_a_child(case, root), cases))
    print(f"\n{table(results)}\n")
    wrong = [one for one in results if not one["is_right"]]
    healthy = [one for one in results if one["level"] == "none"]
    words = [level for one in healthy for _, level in one["findings"]]
    print(f"{len(results)} runs, {len(wrong)} not as they should be; "
          f"{len(healthy)} healthy ones: {len(words)} findings, {words.count('error')} errors")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

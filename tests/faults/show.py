"""The course of a matrix: the warm parent, its cases side by side, and the table that is left."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults import accidents, cuts, plan, reference, warm
from faults.oracle import Reference, Skipped, Untrue
from faults.plan import Case
from faults.playing import Play
from faults.world import World

_PR_SET_PDEATHSIG = 1
CASE_S = 900.0
"""A case that takes longer hangs, and is a failure."""


@dataclass
class Running:
    case: Case
    folder: Path
    since: float


@dataclass
class Tally:
    results: list[dict[str, Any]] = field(default_factory=list)

    def failures(self) -> list[dict[str, Any]]:
        return [result for result in self.results if result["problem"]]


def run(options: argparse.Namespace, place: Path) -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # by way of all that cleans up
    _print(f"seed {options.seed}; importing")
    warm.import_all()
    _print(f"warm after {time.monotonic() - began:.0f} s; threads: {len(os.listdir('/proc/self/task'))}")
    undisturbed = reference.make(place / "reference")
    _print(f"undisturbed: {undisturbed.life_s:.1f} s, operations {undisturbed.operations}")
    cases = _chosen(options)
    tally = Tally()
    if any(case.kind == "cut" for case in cases):
        cuts.prepare(place / "stopped", undisturbed)
    warm_cases = [case for case in cases if case.kind != "cold"]
    _all(warm_cases, undisturbed, place, options, tally)
    _print(f"{time.monotonic() - began:.0f} s")
    _all([case for case in cases if case.kind == "cold"], undisturbed, place, options, tally)
    _table(tally, options, time.monotonic() - began)
    return 1 if tally.failures() else 0


def _chosen(options: argparse.Namespace) -> list[Case]:
    cases = plan.draw(options.seed, options.instants) + plan.cuts(options.seed, options.cuts)
    cases += plan.cold(options.seed, options.cold)
    if options.only:
        wanted = set(options.only.split(","))
        cases = [case for case in cases if name(case) in wanted]
    return cases


def name(case: Case) -> str:
    return {"cold": "c", "cut": "x"}.get(case.kind, "") + str(case.number)


def _all(
    cases: list[Case], undisturbed: Reference, place: Path, options: argparse.Namespace, tally: Tally
) -> None:
    waiting, running = list(cases), dict[int, Running]()
    while waiting or running:
        while waiting and len(running) < options.jobs:
            case = waiting.pop(0)
            folder = place / f"case-{name(case)}"
            folder.mkdir()
            running[_play_in_child(case, folder, undisturbed)] = Running(case, folder, time.monotonic())
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid in running:
            _done(running.pop(pid), options, tally)
            continue
        for pid, one in running.items():
            if time.monotonic() - one.since > CASE_S:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _play_in_child(case: Case, folder: Path, undisturbed: Reference) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    ctypes.CDLL(None).prctl(
        _PR_SET_PDEATHSIG, signal.SIGTERM
    )  # a matrix that is killed leaves no runs behind
    result: dict[str, Any] = {"problem": "", "skipped": "", "outcome": "", "hit": False}
    world = World(folder)
    play = Play(case, world, undisturbed, case.dice)
    try:
        accidents.player(case)(play)
    except Untrue as untrue:
        result["problem"] = str(untrue)
    except Skipped as skipped:
        result["skipped"] = str(skipped)
    except BaseException:  # noqa: BLE001 - whatever it is, it is a failure of this case alone
        result["problem"] = traceback.format_exc()
    finally:
        world = play.world
        world.end_all()
        result |= {
            "hit": play.hit, "outcome": play.outcome, "worst_s": play.worst_s, "grace_s": play.grace_s,
            "resumes": play.resumes, "compared": play.compared, "story": world.story,
        }  # fmt: skip
        (folder / "result.json").write_text(json.dumps(result))
        sys.stdout.flush()
        os._exit(0)


def _done(one: Running, options: argparse.Namespace, tally: Tally) -> None:
    try:
        result = json.loads((one.folder / "result.json").read_text())
    except (OSError, ValueError):
        result = {"problem": f"the case itself did not end within {CASE_S:.0f} s", "story": [], "hit": True}
        World(one.folder).end_all()
    result |= {"case": one.case, "seconds": time.monotonic() - one.since}
    tally.results.append(result)
    if len(tally.results) % 25 == 0:
        _print(f"{len(tally.results)} cases")
    if result["problem"]:
        _print(f"FAILURE {name(one.case)} ({one.case}): {result['problem']}")
        for line in result["story"]:
            _print(f"      {line}")
        if options.keep:
            _print(f"      {one.folder}")
            return
    shutil.rmtree(one.folder, ignore_errors=True)


def _table(tally: Tally, options: argparse.Namespace, seconds: float) -> None:
    done = [result for result in tally.results if not result.get("skipped")]
    kinds = Counter[tuple[str, str]]()
    for result in done:
        case = result["case"]
        for fault in case.faults or [None]:
            what = f"{case.kind} {fault.kind} {fault.target}" if fault else f"{case.kind} {case.target}"
            kinds[what.replace("signal ", ""), fault.phase if fault else "any"] += 1
    _print("\nfault, and in which phase how often:")
    for what in sorted({what for what, _ in kinds}):
        phases = {phase: n for (other, phase), n in kinds.items() if other == what}
        _print(
            f"  {what:32} {sum(phases.values()):4}  "
            + ", ".join(f"{p} {n}" for p, n in sorted(phases.items()))
        )
    phases = Counter(fault.phase for result in done for fault in result["case"].faults)
    _print("signals by phase: " + ", ".join(f"{phase} {count}" for phase, count in phases.most_common()))
    missed = Counter(str(result["case"]).partition(": ")[2] for result in done if not result["hit"])
    if missed:
        _print("over before their instant: " + "; ".join(f"{what} ({n})" for what, n in missed.items()))
    skipped = [result for result in tally.results if result.get("skipped")]
    for reason, count in Counter(result["skipped"] for result in skipped).items():
        _print(f"  skipped: {count}: {reason}")
    hits = [result for result in done if result["hit"]]
    _print(
        f"\n{len(done)} cases, {len(hits)} instants met, "
        f"{sum(len(result['case'].faults) or 1 for result in done)} faults, "
        f"{sum(result.get('resumes', 0) for result in done)} resumes, "
        f"{sum(result.get('compared', 0) for result in done)} rows compared bit by bit"
    )
    for outcome, count in Counter(result.get("outcome", "") for result in done).most_common():
        _print(f"  {outcome or 'no outcome'}: {count}")
    for key, what in (("worst_s", "status untrue for"), ("grace_s", "SIGTERM obeyed within")):
        longest = max(done, key=lambda result: result.get(key, 0.0), default=None)
        if longest is not None:
            _print(f"{what} {longest.get(key, 0.0):.2f} s at the longest ({longest['case']})")
    failures = tally.failures()
    _print(f"{len(failures)} failures in {seconds / 60:.1f} min; seed {options.seed}")
    if failures:
        again = ",".join(name(result["case"]) for result in failures)
        _print(f"again: --seed {options.seed} --only {again}")


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a program

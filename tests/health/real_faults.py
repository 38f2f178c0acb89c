# ruff: noqa: T201, E501 - a program that prints
"""Real runs of the demo model that set each detector off, with no app open.

    python tests/health/real_faults.py ROOT [--only CODE …] [--at-once N]

Each fault is provoked for real where a box without a GPU allows it, and said to be played where not. A healthy
run of each method beside them must be found to be well. Prints a table: what was found, when, by which numbers.
The figures in the README come from here; it takes some minutes and is no part of the normal tests.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tui_ft.health.finding import Finding
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, decode_health
from tui_ft.runs.records import ENDED, complete_lines
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

ILL_TRAINER = Path(__file__).with_name("ill_trainer.py")
LONGEST_S = 420.0
BASE = (
    "model.id=demo", "data.train=demo", "training.batch_size=4", "training.gradient_accumulation=1",
    "training.dataloader_workers=0", "notes.name=ill",
)  # fmt: skip


def trainer_pid(run: RunDirectory) -> int:
    return next(one.pid for one in read_state(run).processes if one.role == "trainer")


def stop_by_signal(run: RunDirectory) -> None:
    wait_for_steps(run, 5)
    os.kill(trainer_pid(run), signal.SIGSTOP)


def fill_the_disk(run: RunDirectory) -> None:
    """Leave less room than the next checkpoint takes, once one was written."""
    end = time.monotonic() + 120
    while time.monotonic() < end and not run.list_checkpoints():
        time.sleep(0.1)
    room = os.statvfs(run.path)
    (run.path.parent / "filler").write_bytes(b"x" * max(room.f_bavail * room.f_frsize - (1 << 20), 0))


def use_up_inodes(run: RunDirectory) -> None:
    """Make empty files until 3 % of the inodes are left: more than the trainer's own pause asks for."""
    folder = run.path.parent / "many"
    folder.mkdir()
    room = os.statvfs(run.path)
    for number in range(max(room.f_favail - int(room.f_files * 0.03), 0)):
        (folder / str(number)).touch()


def wait_for_steps(run: RunDirectory, steps: int) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and len(rows_of(run.metrics)) < steps:
        time.sleep(0.2)


def rows_of(path: Path) -> list[bytes]:
    try:
        return list(complete_lines(path.read_bytes()))
    except FileNotFoundError:
        return []


@dataclass
class Case:
    """A run and what it must be found to have: `code` at `level`; "" for a healthy one."""

    code: str
    how: str
    changes: Sequence[str] = ()
    fault: str = ""
    level: str = ""
    meanwhile: Callable[[RunDirectory], None] | None = None
    then: Sequence[str] = ()
    """Changes with which it is resumed once it has ended."""
    data: Callable[[Path], Sequence[str]] | None = None
    stop_after_s: float | None = None
    tmpfs: str = ""
    """Mount options of a small disk of its own, in a user namespace."""
    settings: str = ""
    """Lines of the user's settings.toml."""
    title: str = field(default="")


def gibberish(folder: Path) -> Sequence[str]:
    """A file of rows of another kind than the demo's, and the demo's own as the probe."""
    import random

    chance = random.Random(3)
    path = folder / "other.jsonl"
    words = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=6)) for _ in range(40)]
    rows = [
        {"instruction": " ".join(chance.choices(words, k=6)), "output": " ".join(chance.choices(words, k=12))}
        for _ in range(200)
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    from tui_ft.demo.paths import data_file

    return [f"data.train={path}", f"evaluation.probe={data_file()}"]


def few_bad_rows(folder: Path) -> Sequence[str]:
    """Mostly one easy row, and now and then one that fits nothing."""
    path = folder / "spikes.jsonl"
    easy = {"instruction": "Say yes.", "output": "Yes."}
    bad = {"instruction": "Say yes.", "output": "zqxj vkwp ### 0x9f \u00e9\u00e8 zqxj zzzz qqqq xxxx jjjj"}
    rows = [bad if number % 12 == 11 else easy for number in range(480)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return [f"data.train={path}", "data.eval_fraction=0"]


CASES = (
    Case("", "LoRA, the demo as it is", ["training.max_steps=150"], title="healthy lora"),
    Case("", "full fine-tuning", ["method.kind=full", "training.max_steps=100", "training.learning_rate=1e-4"],
         title="healthy full"),
    Case("", "the last layers", ["method.kind=last_layers", "training.max_steps=100",
                                 "training.learning_rate=1e-4"], title="healthy last_layers"),
    Case("", "DoRA with dropout", ["method.variant=dora", "method.dropout=0.1", "training.max_steps=80"],
         title="healthy dora"),
    Case("", "LoRA with packing", ["data.packing=true", "data.max_length=256", "training.max_steps=60"],
         title="healthy packing"),
    Case("", "stopped and resumed", ["training.max_steps=400"], stop_after_s=12,
         then=("training.epochs=3",), title="healthy resume"),
    Case("nonfinite", "a weight becomes NaN at step 10", ["training.max_steps=60"], "nan_weights=10", "error"),
    Case("divergence", "full fine-tuning at a rate of 0.3", [
        "method.kind=full", "training.learning_rate=0.3", "training.max_grad_norm=0", "training.max_steps=80",
        "training.warmup=10"], level="error"),
    Case("grad_spikes", "bad rows in easy data", [
        "method.kind=full", "training.learning_rate=1e-3", "training.batch_size=1", "training.max_steps=200",
        "training.max_grad_norm=0.3", "training.warmup=0"],
        data=few_bad_rows, level="warning"),
    Case("not_learning", "a rate of 1e-12", ["training.learning_rate=1e-12", "training.max_steps=150"],
         level="warning"),
    Case("not_learning", "gradients that are zero", ["training.max_steps=60"], "zero_gradients", "error"),
    Case("plateau", "a rate of 1e-12, 500 steps", [
        "training.learning_rate=1e-12", "training.max_steps=500", "training.schedule=constant",
        "training.batch_size=2"], level="note"),
    Case("overfitting", "sixteen rows, many times", [
        "method.kind=full", "training.learning_rate=5e-4", "data.limit=16", "training.max_steps=240",
        "evaluation.every_steps=20", "training.schedule=constant"], level="warning"),
    Case("forgetting", "training on gibberish, the demo's rows as the probe", [
        "method.kind=full", "training.learning_rate=1e-3", "training.max_steps=90",
        "evaluation.every_steps=15"], data=gibberish, level="warning"),
    Case("cuda_oom", "torch's own error, raised at step 8", ["training.max_steps=60"], "cuda_oom=8", "error"),
    Case("eval_oom", "the same in an evaluation", [
        "training.max_steps=60", "evaluation.every_steps=10"], "eval_oom", "error"),
    Case("host_oom", "address space limited to 3 GiB", ["training.max_steps=60"], "memory=3", "error"),
    Case("data_starvation", "each batch takes 0.3 s to come", ["training.max_steps=60"], "slow_data=0.3",
         "warning"),
    Case("hang", "SIGSTOP", ["training.max_steps=4000"], level="error", meanwhile=stop_by_signal),
    Case("hang", "a step that sleeps", ["training.max_steps=60"], "sleep=10", "error"),
    Case("bad_resume", "resumed at a hundred times the rate", [
        "method.kind=full", "training.max_steps=600", "training.learning_rate=2e-4"], stop_after_s=14,
        then=("training.learning_rate=0.05", "training.max_grad_norm=0"), level="error"),
    Case("disk", "a disk of 200 MiB that is filled up", [
        "training.max_steps=4000", "checkpoints.every_steps=40"], level="error", tmpfs="size=200m",
        meanwhile=fill_the_disk),
    Case("inodes", "a disk for 10,000 files, 97 % of them there", [
        "training.max_steps=4000", "checkpoints.every_steps=40"],
         level="warning", tmpfs="size=400m,nr_inodes=10000", meanwhile=use_up_inodes),
    Case("host_memory", "the real reading, against a threshold of 1 %", ["training.max_steps=4000"],
         level="warning", settings="[health]\nhost_memory_share = 0.01\n"),
    Case("slow_saves", "a save that takes 1 s, every 30 steps", [
        "training.max_steps=1500", "checkpoints.every_steps=30"], "slow_saves=1", "warning"),
)  # fmt: skip


@dataclass
class ChildOutcome:
    """What a program of its own told of a case that needs a disk or settings of its own."""

    case: Case
    text: str
    is_right: bool


@dataclass
class Outcome:
    case: Case
    run: RunDirectory
    findings: list[tuple[float, Finding]]
    others: list[str]
    seconds: float

    @property
    def hit(self) -> tuple[float, Finding] | None:
        return next(
            (one for one in self.findings
             if one[1].code == self.case.code and self.case.level in ("", one[1].level)), None,
        )  # fmt: skip

    @property
    def is_right(self) -> bool:
        if self.case.code:
            return self.hit is not None
        return not any(finding.level == "error" for _, finding in self.findings)


def in_a_child(case: Case, root: Path) -> ChildOutcome:
    """Run a case with its own small disk or its own settings."""
    folder = root / f"child-{time.monotonic_ns()}"
    config = folder / "config" / "tui-ft"
    config.mkdir(parents=True)
    (config / "settings.toml").write_text(case.settings)
    disk = folder / "disk"
    disk.mkdir()
    command = [sys.executable, str(Path(__file__).resolve()), str(disk), "--number", str(CASES.index(case))]
    if case.tmpfs:
        script = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
        command = ["unshare", "-Urm", "sh", "-c", script, "sh", case.tmpfs, str(disk), *command]
    environment = os.environ | {"XDG_CONFIG_HOME": str(config.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST_S + 60)
    return ChildOutcome(case, done.stdout.rpartition("1 runs")[0] + done.stderr[-2000:], done.returncode == 0)


def carry_out(case: Case, root: Path) -> Outcome:
    folder = root / "data" / f"{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    changes = [*BASE, *case.changes, *(case.data(folder) if case.data is not None else ())]
    spec = overrides.apply(RunSpec(), changes)
    trainer = [sys.executable, str(ILL_TRAINER), case.fault] if case.fault else None
    began = time.monotonic()
    run = launch.start(spec, root / "runs", trainer=trainer)
    if case.meanwhile is not None:
        case.meanwhile(run)
    if case.stop_after_s is not None:
        end_after(run, case.stop_after_s)
        run = launch.resume(run, case.then)
    wait_for_end(run, case)
    end_now(run)
    return read_outcome(case, run, time.monotonic() - began)


def end_after(run: RunDirectory, seconds: float) -> None:
    from tui_ft.runs import control

    wait_for_steps(run, 60)
    time.sleep(max(seconds - 10, 0))
    control.request(run, "stop", "a test")
    while read_truth(run).status not in ENDED:
        time.sleep(0.2)


def wait_for_end(run: RunDirectory, case: Case) -> None:
    """Until it has ended or, of a run that would never end, until it was found out."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end and read_truth(run).status not in ENDED:
        if case.code and any(f'"code":"{case.code}"'.encode() in row and f'"level":"{case.level}"'.encode() in row
                             for row in rows_of(run.health)):  # fmt: skip
            return
        time.sleep(0.3)


def end_now(run: RunDirectory) -> None:
    from tui_ft.runs import control

    if read_truth(run).status in ENDED:
        return
    os.kill(trainer_pid(run), signal.SIGCONT)
    control.request(run, "stop", "a test", now=True)
    while read_truth(run).status not in ENDED:
        time.sleep(0.2)


def read_outcome(case: Case, run: RunDirectory, seconds: float) -> Outcome:
    findings, others = [], []
    for line in rows_of(run.health):
        row = decode_health(line)
        if isinstance(row, FoundRow):
            findings.append((row.time, row.finding))
        elif isinstance(row, ClearedRow):
            others.append(f"cleared {row.code}: {row.message}")
        elif isinstance(row, DeedRow):
            others.append(f"{row.deed}: {row.message}")
    return Outcome(case, run, findings, others, seconds)


def tell(outcome: Outcome | ChildOutcome) -> None:
    case = outcome.case
    if isinstance(outcome, ChildOutcome):
        print(outcome.text.rstrip(), flush=True)
        return
    print(f"{'ok ' if outcome.is_right else 'NOT'} {case.code or case.title:18} {case.how}"
          f"  [{outcome.run.id}, {read_truth(outcome.run).status}, {outcome.seconds:.0f} s]")  # fmt: skip
    for at, finding in outcome.findings:
        mark = ">" if finding.code == case.code else " "
        late = f"after {at - finding.time:.0f} s" if at - finding.time > 1 else ""
        print(f"   {mark} {finding.level:8}{finding.code:16}step {finding.step}: {finding.message} {late}")
        print(f"     {json.dumps(finding.evidence)}")
        print(
            f"     fixes: {[(fix.name, fix.how, fix.step, fix.changes or fix.command) for fix in finding.fixes]}"
        )
    for other in outcome.others:
        print(f"     {other}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--number", type=int, help="this one case alone, here")
    options = parser.parse_args()
    if options.number is not None:
        alone = carry_out(CASES[options.number], options.root)
        tell(alone)
        print("1 runs")
        return 0 if alone.is_right else 1
    cases = [
        case for case in CASES if not options.only or (case.code or case.title) in options.only
    ]  # fmt: skip
    overrides.apply(
        RunSpec(), BASE
    )  # msgspec builds what it knows of a type at first use: not in two threads
    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        outcomes: list[Outcome | ChildOutcome] = []
        for done in concurrent.futures.as_completed(
            [
                pool.submit(in_a_child if case.tmpfs or case.settings else carry_out, case, options.root)
                for case in cases
            ]
        ):
            outcomes.append(done.result())
            tell(outcomes[-1])
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    healthy = [one for one in outcomes if isinstance(one, Outcome) and not one.case.code]
    alarms = sum(finding.level == "error" for one in healthy for _, finding in one.findings)
    words = sum(len(one.findings) for one in healthy)
    print(f"{len(outcomes)} runs, {len(wrong)} not as they should be; "
          f"{len(healthy)} healthy ones: {words} findings, {alarms} of them errors")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""All detectors together: nothing that a row can hold makes one fail, and every fix can be carried out."""

from __future__ import annotations

import ast
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from detector_rows import facts, feed, feed_losses, made, noisy, spec, step
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_ft.errors import TuiFtError
from tui_ft.health import thresholds
from tui_ft.health.detector import Cleared, Detector
from tui_ft.health.divergence import Divergence
from tui_ft.health.finding import Code, Finding
from tui_ft.health.learning import NotLearning
from tui_ft.health.rows import Machine, Step
from tui_ft.health.spikes import GradientSpikes
from tui_ft.health.thresholds import Thresholds, with_changes
from tui_ft.health.watcher import DETECTORS, OUR_CODES, STOPS_AT, Watcher
from tui_ft.spec import overrides

WORDS = st.sampled_from(["NaN", "Infinity", "-Infinity", "", "x", None, True])
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(), st.just(10**400), st.just(1e308), WORDS
)
ROWS = st.dictionaries(
    st.sampled_from(
        [
            "step",
            "time",
            "loss",
            "grad_norm",
            "learning_rate",
            "step_s",
            "data_wait_s",
            "eval_loss",
            "probe_loss",
        ]
    ),
    NUMBERS,
)
MAYBE = st.one_of(st.none(), st.floats(0, 1e12))


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=80), st.sampled_from(["lora", "full", "last_layers"]))
def test_no_row_makes_a_detector_fail(rows: list[dict[str, object]], method: str) -> None:
    watcher = Watcher(facts(f"method.kind={method}"))
    said: list[Finding | Cleared] = []
    for number, row in enumerate(rows, 1):
        said += watcher.row({"step": number, "time": float(number)} | row, float(number))
    for one in said:
        if isinstance(one, Finding):
            assert json.dumps(msgspec.to_builtins(one.evidence), allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, st.booleans()), max_size=60))
def test_no_machine_makes_a_detector_fail(seen: list[tuple[object, ...]]) -> None:
    watcher = Watcher(facts())
    watcher.phase("training", 0.0)
    for at, (used, total, memory, limit, disk, is_stopped) in enumerate(seen):
        watcher.machine(
            Machine(
                float(at), utilization=used, gpu_used_gib=used, gpu_total_gib=total, memory_used_gib=memory,  # type: ignore[arg-type]
                memory_limit_gib=limit, disk_free_gib=disk, is_stopped=bool(is_stopped), power_w=total,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        watcher.tick(float(at), float(at))


def test_every_code_has_one_detector_or_another_finder() -> None:
    assert set(get_args(Code)) - set(OUR_CODES) == {"budget", "idle", "ended", "copy"}
    assert len({kind.code for kind in DETECTORS}) == len(DETECTORS)
    assert set(STOPS_AT) <= OUR_CODES


@pytest.mark.parametrize("method", ["lora", "full", "last_layers"])
@pytest.mark.parametrize("quantization", ["", "nf4"])
@pytest.mark.parametrize("compute", ["float16", "bfloat16", "float32"])
def test_every_fix_of_every_detector_can_be_carried_out(method: str, quantization: str, compute: str) -> None:
    if quantization and method != "lora":
        return
    changes = [f"method.kind={method}", "training.gradient_checkpointing=false", "training.batch_size=8"]
    if quantization:
        changes.append(f"method.quantization={quantization}")
    known = facts(*changes, compute=compute, has_bf16=True, cores=8)
    for finding in everything_wrong(Watcher(known)):
        for fix in finding.fixes:
            if fix.how == "command":
                assert fix.command
                continue
            changed = overrides.apply(spec(*changes), fix.changes)
            before, after = spec(*changes).training, changed.training
            if fix.how == "resume":  # only the same rows in the same order can be gone on with
                assert (
                    before.batch_size * before.gradient_accumulation
                    == after.batch_size * after.gradient_accumulation
                )
            assert fix.title
            assert fix.how != "resume_before" or fix.step is not None


def everything_wrong(watcher: Watcher) -> list[Finding]:
    """What detectors say of a run in which everything goes wrong, one thing after another."""
    findings = [one for one in say_everything(watcher) if isinstance(one, Finding)]
    assert len({finding.code for finding in findings}) >= 13
    return findings


def say_everything(watcher: Watcher) -> list[Finding | Cleared]:
    said: list[Finding | Cleared] = []
    losses = noisy(1.0, 0.02)
    for number in range(1, 200):
        norm = 90.0 if number > 150 and number % 7 == 0 else 0.0 if 30 < number < 45 else 1.0
        said += watcher.row(
            {"step": number, "time": float(number), "loss": next(losses), "grad_norm": norm, "step_s": 1.0,
             "data_wait_s": 0.9}, float(number),
        )  # fmt: skip
        if number % 20 == 0:
            train = 1.0 + number / 100
            said += watcher.row({"step": number, "eval_loss": train, "probe_loss": train}, float(number))
    said += watcher.warning("nonfinite", "NaN", 200, {"in_a_row": 2, "last_good_checkpoint": 150}, 200.0)
    said += watcher.warning("disk", "Full", 200, {}, 200.0)
    for number in range(200, 260):
        said += watcher.row({"step": number, "loss": 5.0 + number, "grad_norm": 1.0}, float(number))
        said += watcher.checkpoint(number, 1.0, 5.0, number * 10.0)
        said += watcher.machine(
            Machine(float(number), memory_used_gib=99.0, memory_limit_gib=100.0, throttle="too hot",
                    utilization=0.0, inodes_free=1)
        )  # fmt: skip
        said += watcher.tick(float(number), float(number))
    said += watcher.resumed(180, 300.0)
    for number in range(181, 190):
        said += watcher.row({"step": number, "loss": 700.0}, float(number))
    said += watcher.ended("cuda_oom", "", "", 400.0)
    said += watcher.phase("evaluating", 400.0)
    said += watcher.ended("cuda_oom", "", "", 400.0)
    said += watcher.ended("host_oom", "", "", 400.0)
    return said


def test_thresholds_have_names_and_bounds() -> None:
    assert with_changes({"hang_s": 30}).hang_s == 30
    with pytest.raises(TuiFtError, match="hangs") as wrong:
        with_changes({"hangs_s": 30})
    assert "hang_s" in wrong.value.hint
    for name, value in (("hang_s", -1.0), ("hang_s", math.nan), ("divergence_rows", 0.0)):
        with pytest.raises(TuiFtError, match=name):
            with_changes({name: value})
    assert thresholds.Thresholds() == Thresholds()


LEAST = dict.fromkeys(Thresholds.__struct_fields__, 1.0)


@pytest.mark.parametrize("changes", [LEAST, {"saves_wanted_share": 0.0}, {"divergence_least_loss": 0.0}])
def test_no_value_that_a_user_may_give_ends_a_detector(changes: dict[str, float]) -> None:
    limits = with_changes(changes)
    say_everything(Watcher(facts(), limits))
    feed_losses(made(Divergence, limits=limits), [0.0] * 20 + [9.0] * 40)
    saves = Watcher(facts(), limits)
    for at in range(9):
        saves.checkpoint(at, 1.0, 30.0, at * 40.0)


def test_a_number_beside_a_detector_says_why_it_is_no_threshold() -> None:
    """What decides an alarm is data that a user may change; the rest says what it is there for."""
    for path in sorted(Path(thresholds.__file__).parent.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for here, following in pairwise([*body, ast.Pass()]):
            if not isinstance(here, ast.Assign) or not isinstance(here.value, ast.Constant):
                continue
            if not isinstance(here.value.value, (int, float)) or path.name in ("rows.py", "oom.py"):
                continue
            says = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            assert says, f"{path.name}: {ast.unparse(here)}"


LOW = [step(at, 0.5, 0.0) for at in range(40)]
RISEN = [step(at, 2.0 if at < 20 else 9.0) for at in range(25)]
JUMPED = [step(at, 2.0, 1.0 if at < 30 else 500.0) for at in range(31)]


@pytest.mark.parametrize(
    ("kind", "changes", "rows"),
    [
        (Divergence, {"divergence_minimum_rows": 60}, RISEN),
        (NotLearning, {"learning_least_loss": 1.0, "learning_norm": 0.0}, LOW),
        (GradientSpikes, {"spike_least_rows": 60}, JUMPED),
        (GradientSpikes, {"spike_long_ratio": 600, "spike_ratio": 600}, JUMPED),
    ],
)
def test_what_decides_an_alarm_is_the_users_to_change(
    kind: type[Detector], changes: dict[str, float], rows: list[Step]
) -> None:
    assert feed(made(kind), rows)
    assert not feed(made(kind, limits=with_changes(changes)), rows)


def test_whoever_was_stopped_himself_saw_no_silence() -> None:
    watcher = Watcher(facts())
    watcher.phase("training", 0.0)
    watcher.row({"step": 1, "time": 1.0, "loss": 1.0}, 1.0)
    for at in (1.0, 2.0, 9000.0, 9001.0):
        watcher.machine(Machine(at, cores=0.0))
        assert watcher.tick(at, at) == []

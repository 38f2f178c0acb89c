"""Detectors of the machine, of time and of ends: what they find, within which time, and what is healthy."""

from __future__ import annotations

from itertools import pairwise

import pytest
from detector_rows import facts, feed, fix_names, made, step

from tui_ft.health.clock import ClockJump
from tui_ft.health.detector import Cleared, Detector, Said
from tui_ft.health.endings import CudaOom, EvaluationOom, HostOom
from tui_ft.health.finding import Finding
from tui_ft.health.hang import Hang
from tui_ft.health.memory import HostMemory, LeakedGpuMemory
from tui_ft.health.pace import DataStarvation, SlowSaves
from tui_ft.health.room import Disk, Inodes
from tui_ft.health.rows import Evaluation, Holder, Machine
from tui_ft.health.thresholds import Thresholds
from tui_ft.health.throttling import Throttling

OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of "
    "23.65 GiB of which 1.66 GiB is free."
)


def found(said: Said) -> Finding:
    assert isinstance(said, Finding)
    return said


def said_of(detector: Detector, *seen: Machine) -> list[Finding | Cleared]:
    return feed(detector, seen)


# --- memory --------------------------------------------------------------------------------------------


def test_memory_that_stays_nearly_full_is_found_after_twenty_seconds() -> None:
    detector = made(HostMemory, "training.dataloader_workers=4")
    seen = [Machine(float(at), memory_used_gib=9.3, memory_limit_gib=10.0) for at in range(30)]
    assert said_of(detector, *seen[:20]) == []
    (finding,) = said_of(detector, *seen[20:])
    assert (found(finding).level, found(finding).evidence["share"]) == ("warning", 0.93)
    assert fix_names(found(finding)) == ["no_workers"]
    worse = said_of(detector, Machine(31.0, memory_used_gib=9.8, memory_limit_gib=10.0))[0]
    assert (found(worse).level, found(worse).time) == ("error", found(finding).time)
    assert isinstance(
        said_of(detector, Machine(32.0, memory_used_gib=5.0, memory_limit_gib=10.0))[0], Cleared
    )


def test_memory_that_is_full_for_a_moment_is_nothing() -> None:
    seen = [
        Machine(float(at), memory_used_gib=9.9 if at % 15 else 1.0, memory_limit_gib=10.0) for at in range(60)
    ]
    assert said_of(made(HostMemory), *seen) == []


def test_dead_processes_that_hold_the_gpu_are_named() -> None:
    holders = (Holder(77, 12.0, "", False), Holder(99, 2.0, "python", True), Holder(5, 0.1, "Xorg", True))
    seen = Machine(1.0, gpu_used_gib=23.0, gpu_total_gib=24.0, holders=holders)
    finding = found(said_of(made(LeakedGpuMemory), seen)[0])
    assert finding.evidence["held_by_others_gib"] == 14.0
    assert finding.evidence["dead"] == 1
    assert "process 77" in finding.message
    assert finding.evidence["holders"][0] == "process 77, which is dead: 12.00 GiB"  # type: ignore[index]
    assert [fix.command for fix in finding.fixes] == ["kill 99", "fuser -v /dev/nvidia*"]


def test_what_nobody_knows_of_is_no_zero_and_our_own_runs_are_not_to_be_killed() -> None:
    holders = (Holder(7, None, "python", True), Holder(8, None, "python", True, is_ours=True))
    seen = Machine(1.0, gpu_used_gib=23.0, gpu_total_gib=24.0, holders=holders)
    finding = found(said_of(made(LeakedGpuMemory), seen)[0])
    assert finding.evidence["held_by_others_gib"] is None
    assert "0.0 GiB" not in finding.message
    assert [fix.command for fix in finding.fixes] == ["kill 7"]


@pytest.mark.parametrize(
    "seen",
    [
        Machine(1.0, gpu_used_gib=10.0, gpu_total_gib=80.0, holders=(Holder(99, 5.0, "python", True),)),
        Machine(1.0, gpu_used_gib=23.5, gpu_total_gib=24.0, holders=()),
        Machine(1.0, gpu_used_gib=23.5, gpu_total_gib=24.0, holders=None),
        Machine(1.0, holders=(Holder(99, 5.0, "python", True),)),
    ],
)
def test_a_gpu_with_room_or_with_us_alone_is_no_leak(seen: Machine) -> None:
    assert said_of(made(LeakedGpuMemory), seen) == []


# --- ends ----------------------------------------------------------------------------------------------


def test_the_ladder_after_an_oom_keeps_the_effective_batch() -> None:
    detector = made(CudaOom, "training.batch_size=8", "training.gradient_accumulation=2")
    detector.phase("training", 1.0)
    detector.step(step(900), 900.0)
    finding = found(detector.ended("cuda_oom", "The GPU ran out of memory", OOM, 1000.0))
    assert (finding.level, finding.step, finding.evidence["asked_gib"]) == ("error", 900, 2.5)
    for fix in finding.fixes:
        values = dict(change.split("=") for change in fix.changes)
        if "training.batch_size" in values:
            product = int(values["training.batch_size"]) * int(values["training.gradient_accumulation"])
            assert product == 16
            assert fix.how == "resume"
    assert fix_names(finding)[0] == "smaller_batch"


def test_an_oom_in_an_evaluation_is_told_apart() -> None:
    trained, evaluated = made(CudaOom), made(EvaluationOom)
    for detector in (trained, evaluated):
        detector.step(step(10), 1.0)
        detector.phase("evaluating", 2.0)
    assert trained.ended("cuda_oom", OOM, "", 3.0) is None
    assert "evaluation" in found(evaluated.ended("cuda_oom", OOM, "", 3.0)).message


def test_an_oom_in_an_evaluation_is_a_warning_until_a_row_at_a_time_has_room() -> None:
    detector = made(EvaluationOom, "training.batch_size=8")
    said = found(detector.warning("eval_oom", "Once more.", 10, {"phase": "evaluating"}, 1.0))
    assert (said.level, said.fixes) == ("warning", [])
    assert isinstance(detector.evaluation(Evaluation(10, 2.0, 1.5), 2.0), Cleared)
    last = found(detector.ended("cuda_oom", OOM, "", 3.0))
    assert fix_names(last) == ["shorter_rows", "evaluate_last", "no_evaluation", "qlora"]
    assert not any("batch_size" in change for fix in last.fixes for change in fix.changes)


def test_an_evaluation_that_was_survived_says_nothing_of_a_later_end() -> None:
    detector = made(CudaOom, "training.batch_size=8")
    detector.phase("evaluating", 1.0)
    detector.warning("eval_oom", "Once more.", 10, {"phase": "evaluating", "asked_gib": 9.0}, 1.5)
    detector.phase("training", 2.0)
    said = found(detector.ended("cuda_oom", OOM, "", 3.0))
    assert (said.evidence["phase"], said.evidence["asked_gib"]) == ("training", 2.5)
    assert fix_names(said)[0] == "smaller_batch"


def test_the_trainers_word_on_the_phase_counts_more_than_the_last_event() -> None:
    trained, evaluated = made(CudaOom), made(EvaluationOom)
    for detector in (trained, evaluated):
        detector.phase("training", 2.0)
        detector.warning("eval_oom", "", 10, {"phase": "evaluating", "asked_gib": 1.0}, 2.5)
    assert trained.ended("cuda_oom", "", "", 3.0) is None
    assert found(evaluated.ended("cuda_oom", "", "", 3.0)).evidence["asked_gib"] == 1.0


def test_the_machines_memory_is_told_apart_from_the_gpus() -> None:
    detector = made(HostOom)
    detector.machine(Machine(1.0, memory_used_gib=15.9, memory_limit_gib=16.0, trainer_gib=15.0))
    finding = found(detector.ended("host_oom", "The kernel killed the trainer.", "", 2.0))
    assert finding.evidence["limit_gib"] == 16.0
    assert made(HostOom).ended("cuda_oom", OOM, OOM, 1.0) is None
    assert made(CudaOom).ended("host_oom", "", "MemoryError", 1.0) is None


# --- waiting ---------------------------------------------------------------------------------------------


def test_waiting_for_data_is_found_within_twenty_steps_and_ten_seconds() -> None:
    detector = made(DataStarvation, "training.dataloader_workers=0", cores=16)
    rows = [step(at, step_s=1.0, data_wait_s=0.5) for at in range(1, 40)]
    finding = found(feed(detector, rows)[0])
    assert (finding.step, finding.evidence["wait_share"]) == (21, 0.5)
    assert finding.fixes[0].changes == ["training.dataloader_workers=4"]
    calm = feed(detector, [step(at, step_s=1.0, data_wait_s=0.01) for at in range(40, 80)])
    assert isinstance(calm[0], Cleared)


def test_a_busy_gpu_or_little_waiting_is_no_starvation() -> None:
    detector = made(DataStarvation, is_gpu=True)
    feed(detector, [Machine(float(at), utilization=97.0) for at in range(30)])
    assert feed(detector, [step(at, step_s=1.0, data_wait_s=0.5) for at in range(1, 40)]) == []
    assert feed(made(DataStarvation), [step(at, step_s=1.0, data_wait_s=0.1) for at in range(1, 99)]) == []
    assert feed(made(DataStarvation), [step(at) for at in range(1, 99)]) == []


def test_saves_that_cost_too_much_are_found_after_a_minute() -> None:
    detector = made(SlowSaves, "checkpoints.every_steps=10")
    said = [detector.checkpoint(at, 0.5, 6.0, at * 1.0) for at in range(0, 100, 10)]
    finding = found(next(one for one in said if one is not None))
    assert (finding.level, finding.evidence["share"]) == ("warning", 0.6)
    assert finding.fixes[0].changes == ["checkpoints.every_steps=none", "checkpoints.every_minutes=5"]
    cheap = made(SlowSaves)
    assert [cheap.checkpoint(at, 0.5, 0.1, at * 1.0) for at in range(0, 100, 10)] == [None] * 10


# --- a hang ------------------------------------------------------------------------------------------------


def silence(detector: Hang, seconds: int, first: int = 0, **seen: object) -> list[Finding]:
    """Nothing comes for so many seconds, in which the machine shows `seen`."""
    said = []
    for at in range(first, first + seconds):
        detector.machine(Machine(float(at), **seen))  # type: ignore[arg-type]
        said.append(detector.tick(float(at), float(at)))
    return [one for one in said if isinstance(one, Finding)]


def trained(*changes: str, **more: object) -> Hang:
    detector = Hang(facts(*changes, **more), Thresholds(), pid=4711)
    detector.phase("training", 0.0)
    for at in range(1, 30):
        detector.step(step(at), float(at))
    return detector


def test_a_silent_run_with_an_idle_gpu_hangs_after_two_minutes() -> None:
    findings = silence(trained(is_gpu=True), 200, utilization=0.0)
    assert [finding.level for finding in findings] == ["warning"]
    assert findings[0].evidence["quiet_s"] == 120.0
    assert findings[0].evidence["gpu_utilization"] == 0.0
    assert [fix.how for fix in findings[0].fixes] == ["resume", "command"]


def test_it_is_an_error_once_gpu_and_trainer_were_idle_for_ten_minutes() -> None:
    findings = silence(trained(is_gpu=True), 700, utilization=0.0, cores=0.001)
    assert [(one.level, one.evidence["idle_s"]) for one in findings] == [("warning", 120.0), ("error", 600.0)]
    assert "the GPU and the trainer do nothing" in findings[0].message
    assert findings[1].evidence["cores"] == 0.001


def test_a_trainer_at_work_beside_an_idle_gpu_is_no_hang() -> None:
    assert silence(trained(is_gpu=True), 1000, utilization=0.0, cores=8.0) == []
    detector = trained(is_gpu=True)
    assert silence(detector, 500, utilization=0.0, cores=4.0) == []
    idle = silence(detector, 700, first=500, utilization=0.0, cores=0.0)  # what came before is not idle time
    assert [(one.level, one.evidence["idle_s"]) for one in idle] == [("warning", 20.0), ("error", 600.0)]


def test_on_a_cpu_an_idle_trainer_hangs() -> None:
    assert len(silence(trained(), 200, cores=0.001)) == 1


@pytest.mark.parametrize("seen", [{"utilization": 80.0}, {"utilization": None}])
def test_a_gpu_at_work_or_unknown_is_no_hang(seen: dict[str, float | None]) -> None:
    assert silence(trained(is_gpu=True), 300, **seen) == []


def test_a_slow_step_is_no_hang() -> None:
    detector = trained(is_gpu=True)
    for at in range(100, 5000, 100):
        detector.step(step(at, rate=1e-4), float(at))
    assert silence(detector, 400, utilization=0.0) == []


def test_neither_loading_nor_saving_nor_a_pause_hangs() -> None:
    for phase in ("loading model", "downloading", "saving", "paused", "preparing data"):
        detector = trained(is_gpu=True)
        detector.phase(phase, 1.0)
        assert silence(detector, 3000, utilization=0.0) == []


def test_compiling_before_the_first_step_is_no_hang() -> None:
    detector = Hang(facts(is_gpu=True), Thresholds())
    detector.phase("training", 0.0)
    assert silence(detector, 600, utilization=0.0, cores=1.0) == []


def test_an_evaluation_that_goes_on_is_none_and_one_that_does_not_is() -> None:
    detector = trained(is_gpu=True)
    detector.phase("evaluating", 1.0)
    for at in range(0, 300, 60):
        assert silence(detector, 60, first=at, utilization=0.0) == []
        detector.progress(float(at))
    assert len(silence(detector, 200, first=300, utilization=0.0)) == 1


def test_a_stopped_trainer_is_said_to_be_that() -> None:
    findings = silence(trained(), 60, is_stopped=True)
    assert "SIGSTOP" in findings[0].message
    assert [fix.command for fix in findings[0].fixes] == ["kill -CONT 4711"]
    paused = trained()
    paused.phase("paused", 1.0)
    assert len(silence(paused, 60, is_stopped=True)) == 1


def test_a_gpu_that_only_looks_busy_is_a_warning_after_half_an_hour() -> None:
    findings = silence(trained(is_gpu=True), 2000, utilization=100.0)
    assert [finding.level for finding in findings] == ["warning"]


def test_it_goes_on() -> None:
    detector = trained()
    silence(detector, 200, cores=0.0)
    assert isinstance(detector.step(step(31), 400.0), Cleared)


# --- the rest ------------------------------------------------------------------------------------------


def test_heat_for_a_minute_is_a_warning() -> None:
    detector = made(Throttling)
    seen = [Machine(float(at), utilization=99.0, throttle="too hot", temperature_c=91.0) for at in range(90)]
    finding = found(said_of(detector, *seen)[0])
    assert (finding.level, finding.evidence["temperature_c"]) == ("warning", 91.0)
    calm = [Machine(float(at), utilization=99.0) for at in range(90, 200)]
    assert isinstance(said_of(detector, *calm)[0], Cleared)


def test_a_second_of_heat_among_a_power_limit_is_not_heat_for_a_minute() -> None:
    seen = [
        Machine(float(at), utilization=99.0, throttle="too hot" if at == 150 else "power limit")
        for at in range(300)
    ]
    assert said_of(made(Throttling), *seen) == []


def test_the_first_batch_of_an_attempt_may_take_its_time() -> None:
    rows = [
        step(at, step_s=30.5 if at == 1 else 0.5, data_wait_s=30.0 if at == 1 else 0.0) for at in range(1, 90)
    ]
    assert feed(made(DataStarvation), rows) == []


def test_a_power_limit_alone_is_usual_and_a_note_where_steps_take_longer() -> None:
    limited = [Machine(float(at), utilization=99.0, throttle="power limit") for at in range(300)]
    assert said_of(made(Throttling), *limited) == []
    detector = made(Throttling)
    said_of(detector, *[Machine(float(at), utilization=99.0) for at in range(60)])
    feed(detector, [step(at, step_s=1.0) for at in range(10)])
    said_of(detector, limited[60]._replace(time=60.0))
    feed(detector, [step(at, step_s=1.4) for at in range(10, 20)])
    assert found(said_of(detector, *limited[61:])[0]).level == "note"


def test_a_disk_that_gets_full_and_is_emptied() -> None:
    detector = made(Disk, "checkpoints.keep=3")
    assert said_of(detector, Machine(1.0, disk_free_gib=50.0)) == []
    detector.checkpoint(10, 5.0, 0.1, 2.0)
    levels = [
        [one.level for one in said_of(detector, Machine(at, disk_free_gib=free)) if isinstance(one, Finding)]
        for at, free in ((3.0, 40.0), (4.0, 9.0), (5.0, 8.9), (6.0, 4.0), (7.0, 1.9))
    ]
    assert levels == [[], ["warning"], [], ["error"], ["error"]]
    assert isinstance(said_of(detector, Machine(8.0, disk_free_gib=40.0))[0], Cleared)


def test_the_trainers_pause_for_want_of_room_is_an_error_until_it_goes_on() -> None:
    detector = made(Disk)
    needs = {"needed_bytes": 10 << 30, "is_waiting": True}
    finding = found(detector.warning("disk", "It waits for room.", 40, needs, 1.0))
    assert (finding.level, fix_names(finding)) == ("error", ["prune", "keep_one"])
    detector.phase("paused", 1.1, "disk")
    assert said_of(detector, Machine(2.0, disk_free_gib=900.0)) == []
    assert detector.phase("training", 3.0) is None  # it may have been told to go on without
    assert said_of(detector, Machine(4.0, disk_free_gib=9.0)) == []
    assert isinstance(detector.checkpoint(40, 10.0, 0.1, 5.0), Cleared)


def test_the_trainers_word_before_a_save_that_goes_ahead_is_a_warning() -> None:
    detector = made(Disk)
    finding = found(
        detector.warning(
            "disk", "Room for one more.", 40, {"needed_bytes": 10 << 30, "is_waiting": False}, 1.0
        )
    )
    assert finding.level == "warning"
    assert detector.phase("training", 1.1) is None
    assert detector.checkpoint(40, 10.0, 0.1, 2.0) is None
    assert found(detector.phase("paused", 3.0, "disk")).level == "error"  # the phase alone says it, too


def test_inodes() -> None:
    detector = made(Inodes)
    assert said_of(detector, Machine(1.0, inodes_free=5000)) == []
    assert found(said_of(detector, Machine(2.0, inodes_free=900))[0]).level == "warning"
    assert found(said_of(detector, Machine(3.0, inodes_free=50))[0]).level == "error"
    assert isinstance(said_of(detector, Machine(4.0, inodes_free=50_000))[0], Cleared)


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (5_000, 100_000_000, "error"),
        (3_000_000, 100_000_000, "warning"),
        (90, 1_000, None),
        (20, 1_000, "warning"),
    ],
)
def test_inodes_are_judged_by_the_share_that_is_used(free: int, total: int, level: str | None) -> None:
    said = said_of(made(Inodes), Machine(1.0, inodes_free=free, inodes_total=total))
    assert [one.level for one in said if isinstance(one, Finding)] == ([level] if level else [])


def test_a_clock_that_is_set_is_noted_at_once_and_forgotten_after_an_hour() -> None:
    detector = made(ClockJump)
    moments = [(1000.0 + at, float(at)) for at in range(5)]
    assert all(detector.tick(*moment) is None for moment in moments)
    finding = found(detector.tick(1000.0 + 5 + 90, 5.0))
    assert (finding.level, finding.evidence["jump_s"]) == ("note", 90.0)
    assert found(detector.tick(1000.0 - 90_000, 6.0)).level == "warning"
    later = [detector.tick(1000.0 - 90_000 + at, 6.0 + at) for at in range(1, 3700)]
    assert [type(one) for one in later if one is not None] == [Cleared]


def test_a_jump_that_another_watcher_saw_is_forgotten_after_an_hour_too() -> None:
    earlier = made(ClockJump)
    earlier.tick(1000.0, 0.0)
    detector = made(ClockJump)
    detector.open = found(earlier.tick(1091.0, 1.0))
    said = [(at, detector.tick(1091.0 + at, 1.0 + at)) for at in range(3700)]
    assert [(at, type(one)) for at, one in said if one is not None] == [(3600, Cleared)]


def test_a_clock_that_drifts_slowly_is_none() -> None:
    detector = made(ClockJump)
    moments = [(1000.0 + at * 1.001, float(at)) for at in range(0, 3600, 10)]
    assert [detector.tick(*moment) for moment in moments] == [None] * len(moments)
    assert all(later[1] > before[1] for before, later in pairwise(moments))

"""The guard of a run: what it finds with no app open, what it does, and that it survives a change."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hardware.fake_nvml import FULL, GIB, FakeNvml

from tui_ft import settings
from tui_ft.hardware.gpu import GpuReader
from tui_ft.health.detector import Cleared
from tui_ft.health.finding import Finding
from tui_ft.runs import directory, line_following
from tui_ft.runs.companions import Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.guarding import guard as guarding
from tui_ft.runs.guarding import sight as guard_sight
from tui_ft.runs.guarding.facts import read_thresholds
from tui_ft.runs.guarding.guard import Guard
from tui_ft.runs.guarding.sight import MachineEye
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow, decode_health
from tui_ft.runs.line_following import LineFollower
from tui_ft.runs.records import (
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    Event,
    ExitRecord,
    HardwareRow,
    JsonLinesWriter,
    PhaseEvent,
    RequestRecord,
    StateRecord,
    WarningEvent,
    complete_lines,
)
from tui_ft.runs.requests import put_request, read_requests
from tui_ft.runs.sampling import HardwareSampler
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

ILL_TRAINER = Path(__file__).with_name("ill_fake_trainer.py")


class Desk:
    """A run directory that a test writes as a trainer would, and a guard that looks second by second."""

    def __init__(self, root: Path, *changes: str) -> None:
        self.run = directory.create(root, "guarded")
        self.now = 1_800_000_000.0
        self.step = 0
        self.rows: list[HealthRow] = []
        self.requests: list[RequestRecord] = []
        self.state = StateRecord(status="running", started_at=self.now)
        self.write_spec(1, *changes)
        self.guard = Guard(self.run, self.state)

    def write_spec(self, attempt: int, *changes: str) -> None:
        spec = overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", *changes])
        folder = self.run.attempt(attempt).path
        folder.mkdir(parents=True)
        self.run.attempt(attempt).spec.write_text(toml.dumps(spec), encoding="utf-8")

    def say(self, *events: Event) -> None:
        self._append(self.run.events, *events)

    def begin(self, attempt: int = 1, step: int = 0, total_steps: int = 1000) -> None:
        self.say(
            AttemptEvent(time=self.now, attempt=attempt, step=step),
            PhaseEvent(time=self.now, phase="training", step=step, total_steps=total_steps),
        )
        self.step = step

    def losses(self, *losses: float, **more: float) -> None:
        rows = []
        for loss in losses:
            self.step += 1
            self.now += 0.05
            rows.append({"step": self.step, "time": self.now, "loss": loss, "grad_norm": 1.0, **more})
        self._append(self.run.metrics, *rows)

    @staticmethod
    def _append(path: Path, *rows: object) -> None:
        writer = JsonLinesWriter(path)
        for row in rows:
            writer.write(row)  # type: ignore[arg-type]
        writer.close()

    def sight(self, hardware: HardwareRow | None = None) -> Sight:
        self.now += 1.0
        return Sight(
            now=self.now,
            monotonic=self.now - 1_700_000_000.0,
            state=self.state,
            follower=EventFollower(self.run, self.state.attempt),
            hardware=hardware,
            trainer_pid=os.getpid(),
        )

    def poll(self, hardware: HardwareRow | None = None) -> Wishes:
        return self._took(self.guard.poll(self.sight(hardware)))

    def end(self, record: ExitRecord, status: str = "failed") -> Wishes:
        return self._took(self.guard.ended(self.sight(), status, record))  # type: ignore[arg-type]

    def _took(self, wishes: Wishes) -> Wishes:
        self.rows += wishes.rows
        self.requests += wishes.requests
        self.state = msgspec.structs.replace(self.state, **wishes.state)
        self._append(self.run.health, *wishes.rows)
        return wishes

    def found(self) -> list[tuple[str, str]]:
        return [(row.finding.code, row.finding.level) for row in self.rows if isinstance(row, FoundRow)]

    def cleared(self) -> list[str]:
        return [row.code for row in self.rows if isinstance(row, ClearedRow)]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    codes: list[str] = []
    monkeypatch.setattr(guarding, "tell", lambda run, code: codes.append(code))
    return codes


@pytest.fixture
def desk(tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Desk(tmp_path)


def test_it_stands_in_the_file_and_in_the_state_and_is_told_once_it_does(desk: Desk, told: list[str]) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20)
    assert not desk.poll().rows
    desk.losses(*[9.0] * 3)
    desk.poll()
    assert desk.found() == [("divergence", "error")]
    assert desk.state.findings == {"divergence": "error"}
    assert told == []  # who tells of it reads it in the file, where it stands only now
    desk.poll()
    assert told == ["divergence"]
    assert desk.requests == []


def test_only_what_the_spec_names_stops_the_run(tmp_path: Path, told: list[str]) -> None:
    desk = Desk(tmp_path, "health.stop_on=divergence")
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    assert [(one.request, one.by) for one in desk.requests] == [("stop", "the guard: divergence")]
    deeds = [row for row in desk.rows if isinstance(row, DeedRow)]
    assert [(deed.deed, deed.code) for deed in deeds] == [("stop", "divergence")]
    desk.losses(*[math.nan] * 3)
    desk.poll()
    assert len(desk.requests) == 1


def test_by_default_two_losses_without_a_number_stop_it(desk: Desk) -> None:
    desk.begin()
    desk.losses(2.0, 2.0, math.nan)
    desk.poll()
    assert (desk.found(), desk.requests) == ([("nonfinite", "warning")], [])
    desk.losses(math.nan)
    desk.poll()
    assert desk.found()[-1] == ("nonfinite", "error")
    assert [one.by for one in desk.requests] == ["the guard: nonfinite"]


def test_a_silenced_code_is_neither_written_nor_told_nor_obeyed(tmp_path: Path, told: list[str]) -> None:
    desk = Desk(tmp_path, "health.silence=nonfinite,divergence")
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3, math.nan, math.nan)
    desk.poll()
    desk.poll()
    assert (desk.rows, desk.requests, told) == ([], [], [])
    assert desk.state.silenced == ["divergence", "nonfinite"]


def test_silencing_and_hearing_again(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    put_request(desk.run, RequestRecord(request="silence", time=desk.now, by="me", text="divergence"))
    desk.poll()
    assert desk.state.findings == {}
    assert desk.state.silenced == ["divergence"]
    assert read_requests(desk.run) == {}
    put_request(desk.run, RequestRecord(request="silence", time=desk.now, by="me", text="-divergence"))
    desk.poll()
    assert desk.state.findings == {"divergence": "error"}
    assert desk.state.silenced == []
    assert [row.deed for row in desk.rows if isinstance(row, DeedRow)] == ["silence", "silence"]


def ask_silence(desk: Desk, *texts: str) -> None:
    for text in texts:
        put_request(desk.run, RequestRecord(request="silence", time=desk.now, by="me", text=text))
    desk.poll()


def on_screen(desk: Desk) -> list[tuple[str, str]]:
    from tui_ft.watch.sources.health import HealthReader

    reader = HealthReader(desk.run)
    reader.poll(math.inf)
    return [(one.code, one.level) for one in reader.findings(desk.state.silenced)]


def test_what_was_over_while_nobody_listened_is_over_for_everybody(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    ask_silence(desk, "divergence")
    desk.losses(*[1.0] * 200)
    desk.poll()
    assert desk.cleared() == ["divergence"]
    ask_silence(desk, "-divergence")
    assert (desk.state.findings, on_screen(desk)) == ({}, [])


def test_what_was_found_while_nobody_listened_is_found_once_somebody_does(
    tmp_path: Path, told: list[str]
) -> None:
    desk = Desk(tmp_path, "health.stop_on=divergence")
    desk.begin()
    desk.losses(*[2.0] * 20)
    desk.poll()
    ask_silence(desk, "divergence")
    desk.losses(*[9.0] * 5)
    desk.poll()
    assert (desk.found(), desk.requests) == ([], [])
    ask_silence(desk, "-divergence")
    assert desk.found() == on_screen(desk) == [("divergence", "error")]
    assert desk.state.findings == {"divergence": "error"}
    assert [one.by for one in desk.requests] == ["the guard: divergence"]
    desk.poll()
    assert told == ["divergence"]


def test_two_keys_within_a_second_are_both_heard(desk: Desk) -> None:
    ask_silence(desk, "plateau", "divergence")
    assert desk.state.silenced == ["divergence", "plateau"]
    ask_silence(desk, "-plateau", "plateau", "-divergence")
    assert desk.state.silenced == ["plateau"]
    assert list(desk.run.control.iterdir()) == []


def lengthen(path: Path, line: bytes) -> None:
    with open(path, "ab") as file:
        file.write(line * (line_following.HISTORY_BYTES // len(line) + 10))


def test_in_long_files_what_the_first_guard_found_stays_until_it_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_following, "HISTORY_BYTES", 50_000)
    desk.begin(total_steps=50_000)
    full = HardwareRow(time=desk.now, memory_used_bytes=99 * GIB, memory_limit_bytes=100 * GIB)
    for _ in range(30):
        desk.poll(msgspec.structs.replace(full, time=desk.now))
    desk.losses(*[2.0] * 20, *[9.0] * 5)
    desk.poll()
    beat = BeatEvent(time=desk.now, phase="training", step=desk.step)
    desk.say(beat)
    lengthen(desk.run.events, desk.run.events.read_bytes().splitlines(keepends=True)[-1])
    for _ in range(60):
        desk.losses(*[9.0] * 20)
    desk.guard = Guard(desk.run, desk.state)
    desk.poll()
    desk.poll()
    assert desk.cleared() == []
    assert desk.state.findings == {"divergence": "error", "host_memory": "error"}
    assert desk.guard._reader.watcher.facts.total_steps == 50_000  # the phase stands far before
    desk.poll(HardwareRow(time=desk.now, memory_used_bytes=GIB, memory_limit_bytes=100 * GIB))
    desk.losses(*[2.0] * 400)
    desk.poll()
    assert sorted(desk.cleared()) == ["divergence", "host_memory"]


def test_what_the_last_look_found_is_told_though_the_run_is_over(desk: Desk, told: list[str]) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 5)
    desk.poll()
    desk.end(ExitRecord(cause="error", message="It failed."))
    assert told == ["divergence"]


def test_a_token_in_an_error_reaches_no_finding(desk: Desk) -> None:
    desk.begin()
    desk.end(ExitRecord(cause="host_oom", message="MemoryError at token=hf_abcdefghijklmnopqrstuvwxyz"))
    (row,) = desk.rows
    assert isinstance(row, FoundRow)
    assert "abcdefghijkl" not in str(row)


@pytest.mark.parametrize("text", ["", "../../etc", "\x1b[2J", "no_code", None])
def test_a_request_for_no_code_is_taken_away_and_does_nothing(desk: Desk, text: str | None) -> None:
    put_request(desk.run, RequestRecord(request="silence", time=desk.now, by="me", text=text))
    assert not desk.poll().rows
    assert read_requests(desk.run) == {}


def test_another_supervisor_goes_on_where_the_first_was_killed(desk: Desk, told: list[str]) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    desk.guard = Guard(desk.run, desk.state)
    before = len(desk.rows)
    desk.poll()
    desk.poll()
    assert desk.rows[before:] == []  # it is still so, and stands there already
    assert desk.state.findings == {"divergence": "error"}
    desk.losses(*[2.0] * 200)
    desk.poll()
    assert desk.cleared() == ["divergence"]


def test_what_came_while_nobody_watched_is_found_by_the_next(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20)
    desk.poll()
    desk.losses(*[9.0] * 3)
    desk.guard = Guard(desk.run, desk.state)
    desk.poll()
    assert desk.found() == [("divergence", "error")]


def test_what_got_worse_while_nobody_watched_is_worse_for_the_next(
    tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    desk = Desk(tmp_path, "health.stop_on=nonfinite")
    desk.begin()
    desk.losses(2.0, 2.0, math.nan)
    desk.poll()
    assert (desk.state.findings, desk.requests) == ({"nonfinite": "warning"}, [])
    desk.losses(math.nan, math.nan)
    desk.guard = Guard(desk.run, desk.state)
    desk.poll()
    assert desk.found() == [("nonfinite", "warning"), ("nonfinite", "error")]
    assert desk.state.findings == {"nonfinite": "error"}
    assert [one.by for one in desk.requests] == ["the guard: nonfinite"]
    desk.poll()
    assert told[-1] == "nonfinite"


def test_a_new_attempt_begins_with_nothing_open(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    desk.end(ExitRecord(cause="stopped", message="Stopped."), "stopped")
    assert desk.state.findings == {"divergence": "error"}
    desk.state = msgspec.structs.replace(desk.state, attempt=2)
    desk.write_spec(2)
    desk.guard = Guard(desk.run, desk.state)
    desk.poll()
    assert desk.cleared() == ["divergence"]
    desk.begin(attempt=2, step=20)
    desk.losses(*[2.0] * 40)
    desk.poll()
    assert desk.state.findings == {}
    assert desk.found() == [("divergence", "error")]


def test_a_resume_that_went_wrong_is_seen_against_the_rows_before_it(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[1.0, 1.02, 0.98] * 10)
    desk.poll()
    desk.state = msgspec.structs.replace(desk.state, attempt=2)
    desk.write_spec(2)
    desk.guard = Guard(desk.run, desk.state)
    desk.poll()
    desk.begin(attempt=2, step=20)
    desk.losses(*[1.9] * 6)
    desk.poll()
    assert desk.found() == [("bad_resume", "error")]


def test_the_trainers_own_word_is_taken_with_its_evidence(desk: Desk) -> None:
    desk.begin()
    desk.say(
        WarningEvent(time=desk.now, code="nonfinite", message="NaN.", step=7, evidence={"rows": [3, 9]}),
        WarningEvent(time=desk.now, code="checkpoint_rejected", message="One was passed over."),
    )
    desk.poll()
    (row,) = desk.rows
    assert isinstance(row, FoundRow)
    assert (row.finding.step, row.finding.evidence["rows"]) == (7, [3, 9])


def test_an_end_for_want_of_memory_is_found_with_its_ladder(desk: Desk) -> None:
    desk.begin()
    desk.losses(2.0, 1.9)
    desk.poll()
    desk.run.output.write_text("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.\n")
    desk.end(ExitRecord(cause="cuda_oom", message="The GPU ran out of memory."))
    (row,) = desk.rows
    assert isinstance(row, FoundRow)
    assert (row.finding.code, row.finding.evidence["asked_gib"]) == ("cuda_oom", 2.5)
    assert row.finding.fixes[0].changes == ["training.batch_size=2", "training.gradient_accumulation=8"]


def test_what_was_of_the_moment_is_over_when_the_run_has_finished(desk: Desk) -> None:
    desk.begin()
    full = HardwareRow(time=desk.now, memory_used_bytes=99 * GIB, memory_limit_bytes=100 * GIB)
    for _ in range(30):
        desk.poll(msgspec.structs.replace(full, time=desk.now))
    assert desk.state.findings == {"host_memory": "error"}
    desk.end(ExitRecord(cause="finished", message="Finished."), "finished")
    assert (desk.state.findings, desk.cleared()) == ({}, ["host_memory"])


def test_what_others_found_stays_in_the_state(desk: Desk) -> None:
    desk.state = msgspec.structs.replace(desk.state, findings={"budget": "warning"})
    desk.begin()
    desk.losses(*[2.0] * 20, *[9.0] * 3)
    desk.poll()
    assert desk.state.findings == {"budget": "warning", "divergence": "error"}


def test_torn_foreign_and_hostile_lines_do_no_harm(desk: Desk) -> None:
    desk.begin()
    desk.losses(2.0, 2.0)
    with open(desk.run.metrics, "ab") as file:
        file.write(
            b'{"step": "x"}\n[1]\nnull\n{"step": 1e400, "loss": 1}\n\xff\xfe\n{"loss": 1}\n{"step": 3, '
        )
    with open(desk.run.events, "ab") as file:
        file.write(b'{"event": "warning"}\n{"event": "later", "time": 1}\nno JSON\n')
    desk.poll()
    assert desk.rows == []
    with open(desk.run.metrics, "ab") as file:
        file.write(b'"time": 1, "loss": "NaN"}\n')
    desk.poll()
    assert desk.found() == [("nonfinite", "warning")]


# --- thresholds, and the door to the GPU -----------------------------------------------------------------


def test_thresholds_are_the_users_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = settings.settings_file()
    file.parent.mkdir(parents=True)
    file.write_text("[health]\nhang_s = 30\n")
    assert read_thresholds().hang_s == 30


def test_a_wrong_threshold_is_said_and_the_guard_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = settings.settings_file()
    file.parent.mkdir(parents=True)
    file.write_text("[health]\nhang_seconds = 30\n")
    assert read_thresholds().hang_s == 120
    assert "hang_seconds" in capsys.readouterr().err


class Box:
    """A box with one GPU, played at the NVML door: sampler and guard really read it."""

    def __init__(self, desk: Desk, **device: object) -> None:
        reader = GpuReader(FakeNvml(FULL | {"memory": (24 * GIB, GIB, 23 * GIB)} | device))
        gpus = frozenset({"GPU-1111"})
        desk.guard._reader.eye = MachineEye(gpus, reader)
        self._desk = desk
        self._sampler = HardwareSampler(desk.run, gpus, os.getpid(), reader)

    def polls(self, count: int) -> None:
        for _ in range(count):
            self._sampler.sample(self._desk.now)
            self._desk.poll(self._sampler.latest)


def test_a_pipe_in_place_of_a_file_holds_nobody_up(desk: Desk) -> None:
    os.mkfifo(desk.run.attempt(1).environment)
    os.mkfifo(desk.run.output)
    desk.begin()
    desk.losses(2.0)
    desk.poll()
    desk.end(ExitRecord(cause="error", message="It failed."))
    assert desk.rows == []


def test_memory_that_a_dead_process_holds_is_found(desk: Desk, dead_pid: int) -> None:
    box = Box(desk, compute=[(os.getpid(), 10 * GIB), (dead_pid, 12 * GIB)])
    desk.begin()
    box.polls(2)
    (row,) = desk.rows
    assert isinstance(row, FoundRow)
    assert (row.finding.code, row.finding.evidence["dead"]) == ("leaked_gpu_memory", 1)
    assert row.finding.evidence["held_by_others_gib"] == 12.0


def test_in_a_container_that_shows_others_pids_nobody_is_accused(desk: Desk, dead_pid: int) -> None:
    box = Box(desk, compute=[(dead_pid, 22 * GIB)])
    desk.begin()
    box.polls(2)
    assert desk.rows == []


def test_heat_and_a_silent_gpu_reach_their_detectors(desk: Desk) -> None:
    box = Box(desk, util=1, reasons=0x20, heat=95)
    desk.begin()
    environment = {"device": "cuda:0", "precision": {"compute": "torch.bfloat16"}}
    desk.run.attempt(1).environment.write_text(json.dumps(environment))
    desk.losses(*[2.0] * 10)
    box.polls(150)
    assert desk.found() == [("throttling", "warning"), ("hang", "warning")]
    heat = next(row.finding for row in desk.rows if isinstance(row, FoundRow))
    assert (heat.evidence["temperature_c"], heat.evidence["reasons"]) == (95, ["too hot"])


def test_a_trainer_that_only_says_that_it_lives_hangs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_sight, "processor_seconds", lambda pids: dict.fromkeys(pids, 1.0))
    desk.begin()
    desk.losses(*[2.0] * 10)
    for at in range(150):
        if at % 5 == 0:
            desk.say(BeatEvent(time=desk.now, phase="training", step=10))
        desk.poll(HardwareRow(time=desk.now))
    assert desk.found() == [("hang", "error")]
    (row,) = desk.rows
    assert isinstance(row, FoundRow)
    assert row.finding.evidence["cores"] == 0.0
    desk.losses(2.0)
    desk.poll()
    assert desk.cleared() == ["hang"]


@pytest.fixture
def hanging(tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A run that was found to hang, and was asked to stop for it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(guard_sight, "processor_seconds", lambda pids: dict.fromkeys(pids, 1.0))
    desk = Desk(tmp_path, "health.stop_on=hang")
    desk.begin()
    desk.losses(*[2.0] * 10)
    while not desk.requests:
        desk.poll(HardwareRow(time=desk.now))
        assert desk.now < 1_800_000_200
    assert [(one.request, one.now) for one in desk.requests] == [("stop", False)]
    desk.state = msgspec.structs.replace(
        desk.state, status="stopping", stop_requested_by=desk.requests.pop().by
    )
    return desk


def quiet_s(desk: Desk, seconds: int) -> list[bool]:
    for _ in range(seconds):
        desk.poll(HardwareRow(time=desk.now))
    return [one.now for one in desk.requests]


def test_what_hangs_and_does_not_obey_its_guards_stop_is_ended(hanging: Desk) -> None:
    assert quiet_s(hanging, 58) == []
    assert quiet_s(hanging, 4) == [True]
    assert [one.by for one in hanging.requests] == ["the guard: hang"]
    assert [row.code for row in hanging.rows if isinstance(row, DeedRow)] == ["hang", "hang"]
    assert quiet_s(hanging, 60) == [True, True]  # a disk that was full may have taken no file
    assert len([row for row in hanging.rows if isinstance(row, DeedRow)]) == 2


def test_what_moves_after_its_guards_stop_is_let_save(hanging: Desk) -> None:
    quiet_s(hanging, 50)
    hanging.say(PhaseEvent(time=hanging.now, phase="saving"))
    assert quiet_s(hanging, 300) == []
    assert hanging.cleared() == ["hang"]


def test_the_next_guard_ends_what_hangs_too(hanging: Desk) -> None:
    hanging.guard = Guard(hanging.run, hanging.state)
    assert quiet_s(hanging, 58) == []
    assert quiet_s(hanging, 4) == [True]


def test_what_hangs_unasked_is_left_alone(hanging: Desk) -> None:
    hanging.state = msgspec.structs.replace(hanging.state, status="running", stop_requested_by=None)
    hanging.write_spec(2)
    hanging.guard = Guard(hanging.run, hanging.state)
    assert quiet_s(hanging, 600) == []


def test_an_evaluation_that_counts_its_batches_does_not_hang(desk: Desk) -> None:
    desk.begin()
    desk.losses(*[2.0] * 10)
    desk.say(PhaseEvent(time=desk.now, phase="evaluating"))
    for at in range(300):
        if at % 50 == 0:
            desk.say(BeatEvent(time=desk.now, phase="evaluating", step=10, done=at + 1, total=400))
        desk.poll(HardwareRow(time=desk.now))
    assert desk.found() == []


@pytest.fixture
def dead_pid() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


# --- following -------------------------------------------------------------------------------------------


def test_lines_are_followed_in_pieces_through_tears_and_new_beginnings(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    follower = LineFollower(path)
    assert (follower.poll(), follower.is_past_history) == ([], True)
    path.write_bytes(b"one\ntw")
    assert follower.poll() == [b"one"]
    with open(path, "ab") as file:
        file.write(b"o\n")
    assert follower.poll() == [b"two"]
    path.write_bytes(b"new\n")
    assert follower.poll() == [b"new"]


def test_of_a_long_history_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows"
    monkeypatch.setattr(line_following, "HISTORY_BYTES", 70_000)
    monkeypatch.setattr(line_following, "PIECE_BYTES", 4_096)
    path.write_bytes(b"".join(b"%06d\n" % number for number in range(20_000)))
    follower = LineFollower(path)
    lines: list[bytes] = []
    while not follower.is_past_history:
        lines += follower.poll()
    assert lines[-1] == b"019999"
    assert 9_000 < len(lines) <= 10_000
    assert all(len(line) == 6 for line in lines)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/passwd"), Path.mkdir])
def test_what_is_no_file_is_not_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "rows")
    assert LineFollower(tmp_path / "rows").poll() == []


# --- with a real supervisor, and no app -------------------------------------------------------------------


def rows_of(run: RunDirectory) -> list[HealthRow]:
    try:
        return [decode_health(line) for line in complete_lines(run.health.read_bytes())]
    except FileNotFoundError:
        return []


def ill(behaviour: str) -> list[str]:
    return [sys.executable, str(ILL_TRAINER), behaviour]


def test_a_run_without_a_number_is_stopped_by_its_guard(bench) -> None:  # type: ignore[no-untyped-def]
    from tui_ft.runs import launch

    run = launch.start(bench.spec, bench.root, trainer=ill("nan"))
    bench.wait_for(run, "stopped")
    state = read_state(run)
    assert state.stop_requested_by == "the guard: nonfinite"
    assert state.findings == {"nonfinite": "error"}
    codes = [row.finding.code for row in rows_of(run) if isinstance(row, FoundRow)]
    assert set(codes) == {"nonfinite"}
    assert run.health.stat().st_mode & 0o777 == 0o600


def test_a_killed_supervisors_successor_goes_on_guarding(bench) -> None:  # type: ignore[no-untyped-def]
    from tui_ft.runs import launch
    from tui_ft.runs.adopting import adopt_if_orphan

    run = launch.start(bench.spec, bench.root, trainer=ill("diverges"))
    bench.wait_until(lambda: read_state(run).findings, "a finding")
    bench.kill(run, "supervisor")
    adopt_if_orphan(run)
    bench.wait_for(run, "running")
    put_request(run, RequestRecord(request="silence", time=time.time(), by="a test", text="plateau"))
    bench.wait_until(lambda: read_state(run).silenced == ["plateau"], "the new guard has looked")
    assert read_state(run).findings == {"divergence": "error"}
    assert len([row for row in rows_of(run) if isinstance(row, FoundRow)]) == 1


def test_cleared_and_finding_have_one_shape() -> None:
    """Both carry their code and their time: what takes them need not ask which it is."""
    assert {"code", "time", "message"} <= set(Finding.__struct_fields__) & set(Cleared._fields)


def test_a_checkpoint_larger_than_the_room_left_is_found(desk: Desk) -> None:
    desk.begin()
    desk.say(
        CheckpointEvent(time=desk.now, step=1, path="x", bytes=10 * GIB, files={}, seconds=1.0, blocked_s=0.1)
    )
    desk.poll(HardwareRow(time=desk.now, disk_free_bytes=5 * GIB, inodes_free=10))
    assert desk.found() == [("disk", "error"), ("inodes", "error")]

"""The bill of a run: every second that it held its machine, once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from settings_written import write_settings

from tui_ft.runs import control, launch, launch_record
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money import bill_words as money_words
from tui_ft.runs.money.bill import Meter
from tui_ft.runs.money.prices import Amount
from tui_ft.runs.records import ExitRecord, LaunchRecord, StateRecord, decode_hardware, encode_document
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import Truth

START = 1_795_262_400.0


class Story:
    """A run directory whose files a test writes line by line; times are seconds since `START`."""

    def __init__(self, folder: Path) -> None:
        self.run = RunDirectory(folder)
        folder.mkdir(parents=True)
        self.state = StateRecord(status="running", started_at=START, gpus=["GPU-0"])
        self.meter = Meter(self.run)
        self.on("NVIDIA H100 80GB HBM3")

    def on(self, gpu: str | None) -> None:
        path = self.run.attempt(1).environment
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"gpu": None if gpu is None else {"name": gpu}}))

    def event(self, kind: str, at: float, **fields: Any) -> None:
        with self.run.events.open("a") as file:
            file.write(json.dumps({"event": kind, "time": START + at, **fields}) + "\n")

    def rows(self, first: int, last: int, at: float, gap_s: float, **fields: Any) -> float:
        with self.run.metrics.open("a") as file:
            for step in range(first, last + 1):
                at += gap_s
                row = {"step": step, "time": START + at, "loss": 1.0, "epoch": step / 50, **fields}
                file.write(json.dumps(row) + "\n")
        return at

    def bill(self, at: float, status: str | None = None) -> Any:
        self.run.state.write_bytes(encode_document(self.state))
        status = status or self.state.status
        truth = Truth(self.state, status, None, START + at)  # type: ignore[arg-type]
        return self.meter.bill(START + at, truth)

    def change(self, **fields: Any) -> None:
        import msgspec

        self.state = msgspec.structs.replace(self.state, **fields)


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3.6\n")
    return Story(tmp_path / "run")


def begin(story: Story) -> float:
    """A hundred steps of 2 s, an evaluation of 20 s and a save of 10 s among them; return when it is."""
    story.change(total_steps=200)
    story.event("attempt", 30, attempt=1)
    story.event("phase", 100, phase="training", total_steps=200)
    at = story.rows(1, 50, 100, 2.0, step_s=2.0)
    story.event("phase", at, phase="evaluating")
    story.event("phase", at + 20, phase="saving")
    story.event("checkpoint", at + 30, step=50, path="x", bytes=1, files={}, seconds=10.0, eval_loss=0.5)
    story.event("phase", at + 30, phase="training")
    return story.rows(51, 100, at + 30, 2.0, step_s=2.0)


def test_what_is_left_takes_steps_and_what_comes_between_them(story: Story) -> None:
    at = begin(story)
    bill = story.bill(at)
    assert (bill.seconds, bill.gpus, bill.attempts) == (at, 1, 1)
    assert bill.pace_s == pytest.approx(2.0 + 30 / 100)
    assert bill.left_s == pytest.approx(100 * 2.3)
    assert bill.spent.high == pytest.approx(3.6 * at / 3600)
    assert bill.in_all.high == pytest.approx(bill.spent.high + bill.to_finish.high)
    assert bill.per_epoch.high == pytest.approx(3.6 * 50 * 2.3 / 3600)
    assert bill.since_best.high == pytest.approx(3.6 * 50 * 2.3 / 3600)


def test_a_bill_is_read_on_and_not_twice(story: Story) -> None:
    at = begin(story)
    story.bill(at)
    later = story.rows(101, 150, at, 2.0, step_s=2.0)
    bill = story.bill(later)
    assert bill.left_s == pytest.approx(50 * (2.0 + 30 / 150))


def test_pauses_cost_but_make_no_step_slower(story: Story) -> None:
    at = begin(story)
    before = story.bill(at)
    story.event("phase", at, phase="paused")
    assert story.bill(at + 3600).spent.high == pytest.approx(before.spent.high + 3.6)
    story.event("phase", at + 3600, phase="training")
    end = story.rows(101, 120, at + 3600, 2.0, step_s=2.0)
    assert story.bill(end).pace_s == pytest.approx(2.0 + 30 / 120)


def test_all_attempts_cost_and_the_time_between_them_does_not(story: Story) -> None:
    at = begin(story)  # the first was killed: nobody heard of it after the save's phase
    story.run.attempt(2).path.mkdir(parents=True)
    story.change(attempt=2, started_at=START + 10_000)
    story.event("attempt", 10_040, attempt=2, step=50)
    bill = story.bill(10_100)
    first = 230.0 - 30.0  # from its opening to its last event
    assert bill.seconds == pytest.approx(first + 100)
    assert bill.pace_s is not None  # by the attempt before, until this one has ten steps
    assert at == 330.0


def test_the_launch_counts_from_the_command_not_from_the_imports(story: Story) -> None:
    story.run.attempt(1).launch.write_text(json.dumps({"schema": 1, "time": START}))
    begin(story)
    story.change(attempt=2, started_at=START + 10_000)
    assert story.bill(10_000).seconds == pytest.approx(230.0)


@pytest.mark.parametrize("ended", ["finished", "failed"])
def test_an_ended_run_costs_no_more(story: Story, ended: str) -> None:
    at = begin(story)
    exit_record = ExitRecord(cause="finished" if ended == "finished" else "error", message="")
    story.change(status=ended, ended_at=START + at + 5, exit=exit_record)
    bill = story.bill(at + 9999)
    assert bill.seconds == at + 5
    assert bill.left_s == (0.0 if ended == "finished" else pytest.approx(230.0))


def test_a_lost_run_costs_until_it_was_last_heard_of(story: Story) -> None:
    begin(story)
    assert story.bill(400, status="lost").seconds == 400


def test_nothing_is_said_of_the_rest_before_ten_steps(story: Story) -> None:
    story.change(total_steps=200)
    story.event("attempt", 30, attempt=1)
    story.event("phase", 100, phase="training", total_steps=200)
    at = story.rows(1, 9, 100, 2.0, step_s=2.0)
    bill = story.bill(at)
    assert bill.left_s is None and bill.to_finish is None and bill.per_epoch is None
    text = "\n".join(f"{entry.name} {entry.amount}" for entry in money_words.entries(bill))
    assert "to finish –" in text and "0.00" not in text


def test_several_gpus_cost_each(story: Story) -> None:
    story.change(gpus=["GPU-0", "GPU-1"])
    assert story.bill(3600).spent.high == pytest.approx(7.2)


def test_the_price_is_that_of_the_gpu(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 1\n[price_per_gpu]\nH100 = 2\n'H100 80GB' = 4\n")
    assert story.bill(3600).spent == Amount(4.0, 4.0, "$")


def test_without_a_price_a_gpu_has_its_dated_range_and_a_cpu_none(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "")
    bill = story.bill(3600)
    assert bill.spent.text == "$2.00–4.80" and bill.rate.basis == "hint"
    story.meter = Meter(story.run)
    story.on(None)
    bill = story.bill(3600)
    assert bill.spent is None and "price_per_hour" in bill.problem


def test_what_a_damaged_run_says_is_passed_over(story: Story) -> None:
    story.run.events.write_bytes(b'{"event":"attempt"\xff\n[]\n{"event":"end"}\n' + b"x" * 100)
    story.run.metrics.write_bytes(
        b'{"step":true,"time":1,"loss":1}\n{"step":1,"time":"NaN","loss":1}\n{"step":' + b"9" * 40 + b"\n"
    )
    story.run.attempt(1).environment.write_bytes(b"[" * 100_000)
    bill = story.bill(60)
    assert bill.seconds == 60.0 and bill.left_s is None and bill.gpu is None


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (3.204, 3.204, "$3.20"), (0.004, 0.004, "$0.0040"), (1e-7, 1e-7, "$0.00"), (0.0, 0.0, "$0.00"),
        (2.0, 4.8, "$2.00–4.80"), (12_345.6, 12_345.6, "$12 346"),
    ],
)  # fmt: skip
def test_amounts_have_the_digits_that_matter(low: float, high: float, text: str) -> None:
    assert Amount(low, high, "$").text == text


@pytest.mark.parametrize("number", [0.0, -1.0, 1e308])
def test_numbers_that_cannot_be_are_no_crash(story: Story, number: float) -> None:
    from tui_ft.tui.money_facts import Purse, money_facts

    begin(story)
    story.change(budget=number, started_at=-number)
    purse = Purse(story.bill(400), None, False)
    text = "\n".join(fact.text for fact in money_facts(purse, 60))
    assert "nan" not in text and len(text) < 3000


@pytest.mark.parametrize(
    ("parameters", "method", "band"),
    [
        (7_600_000_000, "QLoRA r16", "$5–50"), (13e9, "QLoRA r64", "$50–200"),
        (70e9, "QLoRA r16", "$200–1,000"),
        (8e9, "Full", "$50–5,000"), (8e9, "LoRA r16", None),
        (30e9, "QLoRA r16", None), (None, "QLoRA r16", None),
    ],
)  # fmt: skip
def test_what_others_pay_stands_beside_it(
    story: Story, parameters: float | None, method: str, band: str | None
) -> None:
    story.run.attempt(1).prediction.write_text(
        json.dumps({"time": 1.0, "parameters": parameters and int(parameters)})
    )
    story.change(method=method)
    usual = [entry.amount for entry in money_words.entries(story.bill(60)) if entry.name == "usual"]
    assert usual == ([band] if band else [])


def test_pipes_in_the_place_of_files_hold_nobody_up(story: Story) -> None:
    import os

    begin(story)
    attempt = story.run.attempt(1)
    for path in (
        attempt.environment,
        attempt.launch,
        attempt.prediction,
        story.run.metrics,
        story.run.events,
    ):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    assert story.bill(60).seconds == 60.0


def test_every_attempt_costs_what_its_own_gpus_cost(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten hours on two cheap ones and one on a dear one were billed as eleven on the dear one."""
    write_settings(tmp_path, monkeypatch, "[price_per_gpu]\nH100 = 3\n'RTX 4090' = 0.5\n")
    story.on("NVIDIA GeForce RTX 4090")
    launched = {"schema": 1, "time": START, "gpus": ["GPU-1", "GPU-2"]}
    story.run.attempt(1).launch.write_text(json.dumps(launched))
    story.event("attempt", 0, attempt=1)
    story.event("end", 36_000, cause="preempted", message="", step=5)
    story.change(attempt=2, started_at=START + 72_000, gpus=["GPU-0"], budget=20.0)
    loading = story.bill(72_000 + 3600)
    assert loading.spent == Amount(10.0 + 0.5, 10.0 + 0.5, "$")  # it has not said yet on what it runs
    newest = story.run.attempt(2).environment
    newest.parent.mkdir(parents=True)
    newest.write_text(json.dumps({"gpu": {"name": "NVIDIA H100 80GB HBM3"}}))
    bill = story.bill(72_000 + 3600)
    assert bill.spent == Amount(13.0, 13.0, "$")
    assert bill.budget_left_s == pytest.approx(7 / 3 * 3600)


def test_the_silent_hours_of_an_attempt_still_cost_when_it_was_resumed(story: Story) -> None:
    """It hung and was killed: billed to its end while it was the newest, afterwards to its last word only."""

    def launched(attempt: int, at: float, ended: float | None = None) -> None:
        folder = story.run.attempt(attempt)
        folder.path.mkdir(parents=True, exist_ok=True)
        earlier = None if ended is None else START + ended
        folder.launch.write_bytes(encode_document(LaunchRecord(time=START + at, earlier_ended=earlier)))

    launched(1, 0.0)
    story.event("attempt", 5.0, attempt=1, step=0)
    story.event("phase", 100.0, phase="training", step=1)
    story.change(status="failed", ended_at=START + 4000.0)
    assert story.bill(9000.0).seconds == 4000.0
    launched(2, 9000.0, ended=4000.0)  # it came to no event: it could not even be imported
    launched(3, 9500.0, ended=9100.0)
    story.event("attempt", 9510.0, attempt=3, step=1)
    story.change(status="running", attempt=3, started_at=START + 9500.0, ended_at=None)
    assert story.bill(9600.0).seconds == 4000.0 + 100.0 + 100.0
    launched(4, 9700.0, ended=99_999.0)  # a clock that was set: no later than the launch that says so
    story.change(attempt=4, started_at=START + 9700.0)
    assert story.bill(9700.0).seconds == 4000.0 + 100.0 + 200.0


def test_a_resume_writes_down_when_the_attempt_before_let_go(bench: Any) -> None:
    run = bench.start()
    bench.wait_for_step(run)
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    ended = read_state(run).ended_at
    bench.wait_until(lambda: not locks.is_locked(run.lock), "its supervisor's end")
    fake = [sys.executable, str(Path(__file__).with_name("fake_trainer.py")), "forever"]
    launch.resume(run, trainer=fake)
    record = launch_record.read(run, 2)
    assert record is not None and record.earlier_ended == ended
    bench.wait_for_step(run)
    for role in ("supervisor", "trainer"):
        bench.kill(run, role)
    last = decode_hardware(run.hardware.read_bytes().splitlines()[-1]).time
    launch.resume(run, trainer=fake)
    record = launch_record.read(run, 3)
    assert record is not None and record.earlier_ended == last

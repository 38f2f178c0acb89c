"""The doors of launch: a run that waits and begins, a resume from an older checkpoint, what is kept of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from checkpoint_made import save

from tui_ft.errors import TuiFtError
from tui_ft.runs import control, launch, launch_record, masking
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import list_directories
from tui_ft.runs.state import StateFile, read_state
from tui_ft.runs.truth import read_truth

FAKE = [sys.executable, str(Path(__file__).with_name("fake_trainer.py"))]


def test_a_prepared_run_waits_until_it_begins(bench) -> None:
    run = launch.prepare(bench.spec, bench.root)
    state = read_state(run)
    assert (state.status, state.attempt, state.started_at) == ("queued", 1, None)
    assert read_truth(run).status == "queued"
    assert launch.begin(run, trainer=[*FAKE, "steps=2"]) == run
    bench.wait_for(run, "finished")
    assert read_state(run).created_at == state.created_at
    with pytest.raises(TuiFtError, match="has begun already") as caught:
        launch.begin(run, trainer=["/bin/true"])
    assert caught.value.exit_code == 1


def test_a_launch_that_was_cut_off_before_it_had_anybody_can_begin_again(bench) -> None:
    run = launch.prepare(bench.spec, bench.root)
    file = StateFile(run, read_state(run))
    file.update(status="starting")
    held = locks.acquire(run)
    with pytest.raises(TuiFtError, match="just being launched"):
        launch.begin(run, trainer=["/bin/true"])
    held.close()
    launch.begin(run, trainer=[*FAKE, "steps=2"])
    bench.wait_for(run, "finished")


def test_what_cannot_begin_waits_on(bench, spec, data_file: Path) -> None:
    run = launch.prepare(bench.spec, bench.root)
    data_file.rename(data_file.with_suffix(".away"))
    with pytest.raises(TuiFtError, match="no data file"):
        launch.begin(run, trainer=["/bin/true"])
    assert read_state(run).status == "queued"
    with pytest.raises(TuiFtError, match="waits in the queue"):
        launch.resume(run)
    with pytest.raises(TuiFtError, match="no data file"):
        launch.prepare(bench.spec, bench.root)
    assert list_directories(bench.root) == [run]


def test_how_an_attempt_was_launched_is_kept_without_secrets(bench, monkeypatch) -> None:
    secret = "hf_" + "a1B2" * 8
    monkeypatch.setattr(
        sys, "argv", ["/usr/bin/tui-ft", "start", "x.toml", "--token", "tell-nobody", f"--set={secret}"]
    )
    run = bench.start("steps=1", until="finished")
    text = run.attempt(1).launch.read_text()
    record = launch_record.read(run, 1)
    assert record is not None
    assert record.command[:3] == ["tui-ft", "start", "x.toml"]
    assert record.folder == str(Path.cwd()) and record.user and record.version
    assert record.hours_between_failures and record.failures_basis
    assert secret not in text and "tell-nobody" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a.api_key=abc", "a.api_key=***"),
        ("https://me:pw@host/x", "https://***@host/x"),
        ("https://hooks.example/T/B?key=1", "https://hooks.example/T/B?***"),
        ("model.id=org/name", "model.id=org/name"),
        ("sk-abcdefghijkl", "***"),
        ("data.max_length=512", "data.max_length=512"),
        ("method.virtual_tokens=20", "method.virtual_tokens=20"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, kept: str) -> None:
    assert masking.masked(text) == kept


def test_a_resume_may_name_its_checkpoint(bench) -> None:
    run = bench.start("forever")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    step = run.list_checkpoints()[0][0]
    with pytest.raises(TuiFtError, match="no checkpoint of step 1000000"):
        launch.resume(run, from_step=1_000_000, trainer=["/bin/true"])
    with pytest.raises(TuiFtError, match="is not whole"):
        launch.resume(run, from_step=step, trainer=["/bin/true"])
    assert not run.attempt(2).path.exists()


def test_the_effective_batch_stays(bench) -> None:
    run = bench.start("forever")
    control.request(run, "stop", by="test")
    bench.wait_for(run, "stopped")
    with pytest.raises(TuiFtError, match="effective batch of 16 rows; this would make it 8"):
        launch.check_changes(run, ["training.batch_size=2"])
    changes = ["training.batch_size=1", "training.gradient_accumulation=16"]
    assert launch.check_changes(run, changes).training.batch_size == 1
    launch.resume(run, changes, fix="smaller batches", trainer=[*FAKE, "forever"])
    record = json.loads(run.attempt(2).launch.read_text())
    assert (record["fix"], record["changes"]) == ("smaller batches", changes)


def test_a_way_back_that_was_cut_off_is_still_the_way_back(bench) -> None:
    """Whoever went back behind the trouble must not go on from the trouble because a machine fell away."""
    run = bench.start("forever")
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped")
    save(run, 3), save(run, 6)
    launch.resume(run, from_step=3, trainer=["/bin/false"])
    bench.wait_for(run, "failed")
    launch.resume(run, trainer=[*FAKE, "forever"])
    record = launch_record.read(run, 3)
    assert record is not None and record.from_step == 3
    bench.wait_for_step(run)
    control.request(run, "stop", by="test", now=True)
    bench.wait_for(run, "stopped")
    launch.resume(run, trainer=[*FAKE, "forever"])
    record = launch_record.read(run, 4)
    assert record is not None and record.from_step is None, "it had come so far"


@pytest.mark.parametrize(
    "secret",
    [
        "https://discord.com/api/webhooks/123/SECRETX", "https://hooks.slack.com/services/T0/B0/SECRETX",
        "https://api.telegram.org/bot123456:SECRETX/sendMessage", "https://ntfy.sh/SECRETX",
        "nvapi-SECRETXSECRETX", "r8_SECRETXSECRETX", "Authorization: Bearer SECRETXX",
    ],
)  # fmt: skip
def test_what_lets_others_in_is_not_written_down(secret: str) -> None:
    from tui_ft.runs.masking import masked

    assert "SECRETX" not in masked(f"notes.text=see {secret}")
    assert (
        masked("notes.text=a basic training, bearer of hope") == "notes.text=a basic training, bearer of hope"
    )

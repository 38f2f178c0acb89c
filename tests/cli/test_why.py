"""`tui-ft why` and `tui-ft silence`: the end, the findings, and a fix as a change, for people and scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoint_made import save
from msgspec.structs import replace
from run_folders import losses, trainer_log
from synthetic_run import SyntheticRun

from tui_ft.cli.main import main
from tui_ft.health.finding import Finding, Fix
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.fixes import fix_process, fixing
from tui_ft.runs.health_rows import DeedRow, FoundRow
from tui_ft.runs.records import JsonLinesWriter
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import dumps

CLIP = Fix(name="clip", title="clip harder", how="resume", changes=["training.max_grad_norm=0.3"])


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, folder in (("TUI_FT_RUNS", "runs"), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "s")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    return tmp_path / "runs"


@pytest.fixture
def made(root: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(root, total_steps=120) as run:
        run.keep_spec(dumps(overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"])))
        run.begin_training()
        run.advance(60)
        save(run.run, 30)
        finding = Finding(
            code="divergence", level="error", message="The loss rose.", time=run.now, step=58,
            evidence={"loss": "NaN", "ratio": 2.5}, fixes=[CLIP],
        )  # fmt: skip
        health = JsonLinesWriter(run.run.health)
        health.write(FoundRow(time=run.now, finding=finding))
        health.close()
        yield run


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["why", *arguments, "--json"]) == 0
    text = capsys.readouterr().out
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_an_end_as_json_and_as_text(made: SyntheticRun, capsys: pytest.CaptureFixture[str]) -> None:
    made.fail("CUDA out of memory. Tried to allocate 2.10 GiB")
    answer = told(capsys, made.run.id)
    post = answer["post_mortem"]
    assert (answer["schema"], answer["id"], answer["status"]) == (1, made.run.id, "failed")
    assert post["ending"] == "cuda_oom"
    assert (post["checkpoint"]["step"], post["checkpoint"]["again_steps"]) == (30, 30)
    assert answer["findings"][0]["evidence"]["loss"] == "NaN"
    assert [fix["name"] for fix in answer["fixes"]][-1] == "clip", "what answers the end comes first"
    assert answer["fixes"][0]["name"] == "oom_batch"
    assert main(["why", made.run.id]) == 0
    text = capsys.readouterr().out
    assert "The GPU ran out of memory while training at step 60 of 120." in text
    assert "30 steps are done again" in text
    assert "clip: clip harder" in text
    assert max(map(len, text.split("\n"))) <= 100


def test_what_followed_the_end_is_told(made: SyntheticRun, capsys: pytest.CaptureFixture[str]) -> None:
    made.finish()
    health = JsonLinesWriter(made.run.health)
    health.write(DeedRow(time=made.now, deed="copy", message="It is no folder.", is_done=False))
    health.write(DeedRow(time=made.now, deed="hook", message="The hook stop waits: runs wait in the queue."))
    health.close()
    assert main(["why", made.run.id]) == 0
    text = capsys.readouterr().out
    assert "did not work: copy: It is no folder." in text
    assert "\nhook: The hook stop waits: runs wait in the queue.\n" in text


def test_what_goes_on_and_is_not_well(made: SyntheticRun, capsys: pytest.CaptureFixture[str]) -> None:
    made.live_here()
    answer = told(capsys, made.run.id)
    assert answer["post_mortem"] is None
    assert [fix["name"] for fix in answer["fixes"]] == ["clip"]
    assert main(["why", made.run.id]) == 0
    assert "error: The loss rose. (divergence)" in capsys.readouterr().out


def test_a_fix_is_only_shown_until_yes(
    made: SyntheticRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[fixing.Plan] = []

    class Done:
        def look(self) -> list[fix_process.Word]:
            return [fix_process.Word(said="It stops."), fix_process.Word(run=str(made.run.path))]

    def begin(run: RunDirectory, plan: fixing.Plan, root: Path, **options: Any) -> Done:
        carried.append(plan)
        return Done()

    monkeypatch.setattr(fix_process, "begin", begin)
    made.fail("ValueError: no")
    plan = told(capsys, made.run.id, "--fix", "clip")
    assert plan["changes"] == [{"field": "training.max_grad_norm", "old": "1.0", "new": "0.3"}]
    assert (plan["how"], plan["from_step"], plan["again_steps"]) == ("resume", 30, 30)
    assert main(["why", made.run.id, "--fix", "clip"]) == 0
    assert "training.max_grad_norm 1.0 → 0.3" in capsys.readouterr().out
    assert carried == []
    answer = told(capsys, made.run.id, "--fix", "clip", "--yes")
    assert (answer["id"], answer["fix"], answer["how"]) == (made.run.id, "clip", "resume")
    assert len(carried) == 1


def test_a_run_on_another_machine_needs_a_person_who_knows(
    made: SyntheticRun, capsys: pytest.CaptureFixture[str]
) -> None:
    made.live_here()
    made.set_state("running", host="another", boot_id="another")
    assert main(["why", made.run.id, "--fix", "resume", "--yes"]) == 1
    assert "--take-over" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fix", "nonsense"), "There is no fix 'nonsense'"),
        (("--yes",), "--fix NAME"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    made: SyntheticRun, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    made.fail("ValueError: no")
    assert main(["why", made.run.id, *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_run_of_others_is_told_and_not_touched(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root.mkdir()
    trainer_log(root / "other", losses())
    assert main(["why", str(root / "other"), "--fix", "resume"]) == 2
    assert "was not started by tui-ft" in capsys.readouterr().err
    assert told(capsys, str(root / "other"))["fixes"] == []


def test_silence_asks_and_takes_back(made: SyntheticRun, capsys: pytest.CaptureFixture[str]) -> None:
    made.live_here()
    for undo, text in ((), "divergence"), (("--undo",), "-divergence"):
        assert main(["silence", made.run.id, "divergence", *undo, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["silenced"] is (not undo)
        assert (
            json.loads((made.run.control / f"silence-{text.lstrip('-')}.json").read_bytes())["text"] == text
        )
    assert main(["silence", made.run.id, "divergense"]) == 2
    assert "Did you mean divergence?" in capsys.readouterr().err
    assert main(["silence", "nosuch", "divergense"]) == 2
    said = capsys.readouterr().err
    assert "There is no run 'nosuch'" in said and "divergense" not in said, "the run comes first"
    assert main(["silence", made.run.id, "bla"]) == 2
    assert all(len(line) < 120 for line in capsys.readouterr().err.splitlines())
    made.finish()
    assert main(["silence", made.run.id, "divergence"]) == 1
    assert "is over" in capsys.readouterr().err


def test_what_unsupervised_means_is_said(made: SyntheticRun, capsys: pytest.CaptureFixture[str]) -> None:
    made.live_here()
    trainer = made.state.processes[1]
    dead = replace(trainer, role="supervisor", start_time=trainer.start_time + 1)
    made.set_state("running", processes=[dead, trainer])
    assert main(["why", made.run.id]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Unsupervised: its supervisor is gone and the training goes on" in said
    assert "gives it a new supervisor" in said

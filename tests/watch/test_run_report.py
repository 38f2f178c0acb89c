"""The report on a run: its numbers are the run's, its sections are there, and others' words stay words."""

from __future__ import annotations

import json
import math
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from run_folders import hf_state, losses
from small_runs import RUNS, SmallRun, made
from synthetic_run import SyntheticRun

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Finding
from tui_ft.runs.health_rows import DeedRow, FoundRow
from tui_ft.runs.records import AttemptEvent, JsonLinesWriter, LaunchRecord, WarningEvent, encode_document
from tui_ft.spec import toml
from tui_ft.spec.run_spec import (
    DataSection,
    MethodSection,
    ModelSection,
    NotesSection,
    RunSpec,
    TrainingSection,
)
from tui_ft.watch.finding import resolve
from tui_ft.watch.found import found_ours
from tui_ft.watch.run_report import MARK, write_report

SECTIONS = ["Question", "Data", "Method and reason", "Curves", "Evaluation", "Cost", "What happened",
            "Environment", "How to reproduce", "Limits"]  # fmt: skip
NASTY = (
    "</script><img src=x onerror=a> [link](http://evil.example) ![p](http://evil.example/p.png) "
    "`a` | b\x1b[31m"
)
NASTY_LINES = (
    f"{NASTY}\n# heading\n- item\n| cell |\n```\nfence\nhttps://evil.example www.evil.example me@evil.example"
)


def parsed(text: str) -> list[Token]:
    """Every token of the report, the inline ones too, with tables and with bare addresses made links."""
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    found = []
    for token in reader.parse(text):
        found += [token, *(token.children or [])]
    return found


def a_run(root: Path, **notes: Any) -> SyntheticRun:
    """A finished run on a GPU with spec, launch, data and environment."""
    run = SyntheticRun(root, total_steps=120)
    spec = RunSpec(
        model=ModelSection(id="demo"),
        data=DataSection(train="demo"),
        method=MethodSection(kind="lora", rank=16),
        training=TrainingSection(max_steps=120, batch_size=4, gradient_accumulation=4, learning_rate=2e-4),
        notes=NotesSection(**{"name": "demo", "text": "Does it learn the days?", **notes}),
    )
    folder = run.run.attempt(1)
    folder.path.mkdir(parents=True, exist_ok=True)
    for path in (run.run.spec, folder.spec):
        path.write_text(toml.dumps(spec), encoding="utf-8")
    folder.launch.write_bytes(
        encode_document(
            LaunchRecord(
                time=run.now, command=["tui-ft", "start", "a b.toml"], folder="/work", user="ann",
                version="0.1.0", commit="a" * 40, is_dirty=True,
            )
        )
    )  # fmt: skip
    environment = {
        "schema": 1, "python": "3.11.7", "device": "cuda:0", "driver": "570.86", "cuda": "12.6",
        "parameters": 761_728, "trainable_parameters": 113_664,
        "gpu": {"name": "NVIDIA L4", "total_bytes": 2**34},
        "packages": {"torch": "2.13.0", "trl": "1.16.0"}, "model": {"id": "demo", "content_hash": "c" * 64},
        "machine": {"processor": "Xeon", "cores": 4.0, "memory_bytes": 2**35},
    }  # fmt: skip
    folder.environment.write_text(json.dumps(environment))
    data = {
        "sources": [{"name": "demo", "format": "messages", "rows": 400, "used": 390, "truncated": 3,
                     "skipped": {"empty answer": {"count": 10, "rows": [4]}}}],
        "eval_sources": [], "train_rows": 351, "eval_rows": 39, "tokens": 14_371, "trained_tokens": 10_003,
        "longest": 39, "max_length": 2048, "content_hash": "d" * 32,
    }  # fmt: skip
    folder.data.write_text(json.dumps(data))
    run.foresee()
    run.begin_training()
    run.advance(120)
    run.measure()
    return run


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_its_sections_and_its_charts(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        written = write_report(found_ours(run.run), tmp_path / "out.md", run.now)
    text = written.path.read_text(encoding="utf-8")
    assert text.startswith(MARK)
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS
    names = [path.name for path in written.charts]
    assert {"out-loss.svg", "out-grad-norm.svg", "out-learning-rate.svg", "out-memory.svg"} <= set(names)
    shown = [token for token in parsed(text) if token.type == "image"]
    assert [token.attrs["src"] for token in shown] == names
    for path in written.charts:
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
        assert path.stat().st_mode & 0o077 == 0


def test_its_numbers_are_the_runs(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    rows = [json.loads(line) for line in run.run.metrics.read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    line = next(line for line in text.splitlines() if line.startswith("| `loss` |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    wanted = [losses[0], losses[-1], min(losses), max(losses)]
    assert cells == ["`loss`", str(len(losses)), *(f"{value:.6g}" for value in wanted), "0"]
    evals = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    best = min(evals, key=lambda one: one[1])
    said = section(text, "Evaluation")
    assert f"| best | {best[0]} | {best[1]:.6g} | {math.exp(best[1]):.6g} |" in said
    assert f"| last | {evals[-1][0]} | {evals[-1][1]:.6g} |" in said
    assert "| Say the days backwards. | The the the day is the the | Sunday Saturday Friday |" in said
    data = section(text, "Data")
    assert "| `demo` | `messages` | 400 | 390 | 3 | training |" in data
    assert "351 rows to train on, 39 held out; 14,371 tokens, of which 10,003 count" in data
    assert "- 10 of `demo`: empty answer" in data and "d" * 32 in data
    method = section(text, "Method and reason")
    assert "113,664 of 761,728 parameters were trained (14.9 %)" in method
    assert "16 (4 rows × 4 accumulated)" in method and "measured 14.25 GiB" in method
    assert "The guide" in method and re.search(r"\(R\d+\)", method)
    assert "step 120 of 120" in section(text, "What happened")
    assert "Does it learn the days?" in section(text, "Question")


@pytest.mark.parametrize(
    ("there", "says"),
    [([30, 60, 90, 120], "; all of them are kept."), ([90, 120], "; kept are those of 90, 120."),
     ([], "; none of them is there any more.")],
)  # fmt: skip
def test_it_says_which_checkpoints_are_kept(tmp_path: Path, there: list[int], says: str) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        for step in there:
            run.run.checkpoint(step).mkdir(parents=True)
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    assert f"Checkpoints were saved at steps 30, 60, 90, 120{says}" in section(text, "What happened")


def test_a_learning_rate_has_three_digits(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.advance(1, learning_rate=8.03533e-05)
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("| `learning_rate` |"))
    assert "| 8.04e-05 |" in line
    assert all(
        len(cell.strip().partition("e")[0].replace(".", "").lstrip("0")) <= 3 for cell in line.split("|")[3:7]
    )


def test_how_it_is_done_again(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    again = section(text, "How to reproduce")
    blocks = [token for token in parsed(again) if token.type == "fence"]
    assert [block.info for block in blocks] == ["sh", "toml"]
    assert blocks[0].content == "tui-ft start 'a b.toml'\n"
    assert toml.loads(blocks[1].content, "report") == toml.load(run.run.spec)
    assert "a" * 40 in again and "with changed files" in again
    environment = section(text, "Environment")
    assert "NVIDIA L4" in environment and "570.86, 12.6" in environment and "c" * 64 in environment


def test_every_byte_of_the_model_is_hashed_where_it_is_asked_for(tmp_path: Path) -> None:
    from tui_ft.data.model_identity import full_hash
    from tui_ft.demo import paths

    wanted = full_hash(paths.model_folder())
    with a_run(tmp_path / "runs") as run:
        run.finish()
        found = found_ours(run.run)
        assert wanted not in write_report(found, tmp_path / "out.md", run.now).path.read_text()
        assert wanted in write_report(found, tmp_path / "out.md", run.now, with_model=True).path.read_text()
        spec = toml.read(run.run.attempt(1).spec).replace('id = "demo"', 'id = "nobody/nothing"')
        run.run.attempt(1).spec.write_text(spec)
        with pytest.raises(TuiFtError, match="nobody/nothing"):
            write_report(found, tmp_path / "out.md", run.now, with_model=True)


def test_what_costs_is_what_the_bill_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "tui-ft"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("price_per_hour = 3600.0\n")
    from tui_ft.runs.money.bill import bill_of

    with a_run(tmp_path / "runs") as run:
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
        bill = bill_of(run.run, run.now)
    assert bill.spent is not None
    assert f"| spent | {bill.spent.text.replace('$', chr(92) + '$')} |" in section(text, "Cost")


def test_a_chart_of_another_report_is_not_written_over(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        write_report(found_ours(run.run), tmp_path / "other.md", run.now)
        mine = tmp_path / "r-loss.svg"
        mine.write_text((tmp_path / "other-loss.svg").read_text())
        before = mine.read_text()
        with pytest.raises(TuiFtError, match="no report"):
            write_report(found_ours(run.run), tmp_path / "r.md", run.now)
        assert mine.read_text() == before
        write_report(found_ours(run.run), tmp_path / "other.md", run.now)  # its own it may


def test_what_was_found_and_done_and_how_it_failed(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        finding = Finding(
            code="throttling", level="warning", message="GPU 0 is too hot", time=run.now, step=60,
            evidence={"temperature": 91.0, "rows": [1, 2]},
        )  # fmt: skip
        rows = JsonLinesWriter(run.run.health)
        rows.write(FoundRow(time=run.now, finding=finding))
        rows.write(DeedRow(time=run.now + 1, deed="save", message="saved before it gets worse"))
        rows.close()
        run.event(WarningEvent(time=run.now, code="data", message="3 rows cut"))
        run.metrics({"step": 121, "time": run.now, "loss": "NaN"})
        run.fail("CUDA out of memory. Tried to allocate 2.10 GiB.")
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    happened = section(text, "What happened")
    for words in ("**failed**", "too hot", "done: saved before it gets worse", "3 rows cut", "out of memory"):
        assert words in happened
    assert "temperature 91; rows 1, 2" in happened
    assert happened.index("too hot") < happened.index("saved before")
    assert "Some values are not finite" in section(text, "Limits")
    line = next(line for line in text.splitlines() if line.startswith("| `loss` |"))
    assert line.endswith("| 1 |") and "NaN" in line


def test_every_attempt_with_the_step_that_it_went_on_from(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        second = run.run.attempt(2)
        second.path.mkdir()
        second.spec.write_text(run.run.spec.read_text())
        record = LaunchRecord(
            time=run.now, user="bob", fix="smaller batch", changes=["training.batch_size=2"]
        )
        second.launch.write_bytes(encode_document(record))
        run.event(AttemptEvent(time=run.now, attempt=2, step=90))
        run.set_state("running", attempt=2)
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    rows = [
        line for line in section(text, "What happened").splitlines() if line.startswith(("| 1 |", "| 2 |"))
    ]
    assert "| 0 | ann | none |" in rows[0]
    assert "| 90 | bob | smaller batch: `training.batch_size=2` |" in rows[1]


def test_a_live_run_and_one_that_has_only_begun(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs") as run:
        run.live_here()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    assert "The run still goes on" in section(text, "Limits")
    with SyntheticRun(tmp_path / "runs", name="bare") as run:
        written = write_report(found_ours(run.run), tmp_path / "bare.md", run.now)
    text = written.path.read_text()
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS
    assert written.charts == () and "nothing to draw" in section(text, "Curves")


@pytest.mark.parametrize("small", RUNS, ids=lambda run: run.name)
def test_a_run_of_others_has_a_report_too(tmp_path: Path, small: SmallRun) -> None:
    made(small, tmp_path / "theirs")
    found = resolve(tmp_path / "runs", str(tmp_path / "theirs"))
    written = write_report(found, tmp_path / "out.md")
    text = written.path.read_text()
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS
    assert written.charts and "| `loss` |" in text
    assert "how it was started is not known" in section(text, "How to reproduce")


def test_what_is_not_well_in_a_run_of_others_is_told_with_its_evidence(tmp_path: Path) -> None:
    hf_state(tmp_path / "theirs", [*losses(60), *[math.nan] * 10], total=200)
    found = resolve(tmp_path / "runs", str(tmp_path / "theirs"))
    happened = section(write_report(found, tmp_path / "out.md").path.read_text(), "What happened")
    assert "Not well at the moment" in happened and "`nonfinite`" in happened


def test_the_sample_of_an_old_version_has_a_report(tmp_path: Path) -> None:
    sample = Path(__file__).parent.parent / "samples" / "schema_1" / "20261121-demo-abcd"
    found = resolve(tmp_path, str(sample))
    assert "| `loss` |" in write_report(found, tmp_path / "out.md").path.read_text()


# --- hostile -------------------------------------------------------------------------------------------


def test_others_words_make_no_link_no_picture_and_no_html(tmp_path: Path) -> None:
    with a_run(tmp_path / "runs", text=NASTY_LINES, tags=["a", NASTY[:40]], name="demo") as run:
        folder = run.run.attempt(1)
        environment = json.loads(folder.environment.read_text())
        environment |= {"driver": NASTY_LINES, "machine": {"system": NASTY, "container": NASTY_LINES}}
        environment["packages"] = {"torch": NASTY_LINES}
        folder.environment.write_text(json.dumps(environment))
        data = json.loads(folder.data.read_text())
        data["sources"][0] |= {"name": NASTY_LINES, "format": NASTY, "skipped": {NASTY_LINES: {"count": 1}}}
        folder.data.write_text(json.dumps(data))
        run.event(WarningEvent(time=run.now, code=NASTY, message=NASTY_LINES))
        run.metrics({"step": 121, "time": run.now, NASTY: 1.0, "loss": 1.0})
        run.fail(NASTY_LINES)
        run.set_state("failed", name=NASTY_LINES, model=NASTY, method=NASTY_LINES)
        written = write_report(found_ours(run.run), tmp_path / "out.md", run.now)
    text = written.path.read_text()
    tokens = parsed(text)
    names = {path.name for path in written.charts}
    assert {token.attrs["src"] for token in tokens if token.type == "image"} == names
    assert not [token for token in tokens if token.type == "link_open"]
    html = [token.content.strip() for token in tokens if token.type in ("html_block", "html_inline")]
    assert html == [MARK]
    headings = [
        token.content for at, token in enumerate(tokens) if at and tokens[at - 1].type == "heading_open"
    ]
    assert headings[1:] == SECTIONS
    assert "\x1b" not in text
    words = " ".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"https?://|www\.|\w@\w", words)  # what viewers make links of by themselves
    tables = [line for line in text.splitlines() if line.startswith("| `") and "evil" in line]
    assert tables and all(len(re.findall(r"(?<!\\)\|", line)) in (3, 7, 8) for line in tables)
    for path in written.charts:
        assert ET.fromstring(path.read_text()).tag.endswith("svg")


def test_secrets_in_a_command_or_a_spec_do_not_come_out(tmp_path: Path) -> None:
    secret = "hf_" + "s3cret" * 5
    with a_run(tmp_path / "runs", text=f"token = {secret}") as run:
        folder = run.run.attempt(1)
        folder.launch.write_bytes(
            encode_document(LaunchRecord(time=run.now, command=["tui-ft", "start", f"hub_token={secret}"],
                                         changes=[f"x.token={secret}"]))
        )  # fmt: skip
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    assert secret not in section(text, "How to reproduce") and secret not in section(text, "What happened")


@pytest.mark.parametrize(
    "content", ["[]", "{", "null", '{"packages": 3, "gpu": [1], "model": "x"}', "\0" * 100]
)
def test_broken_files_of_an_attempt_leave_gaps_only(tmp_path: Path, content: str) -> None:
    with a_run(tmp_path / "runs") as run:
        folder = run.run.attempt(1)
        for path in (folder.environment, folder.data, folder.launch, folder.prediction, folder.spec):
            path.write_text(content)
        run.finish()
        text = write_report(found_ours(run.run), tmp_path / "out.md", run.now).path.read_text()
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS


# --- where it is written ---------------------------------------------------------------------------


def test_only_reports_are_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_run(tmp_path / "runs") as run:
        run.finish()
        found = found_ours(run.run)
        out = tmp_path / "out.md"
        write_report(found, out, run.now)
        write_report(found, out, run.now)
        mine = tmp_path / "mine.md"
        mine.write_text("# my own notes\n")
        with pytest.raises(TuiFtError, match="is there already"):
            write_report(found, mine, run.now)
        picture = tmp_path / "other-loss.svg"
        picture.write_text("<svg/>")
        with pytest.raises(TuiFtError, match=r"other-loss\.svg is there already"):
            write_report(found, tmp_path / "other.md", run.now)
        assert mine.read_text() == "# my own notes\n" and picture.read_text() == "<svg/>"
        link = tmp_path / "link.md"
        link.symlink_to(out)
        with pytest.raises(TuiFtError, match="is there already"):
            write_report(found, link, run.now)
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        with pytest.raises(TuiFtError, match="current folder is gone"):
            write_report(found, None, run.now)
        for wrong in ("out.txt", "no/such/folder/out.md"):
            with pytest.raises(TuiFtError):
                write_report(found, tmp_path / wrong, run.now)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with a_run(tmp_path / "runs") as run:
        run.finish()
        with pytest.raises(TuiFtError, match="cannot be written"):
            write_report(found_ours(run.run), closed / "out.md", run.now)

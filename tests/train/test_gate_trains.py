"""Whatever passes the check trains: on the demo model, with the rows that were announced and no others."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from data_zoo import SETS, make_set, shared_sets
from training import MakeRun, events, steps

from tui_ft.data import gate
from tui_ft.data.examples import LOOKED_AT, Reading
from tui_ft.data.findings import Findings
from tui_ft.data.pool import EncodedRows
from tui_ft.data.prepare import local_source, prepare
from tui_ft.data.read import UnreadableError, read_rows
from tui_ft.data.tokenizer import load_tokenizer
from tui_ft.data.view import of_row, view
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import model as training_model
from tui_ft.train.entry import run_attempt
from tui_ft.train.tokenizer import HubTokenizer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

MAX_LENGTH = 512
SHARED = shared_sets()
NO_SHARED = "the real data sets lie beside a checkout of the developers only"

Row = tuple[list[int], list[bool]]


@pytest.fixture(scope="module")
def file_tokenizer() -> Any:
    return load_tokenizer(demo_paths.model_folder())


@pytest.fixture(scope="module")
def trainers_tokenizer() -> HubTokenizer:
    return HubTokenizer(training_model.load_tokenizer(overrides.apply(RunSpec(), ["model.id=demo"])))


def checked(path: Path, tokenizer: Any, train_on: str = "completion") -> Findings:
    return gate.check(path, tokenizer=tokenizer, max_length=MAX_LENGTH, train_on=train_on)


def prepared_rows(path: Path, tokenizer: Any, train_on: str) -> list[Row]:
    """What the trainer makes of the file, in the file's order."""
    found = prepare(
        [local_source(path)], tokenizer, train_on=train_on, max_length=MAX_LENGTH, eval_fraction=0
    )
    return _rows(found.train)


def _rows(rows: EncodedRows) -> list[Row]:
    return [(row.input_ids, row.trained) for row in rows]


def viewed_rows(path: Path, tokenizer: Any, train_on: str) -> list[Row]:
    """What the view shows of every row that it calls usable."""
    rows = list(read_rows(path))
    reading = Reading.of_file(path, [row for _, row in rows[:LOOKED_AT]], train_on=train_on)
    found = []
    for number, row in rows:
        seen = of_row(row, number, reading, tokenizer=tokenizer, max_length=MAX_LENGTH)
        if number in (1, rows[-1][0]):
            alone = view(path, number, tokenizer=tokenizer, max_length=MAX_LENGTH, train_on=train_on)
            assert (alone.pieces, alone.code) == (seen.pieces, seen.code)
        if not seen.code:
            kept = [piece for piece in seen.pieces if not piece.cut]
            found.append(([piece.token_id for piece in kept], [piece.trained for piece in kept]))
            assert len(kept) + seen.cut_tokens == seen.tokens
            assert sum(piece.trained for piece in kept) == seen.trained_tokens > 0
    return found  # type: ignore[return-value]


def three_steps(make_run: MakeRun, path: Path, *changes: str) -> RunDirectory:
    run = make_run(
        f"data.train={path}",
        f"data.max_length={MAX_LENGTH}",
        "data.eval_fraction=0",
        "training.batch_size=4",
        "training.gradient_accumulation=2",
        "training.max_steps=3",
        'evaluation.prompts=["Hi"]',
        *changes,
    )
    run_attempt(run.path, 1)
    return run


def assert_trains_as_announced(make_run: MakeRun, path: Path, tokenizer: Any) -> None:
    findings = checked(path, tokenizer)
    run = three_steps(make_run, path)
    end = events(run, "end")[-1]
    if findings.refusal or not findings.usable_rows:
        assert end["cause"] == "error", "the check refuses a set that trains"
        return
    assert (end["cause"], end["step"]) == ("finished", 3), end["message"]
    assert len(steps(run)) == 3
    report = json.loads(run.attempt(1).data.read_text())
    source = report["sources"][0]
    assert (source["rows"], source["used"]) == (findings.rows, findings.usable_rows)
    assert source["format"] == findings.format
    assert (report["tokens"], report["trained_tokens"]) == (findings.tokens, findings.trained_tokens)
    told = {row for problem in findings.problems for row in problem.rows}
    assert {row for skipped in source["skipped"].values() for row in skipped["rows"]} <= told
    assert_batches_are_viewed(report["first_step"]["rows"], viewed_rows(path, tokenizer, "completion"))


def assert_batches_are_viewed(batch: list[dict[str, Any]], viewed: list[Row]) -> None:
    """Every row of the trainer's own batches is one that the view shows, label for label."""
    known = {tuple(ids): trained for ids, trained in viewed}
    assert batch
    for row in batch:
        ids, labels = row["input_ids"], row["labels"]
        length = next(n for n in range(len(ids), 0, -1) if tuple(ids[:n]) in known)
        trained = known[tuple(ids[:length])]
        expected = [token if is_trained else -100 for token, is_trained in zip(ids, trained, strict=False)]
        assert labels == expected + [-100] * (len(ids) - length)


@pytest.mark.parametrize("train_on", ["completion", "assistant", "all"])
@pytest.mark.parametrize("name", SETS)
def test_the_view_shows_the_tokens_of_training(
    name: str, train_on: str, tmp_path: Path, file_tokenizer: Any, trainers_tokenizer: HubTokenizer
) -> None:
    path = make_set(name, tmp_path)
    viewed = viewed_rows(path, file_tokenizer, train_on)
    assert viewed == prepared_rows(path, trainers_tokenizer, train_on)
    assert checked(path, file_tokenizer, train_on).usable_rows == len(viewed)


@pytest.mark.parametrize("name", SETS)
def test_what_passes_trains(name: str, make_run: MakeRun, tmp_path: Path, file_tokenizer: Any) -> None:
    assert_trains_as_announced(make_run, make_set(name, tmp_path), file_tokenizer)


@pytest.mark.skipif(not SHARED, reason=NO_SHARED)
@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_real_sets_train_or_are_refused(path: Path, make_run: MakeRun, file_tokenizer: Any) -> None:
    try:
        findings = checked(path, file_tokenizer)
    except UnreadableError:
        with pytest.raises(TuiFtError):
            list(read_rows(path))
        return
    if findings.refusal or not findings.usable_rows:
        with pytest.raises(TuiFtError):
            prepare([local_source(path)], file_tokenizer, max_length=MAX_LENGTH)
        return
    assert_trains_as_announced(make_run, path, file_tokenizer)


@pytest.mark.skipif(not SHARED, reason=NO_SHARED)
@pytest.mark.parametrize("train_on", ["completion", "assistant", "all"])
@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_the_view_of_real_sets(
    path: Path, train_on: str, file_tokenizer: Any, trainers_tokenizer: HubTokenizer
) -> None:
    try:
        expected = prepared_rows(path, trainers_tokenizer, train_on)
    except TuiFtError:
        with contextlib.suppress(UnreadableError):
            findings = checked(path, file_tokenizer, train_on)
            assert findings.refusal or not findings.usable_rows
        return
    assert viewed_rows(path, file_tokenizer, train_on) == expected

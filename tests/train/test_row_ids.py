"""Which rows a step was made of, worked out afterwards: the very rows that the step saw."""

from __future__ import annotations

from typing import Any

import pytest
from disturbing import micro_batch, spoiled, terminate
from training import MakeRun, add_attempt, events

from tui_ft.train.entry import run_attempt
from tui_ft.train.row_ids import rows_of_step
from tui_ft.train.session import Session

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    kept: list[Session] = []
    whole = Session.run

    def run(self: Session) -> Any:
        kept.append(self)
        return whole(self)

    monkeypatch.setattr(Session, "run", run)
    return kept


def rows_seen(session: Session, batches: list[Any], accumulation: int) -> list[set[tuple[int, ...]]]:
    """The tokens of each step's rows, without padding; a pack as its parts."""
    pad = session.tokenizer.pad_token_id
    steps = [batches[at : at + accumulation] for at in range(0, len(batches), accumulation)]
    return [{tuple(row[row != pad].tolist()) for batch in step for row in batch} for step in steps]


@pytest.mark.parametrize("packing", ["false", "true"])
def test_the_rows_of_every_step_are_those_it_saw(
    make_run: MakeRun, sessions: list[Session], packing: str
) -> None:
    """Over an epoch's end, and after a resume."""
    same = ("data.limit=12", "data.eval_fraction=0.1", "data.max_length=160", f"data.packing={packing}",
            "training.max_steps=5", "training.gradient_accumulation=1",
            "evaluation.every_steps=100")  # fmt: skip
    run = make_run(*same)
    with micro_batch(4, terminate), spoiled() as first:
        assert run_attempt(run.path, 1) == 0
    add_attempt(run, 2, *same)
    with spoiled() as second:
        assert run_attempt(run.path, 2) == 0
    assert events(run, "end")[-1]["cause"] == "finished"
    session = sessions[-1]
    stored = session.data.train
    where = {tuple(stored[index]["input_ids"]): index for index in range(len(stored))}
    numbers = session.data.numbers
    seen = rows_seen(session, [*first[:3], *second], 1)
    assert len(seen) == 5
    for step, rows in enumerate(seen, 1):
        found = rows_of_step(session.trainer, numbers, step)
        if packing == "false":
            assert found == sorted({numbers.numbers[where[row]] for row in rows})
        else:
            tokens = sum(len(row) for row in rows)
            named = [index for index, number in enumerate(numbers.numbers) if number in found]
            assert sum(numbers.lengths[index] for index in named) == tokens
            text = [session.tokenizer.decode(row) for row in rows]
            assert all(
                any(session.tokenizer.decode(stored[i]["input_ids"]) in t for t in text) for i in named
            )


def test_rows_of_several_files_carry_the_file_s_name(make_run: MakeRun, tmp_path: Any) -> None:
    for name in ("a", "b"):
        lines = [f'{{"prompt": "{name}{n}?", "completion": "{n}{name}"}}' for n in range(8)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    sources = ",".join(f'{{path="{tmp_path}/{name}.jsonl"}}' for name in ("a", "b"))
    run = make_run(f"data.train=[{sources}]", "data.eval_fraction=0", "training.max_steps=1")
    with spoiled(1, 2):
        run_attempt(run.path, 1)
    rows = events(run, "warning")[-1]["evidence"]["rows"]
    assert len(rows) == 4
    assert all(row.startswith(("a.jsonl:", "b.jsonl:")) for row in rows)

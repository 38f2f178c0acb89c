"""The queue as lists show it: what each run waits for, how long it is likely to take; and grids of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from queue_world import QueueWorld, queue_world

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing import grid, queue
from tui_ft.runs.queueing.listing import read_listing
from tui_ft.runs.records import encode_document
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.queue_view import starts_at


@pytest.fixture
def world(bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueWorld]:
    with queue_world(bench.root, bench.spec, tmp_path, monkeypatch) as world:
        yield world


def finish(run: RunDirectory, seconds: float) -> None:
    """As if it had run through in so many seconds."""
    state = msgspec.structs.replace(
        read_state(run), status="finished", started_at=1000.0, ended_at=1000.0 + seconds
    )
    write_atomically(run.state, encode_document(state))


def test_a_run_takes_as_long_as_one_like_it_did(world: QueueWorld, tmp_path: Path) -> None:
    settings = tmp_path / "config" / "tui-ft" / "settings.toml"
    settings.write_text(settings.read_text() + "price_per_hour = 3.0\n")
    for seconds in (90.0, 120.0, 600.0):
        finish(world.add("any", "a"), seconds)
    like = overrides.apply(world.spec_of("x", "b"), ["training.learning_rate=1e-5", "training.seed=7"])
    other = overrides.apply(world.spec_of("x", "c"), ["training.epochs=9"])
    for spec in (like, other, like):
        queue.add(spec, world.root)
    rows = read_listing(world.root).rows
    assert [row.forecast.seconds for row in rows] == [120.0, None, 120.0]
    cost = rows[0].forecast.cost
    assert cost is not None
    assert cost.low == pytest.approx(0.1)


def test_when_its_turn_comes_is_said_only_when_all_before_it_are_known(world: QueueWorld) -> None:
    finish(world.add("any", "a"), 120.0)
    for _ in range(3):
        world.add("any")
    queue.hold(world.root, ["2"])
    listing = read_listing(world.root)
    assert [starts_at(row, listing, 1000.0) for row in listing.rows] == [1000.0, 1120.0, 1120.0]
    queue.add(overrides.apply(world.spec, ["training.epochs=9"]), world.root, terms=queue.Terms(front=True))
    listing = read_listing(world.root)
    assert starts_at(listing.rows[0], listing, 1000.0) == 1000.0
    assert starts_at(listing.rows[1], listing, 1000.0) is None


def test_a_start_that_was_cut_off_is_not_said_to_be_under_way(world: QueueWorld) -> None:
    run = world.add()
    queue.change(
        world.root,
        lambda document: msgspec.structs.replace(
            document, entries=(msgspec.structs.replace(document.entries[0], state="starting"),)
        ),
    )
    row = read_listing(world.root).rows[0]
    assert (row.id, row.word) == (run.id, "waiting")


# --- grids -------------------------------------------------------------------------------------------------


def test_a_grid_of_two_by_two_is_four_runs_with_one_tag() -> None:
    spec = overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", 'notes.tags=["mine"]'])
    made = grid.specs(spec, ["training.learning_rate=1e-4,2e-4", "method.rank=8,16"])
    assert [(one.training.learning_rate, one.method.rank) for one in made] == [
        (1e-4, 8), (1e-4, 16), (2e-4, 8), (2e-4, 16),
    ]  # fmt: skip
    assert len({one.notes.name for one in made}) == 4
    assert {tuple(one.notes.tags) for one in made} == {("mine", grid.tag_of(made))}
    assert "lr 1e-4 rank 8" in made[0].notes.name


def test_without_a_grid_the_spec_stays_as_it_is() -> None:
    spec = overrides.apply(RunSpec(), ["model.id=demo"])
    assert grid.specs(spec, []) == [spec]
    assert grid.tag_of([spec]) == ""


def test_a_comma_within_brackets_or_quotes_is_part_of_a_value() -> None:
    found = grid.combinations(['method.targets=["q_proj","v_proj"],all-linear', "notes.text='a,b',c"])
    assert found == [
        ('method.targets=["q_proj","v_proj"]', "notes.text='a,b'"),
        ('method.targets=["q_proj","v_proj"]', "notes.text=c"),
        ("method.targets=all-linear", "notes.text='a,b'"),
        ("method.targets=all-linear", "notes.text=c"),
    ]


@pytest.mark.parametrize(
    "axes",
    [["rank"], ["=1,2"], ["method.rank="], ["method.rank=,,"], ["method.rank=8", "method.rank=9"],
     [f"training.seed={','.join(map(str, range(65)))}"], ["nosuch.field=1,2"], ["method.rank=8,0"]],
)  # fmt: skip
def test_a_grid_that_cannot_be_is_a_sentence(axes: list[str]) -> None:
    with pytest.raises(TuiFtError):
        grid.specs(RunSpec(), axes)

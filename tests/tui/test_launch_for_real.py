"""From the Review to a real smoke run and the real run behind it, on the demo model, with no stand-in."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from home_world import shown, until
from textual.pilot import Pilot

from tui_ft.errors import TuiFtError
from tui_ft.runs import control
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.launch import LaunchScreen
from tui_ft.tui.screens.review import ReviewScreen
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.wizard import draft as drafts
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.flow import run_wizard
from tui_ft.tui.wizard.smoke import smoke_spec

pytestmark = pytest.mark.train
SECONDS = 90.0


def a_draft(folder: Path, *changes: str) -> Draft:
    """Three hundred rows, one of them long; the real run is of six steps."""
    rows = [{"prompt": f"What is {n} plus {n}?", "completion": f" It is {2 * n}."} for n in range(300)]
    rows[137]["completion"] = " word" * 150
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    spec = RunSpec(model=ModelSection(id="demo"), data=DataSection(train=str(path)))
    draft = Draft(overrides.apply(spec, ["training.max_steps=6", "training.batch_size=2", *changes]))
    draft.go_to("review")
    return draft


@contextlib.asynccontextmanager
async def at_review(root: Path, draft: Draft) -> AsyncIterator[Pilot[Any]]:
    """The real wizard at its last step; what still runs at the end is ended."""
    app = TuiFtApp(root)

    async def walk() -> None:
        run = await run_wizard(app, LocalActions(root, app.read_gpus, app.clock), draft)
        if run is not None:
            app.open_run(run)

    async with app.run_test(size=(80, 24)) as pilot:
        app.run_worker(walk())
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen._review, SECONDS)
        try:
            yield pilot
        finally:
            for run in list_directories(root):
                with contextlib.suppress(TuiFtError):
                    control.request(run, "stop", "test", now=True)


def runs_of(root: Path) -> dict[str, RunDirectory]:
    return {"smoke" if "smoke" in run.id else "real": run for run in list_directories(root)}


async def ended(pilot: Pilot[Any], run: RunDirectory, status: str = "finished") -> None:
    await until(pilot, lambda: read_state(run).status == status, SECONDS)


async def test_a_smoke_run_proves_the_pipe_and_the_real_run_follows(tmp_path: Path) -> None:
    root, draft = tmp_path / "runs", a_draft(tmp_path)
    spec = draft.spec
    async with at_review(root, draft) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen), SECONDS)
        await until(pilot, lambda: "The whole pipe works" in " ".join(shown(pilot.app)), SECONDS)
        text = " ".join(" ".join(shown(pilot.app)).split())
        for words in ("300 rows read, 300 can be used; 32 of them here", "step 4 of 4, loss", "parameters",
                      "on held-out rows", "✓ Checkpoint whole", "✓ Result saved"):  # fmt: skip
            assert words in text, words
        assert draft.smoked == runs_of(root)["smoke"].id
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen), SECONDS)
        found = runs_of(root)
        await ended(pilot, found["real"])
    smoke_run, real = found["smoke"], found["real"]
    assert toml.load(smoke_run.spec) == smoke_spec(spec) and toml.load(real.spec) == spec
    data = json.loads(smoke_run.attempt(1).data.read_text())
    assert data["train_rows"] == 32
    real_data = json.loads(real.attempt(1).data.read_text())
    assert data["longest"] == real_data["longest"]
    assert not smoke_run.list_checkpoints() and real.list_checkpoints(), "only the smoke run made room"
    assert drafts.load() is None, "the draft is done with"


async def test_a_smoke_run_that_fails_starts_nothing_and_the_answers_stay(tmp_path: Path) -> None:
    root, draft = tmp_path / "runs", a_draft(tmp_path, "method.targets=no_such_module")
    async with at_review(root, draft) as pilot:
        await pilot.press("t")
        await until(pilot, lambda: "did not get through" in " ".join(shown(pilot.app)), SECONDS)
        assert "no_such_module" in " ".join(shown(pilot.app))
        await pilot.press("escape")
        await until(pilot, lambda: "Smoke run ✗" in " ".join(" ".join(shown(pilot.app)).split()), SECONDS)
        assert set(runs_of(root)) == {"smoke"}
        await pilot.press("q")
        await until(pilot, lambda: drafts.load() is not None)
    kept = drafts.load()
    assert kept is not None and kept.smoked == draft.smoked and kept.spec == draft.spec


async def test_the_app_may_close_while_it_goes_and_finds_it_again(tmp_path: Path) -> None:
    root, draft = tmp_path / "runs", a_draft(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        first = at_review(root, draft)
        pilot = await first.__aenter__()
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, LaunchScreen), SECONDS)
        run = runs_of(root)["smoke"]
        await pilot.press("escape")
        await until(pilot, lambda: "t follows it" in " ".join(" ".join(shown(pilot.app)).split()), SECONDS)
        await pilot.press("q")
        await until(pilot, lambda: drafts.load() is not None)
        stack.push_async_callback(first.__aexit__, None, None, None)
        kept = drafts.load()
        assert kept is not None
        async with at_review(root, kept) as again:
            await ended(again, run)
            await until(again, lambda: "Smoke run ✓ the whole pipe works" in
                        " ".join(" ".join(shown(again.app)).split()), SECONDS)  # fmt: skip

"""The Review step: everything about the run on one page, and nothing starts that is not on it."""

from __future__ import annotations

import dataclasses
import json
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from method_world import SIZES, Actions, half_a_gpu, no_gpu
from synthetic_run import SyntheticRun
from wizard_world import World, at_step

from tui_ft import settings
from tui_ft.cli import main as cli
from tui_ft.data import gate
from tui_ft.errors import TuiFtError
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.spec.toml_edit import rewrite
from tui_ft.tui.cell_diff import CellDiff
from tui_ft.tui.download import Download
from tui_ft.tui.screens import review as review_module
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.ask_step_down import AskStepDown
from tui_ft.tui.screens.launch import LaunchScreen
from tui_ft.tui.screens.review import ReviewScreen
from tui_ft.tui.screens.save_preset import SavePreset
from tui_ft.tui.starting import StartFacts, gather
from tui_ft.tui.terminal import to_ascii
from tui_ft.tui.wizard import review_facts, smoke
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import Launched
from tui_ft.tui.wizard.smoke import smoke_spec


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUI_FT_RUNS", "/runs")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Two hundred rows, of which two cannot be used."""
    lines = [{"prompt": f"What is {n} plus {n}?", "completion": f"It is {2 * n}."} for n in range(200)]
    lines[3]["completion"] = lines[7]["completion"] = ""
    path = tmp_path / "own data.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def a_draft(rows: Path, *changes: str, model: str = "demo") -> Draft:
    """A draft at its Review, with the gate's own findings."""
    draft = Draft(RunSpec(model=ModelSection(id=model), data=DataSection(train=str(rows))))
    draft.findings[str(rows)] = gate.check(rows, train_on="completion")
    draft.go_to("review")
    draft.spec = overrides.apply(draft.spec, changes)
    return draft


async def loaded(world: World) -> None:
    await world.until(lambda: world.screen._review is not None and world.screen._facts is not None)


async def page(world: World) -> str:
    """The whole page, read by scrolling."""
    await loaded(world)
    seen: dict[str, None] = {}
    await world.press("home")
    for _ in range(12):
        await world.pilot.pause()
        seen |= dict.fromkeys(line.strip() for line in world.lines[2:-2])
        await world.press("pagedown")
    await world.press("home")
    return " ".join(" ".join(seen).split())


# --- the page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_the_whole_run_stands_on_one_page(rows: Path, size: tuple[int, int]) -> None:
    draft = a_draft(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1), size) as world:
        text = await page(world)
        assert all(len(line) <= size[0] for line in world.lines)
        assert "Enter Start" in world.lines[-1] and "t Smoke run" in world.lines[-1]
    for words in (
        "Goal Its answers: ",
        "Model demo: 648k parameters",
        "198 of 200 rows can be used (prompt_completion)",
        "✗ 2 rows: ",
        "188 rows to train on, 10 held out",
        "Method LoRA r16, SFT: 114k parameters move, 18 %",
        "★ recommended: ",
        "Memory ✓ 0.",
        "12.1 free: fits",
        "Steps 36 steps of 16 rows, 3 epochs",
        "Time ",
        "by formula",
        "Cost ",
        "a GPU hour (rents of",
        "Disk ",
        "4 checkpoints of ",
        "Changed nothing: all as recommended",
        "Smoke run not made: t takes",
        "Writes /runs/<date>-demo-lora-r16-<4 letters>/",
        "Command tui-ft start ",
    ):
        assert words in text, words


@pytest.mark.parametrize("size", [(60, 15), (40, 10), (200, 60)])
async def test_it_can_be_read_in_a_terminal_of_any_size(rows: Path, size: tuple[int, int]) -> None:
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1), size) as world:
        assert "Smoke run" in await page(world)
        assert len(world.lines) == size[1] and all(len(line) <= size[0] for line in world.lines)


async def test_in_ascii_and_without_colour_words_and_signs_say_everything(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TUI_FT_ASCII", "1")
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await loaded(world)
        shown = [to_ascii(line) for line in world.lines]
        assert not any("?" in line for line in shown), shown


async def test_while_nothing_changes_nothing_is_painted(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_module, "AGAIN_EVERY_S", 0.005)
    disk = review_facts.Disk(checkpoint_bytes=1, result_bytes=1, copies=1, free_bytes=2**40)
    monkeypatch.setattr(review_facts, "_disk", lambda *_: disk)
    gathered = painted = 0
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await loaded(world)
        await world.pilot.pause()
        gather, display = review_facts.gather, CellDiff._display

        def counted_gather(*arguments: Any) -> Any:
            nonlocal gathered
            gathered += 1
            return gather(*arguments)

        def counted_display(*arguments: Any) -> None:
            nonlocal painted
            painted += 1
            display(*arguments)

        monkeypatch.setattr(review_facts, "gather", counted_gather)
        monkeypatch.setattr(CellDiff, "_display", counted_display)
        await world.until(lambda: gathered > 5)
    assert painted == 0


async def test_without_a_gpu_or_findings_what_is_not_known_is_a_dash(rows: Path) -> None:
    draft = a_draft(rows)
    draft.findings.clear()
    async with at_step(ReviewScreen, draft, no_gpu()) as world:
        text = await page(world)
    assert "not checked yet; the run itself will find out" in text
    assert "Memory 0." in text and "no GPU here" in text
    assert "Steps – steps" in text and "Time – · " in text and "Cost – · " in text


async def test_what_differs_from_the_recommendation_and_the_preset_is_told(rows: Path) -> None:
    draft = a_draft(rows, "training.learning_rate=0.001", "method.rank=32")
    draft.preset = ("mine", overrides.apply(draft.base, ["method.rank=32", "training.epochs=1"]))
    async with at_step(ReviewScreen, draft, half_a_gpu(1), (120, 40)) as world:
        text = await page(world)
    assert "from the recommendation: method.rank 32 (was 16)" in text
    assert "training.learning_rate 0.001 (was 0.0002)" in text
    assert "from mine: " in text and "training.epochs 3.0 (was 1.0)" in text


async def test_a_goal_that_was_advised_against_is_remembered(rows: Path) -> None:
    draft = a_draft(rows)
    draft.goals = frozenset({"sft", "facts"})
    draft.went_on_despite_gate = True
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        text = await page(world)
    assert "! The guide advised against fine-tuning; you went on regardless." in text


async def test_a_wish_that_this_version_cannot_carry_out_is_said(rows: Path) -> None:
    draft = a_draft(rows)
    draft.goals = frozenset({"preference"})
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        text = await page(world)
    assert "Method LoRA r16, SFT" in text and "★" not in text
    assert "! not what was asked for: the objective dpo is not built in yet" in text and "instead: " in text


async def test_data_that_changed_since_the_check_are_said(rows: Path) -> None:
    draft = a_draft(rows)
    with rows.open("a") as file:
        file.write('{"prompt": "One more?", "completion": "Yes."}\n')
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        assert "! it has changed since it was checked" in await page(world)


async def test_numbers_of_a_check_that_was_ended_early_are_said_to_be_the_least(rows: Path) -> None:
    draft = a_draft(rows)
    draft.findings[str(rows)].is_partial = True
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        text = await page(world)
    assert "at least 188 rows to train on" in text
    assert "the check was ended early, so it may be more" in text


async def test_control_characters_never_reach_the_screen(tmp_path: Path) -> None:
    odd = tmp_path / "od\x1b[31md.jsonl"
    odd.write_text('{"prompt": "a", "completion": "b"}\n' * 3)
    async with at_step(ReviewScreen, a_draft(odd), half_a_gpu(1)) as world:
        text = await page(world)
        assert "od[31md.jsonl: 3 of 3 rows" in text
        assert not any("\x1b" in line for line in world.lines)


# --- starting ----------------------------------------------------------------------------------------


async def test_enter_starts_what_is_shown(rows: Path) -> None:
    draft = a_draft(rows)
    draft.write("# my own words\n" + draft.text)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await loaded(world)
        await world.press("enter", "enter")
        await world.until(lambda: world.outcomes)
        ((spec, text),) = world.actions.started
    assert isinstance(world.outcomes[0], Launched)
    assert spec == draft.spec and text is not None and text.startswith("# my own words\n")


def as_the_shell_reads(command: str) -> list[str]:
    return [str(Path(word).expanduser()) for word in shlex.split(command)]


async def test_the_command_does_the_same(
    rows: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very command on the page is run; launch gets the same, to the byte of what it writes."""
    draft = a_draft(rows, "notes.name=it's mine", "training.max_steps=7")
    monkeypatch.chdir(rows.parent)
    draft.spec = overrides.apply(draft.spec, [f"data.train={rows.name}"])
    draft.write("# kept\n" + draft.text)
    async with at_step(ReviewScreen, draft, half_a_gpu(1), (120, 40)) as world:
        await loaded(world)
        command = world.screen._review.command
        await world.press("enter")
        await world.until(lambda: world.outcomes)
    monkeypatch.chdir("/")
    asked: list[tuple[RunSpec, Path, str | None]] = []

    def start(spec: RunSpec, root: Path, *, text: str | None = None, trainer: Any = None) -> RunDirectory:
        asked.append((spec, root, text))
        raise TuiFtError("noted")

    monkeypatch.setattr(launch, "start", start)
    program, *arguments = as_the_shell_reads(command)
    assert program == "tui-ft" and cli.main(arguments) == 2
    capsys.readouterr()
    ((spec, root, text),) = asked
    ((started, own_text),) = world.actions.started
    assert (spec, root) == (started, Path("/runs"))
    assert spec.data.train == str(rows), "an absolute path: it works from any folder"
    assert text is not None and own_text is not None and rewrite(text, spec) == rewrite(own_text, started)


def test_the_command_names_the_runs_root_only_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    assert review_facts.command("/x/a b.toml", Path("/runs")) == "tui-ft start '/x/a b.toml'"
    other = review_facts.command("/x/a.toml", tmp_path)
    assert other == f"tui-ft start /x/a.toml --runs-root {tmp_path}"
    home = str(Path.home() / "a b.toml")
    assert review_facts.command(home, Path("/runs")) == "tui-ft start ~'/a b.toml'"


async def test_a_key_typed_ahead_starts_nothing_unseen(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go = threading.Event()
    gather = review_facts.gather

    def slow(*arguments: Any) -> Any:
        may_go.wait(10)
        return gather(*arguments)

    monkeypatch.setattr(review_facts, "gather", slow)
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await world.press("enter")
        await world.sees("One moment: the page is made.")
        may_go.set()
        await loaded(world)
        assert not world.actions.started and not world.outcomes


async def test_while_it_is_being_started_it_cannot_be_left(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go = threading.Event()
    start = Actions.start

    def slow(*arguments: Any) -> RunDirectory:
        may_go.wait(10)
        return start(*arguments)

    monkeypatch.setattr(Actions, "start", slow)
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await loaded(world)
        await world.press("enter")
        await world.sees("Starting demo-LoRA r16")
        for key in ("escape", "q", "left_square_bracket", "enter"):
            await world.press(key)
        await world.sees("One moment: the run is being started.")
        may_go.set()
        await world.until(lambda: world.outcomes)
        assert isinstance(world.outcomes[0], Launched) and len(world.actions.started) == 1


@pytest.mark.parametrize("key", ["question_mark", "w"])
async def test_a_run_that_started_under_another_screen_ends_the_step_when_that_is_closed(
    rows: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    may_go = threading.Event()
    start = Actions.start

    def slow(*arguments: Any) -> RunDirectory:
        may_go.wait(10)
        return start(*arguments)

    monkeypatch.setattr(Actions, "start", slow)
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await loaded(world)
        review = world.screen
        await world.press("enter", key)
        await world.until(lambda: world.screen is not review)
        may_go.set()
        await world.until(lambda: world.actions.started and not review._is_launching)
        await world.press("escape", "enter")
        await world.until(lambda: world.outcomes)
        assert isinstance(world.outcomes[0], Launched) and len(world.actions.started) == 1


async def test_a_spec_file_that_cannot_be_written_is_said_and_hinders_nothing(
    rows: Path, own_state: Path
) -> None:
    (own_state / "tui-ft").write_text("a file where the folder should be")
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        assert "Command ✗ " in await page(world)
        await world.press("enter")
        await world.until(lambda: world.outcomes)


def remove(path: Path) -> None:
    path.unlink()


async def test_what_would_be_refused_is_said_before_enter(rows: Path) -> None:
    draft = a_draft(rows)
    remove(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await world.sees("Stop ✗ There is no data file")
        await loaded(world)
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        await world.press("t")
        assert not world.outcomes and not world.actions.started


async def test_without_any_answers_it_says_what_is_missing() -> None:
    draft = Draft()
    draft.go_to("review")
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await world.sees("Stop ✗ model.id is not set")
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        assert not world.actions.started


async def test_data_that_the_trainer_refuses_are_a_stop(rows: Path) -> None:
    with rows.open("a") as file:
        file.write("{broken\n")
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await world.sees("Stop ✗ ")
        await loaded(world)
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        assert not world.actions.started


async def test_a_launch_that_fails_says_why_and_keeps_the_draft(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> RunDirectory:
        raise TuiFtError("The disk is full.", "Make room.")

    monkeypatch.setattr(Actions, "start", full)
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await loaded(world)
        await world.press("enter")
        await world.sees("✗ Nothing was started. The disk is full. Make room.")
        assert not world.outcomes


async def test_what_does_not_fit_offers_what_would_and_takes_it_into_the_draft(rows: Path) -> None:
    draft = a_draft(rows, "training.batch_size=8", model="Qwen/Qwen3-8B")
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await world.sees("Memory ✗ ", "does not fit")
        await loaded(world)
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, AskStepDown))
        await world.press("escape")
        await world.sees("Nothing was started.")
        before = draft.spec
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, AskStepDown))
        await world.press("1")
        await world.until(lambda: world.outcomes)
        ((spec, _),) = world.actions.started
    assert spec == draft.spec != before


def facts(**changes: Any) -> StartFacts:
    return StartFacts(model="demo", method="LoRA r16", gpu="GPU 0 H200", **changes)


async def test_a_gpu_that_somebody_holds_is_asked_about_once(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Actions, "gather", lambda self, spec: facts(held="2 processes, 11.5 GiB in use"))
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        assert "! somebody is on it: 2 processes" in await page(world)
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.sees("Somebody holds the GPU: 2 processes", "Start all the same?")
        await world.press("n")
        await world.sees("Nothing was started.")
        assert not world.actions.started
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.press("y")
        await world.until(lambda: world.outcomes)


async def test_a_model_that_cannot_be_fetched_is_a_stop(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Download(needed_bytes=None, problem="There is no model x/y on the Hub.", is_fatal=True)
    monkeypatch.setattr(Actions, "gather", lambda self, spec: facts(download=gone))
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        await world.sees("Stop ✗ There is no model x/y on the Hub.")
        await world.press("enter")
        await world.until(lambda: world.screen.notice.is_error)
        assert not world.actions.started


async def test_what_is_mended_while_the_page_is_open_can_be_started(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_module, "AGAIN_EVERY_S", 0.05)
    monkeypatch.setattr(Actions, "gather", lambda self, spec: gather(spec, self.read_gpus(), self.runs_root))
    draft, content = a_draft(rows), read(rows)
    remove(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await world.sees("Stop ✗ There is no data file")
        await loaded(world)
        assert world.text.count("There is no data file") == 1
        write(rows, content)
        await world.until(lambda: "Stop" not in world.text)
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.press("y")
        await world.until(lambda: world.outcomes)


def read(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_disk_that_would_fill_up_is_asked_about(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = review_facts.Disk(checkpoint_bytes=2**30, result_bytes=2**20, copies=4, free_bytes=2**30)
    monkeypatch.setattr(review_facts, "_disk", lambda *_: short)
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
        assert "Disk ✗ 4.0 GiB at the most, 1.0 GiB free" in await page(world)
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.sees("The disk may fill up: 4.0 GiB at the most, 1.0 are free.")


async def test_foreign_code_needs_a_yes_of_its_own(rows: Path, tmp_path: Path) -> None:
    draft = a_draft(rows, "model.trust_remote_code=true")
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        assert "! trust_remote_code: the model's own Python will run here as you" in await page(world)
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.sees("lets it run here as you", "every file and token", "Have you read it")
        await world.press("n")
        assert not world.actions.started
        await world.press("t")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.press("n")
        await world.sees("Nothing was started.")
        assert not world.actions.started, "the smoke run runs it, too"
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, Confirm))
        await world.press("y")
        await world.until(lambda: world.outcomes)


def test_the_python_files_of_a_local_model_are_named(tmp_path: Path) -> None:
    for name in ("modeling_odd.py", "config.json", "tokenization_odd.py"):
        (tmp_path / name).write_text("")
    spec = overrides.apply(RunSpec(model=ModelSection(id=str(tmp_path))), ["model.trust_remote_code=true"])
    assert review_facts._code_of(spec) == ("modeling_odd.py", "tokenization_odd.py")
    for number in range(9):
        (tmp_path / f"more_{number}.py").write_text("")
    assert review_facts._code_of(spec)[-1] == "and 5 more"


# --- the other keys ----------------------------------------------------------------------------------


async def test_t_starts_the_smoke_run_and_then_the_real_one(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = a_draft(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await loaded(world)
        await world.press("t")
        await world.until(lambda: isinstance(world.screen, LaunchScreen))
        assert [spec for spec, _ in world.actions.started] == [smoke_spec(draft.spec)]
        assert draft.smoked == "20261121-started", "so that it is found again after the app was closed"
        await world.press("escape")
        await world.until(lambda: isinstance(world.screen, ReviewScreen))
        assert len(world.actions.started) == 1 and not world.outcomes
        await world.press("t")
        await world.until(lambda: isinstance(world.screen, LaunchScreen))
        world.screen.dismiss(True)
        await world.until(lambda: world.outcomes)
        assert world.actions.started[-1][0] == draft.spec


async def test_beside_a_smoke_run_that_goes_it_starts_only_after_a_yes(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = a_draft(rows)
    with SyntheticRun(tmp_path, name="demo-smoke", total_steps=4) as made:
        made.live_here()
        made.run.spec.write_text(toml.dumps(smoke_spec(draft.spec)))
        draft.smoked = made.run.id
        monkeypatch.setattr(smoke, "find", lambda root, name: made.run)
        async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
            await loaded(world)
            await world.press("enter")
            await world.until(lambda: isinstance(world.screen, Confirm))
            await world.sees("Its smoke run is still going")
            await world.press("n", "t")
            await world.until(lambda: isinstance(world.screen, LaunchScreen))
            assert not world.actions.started, "the one that goes is followed"


async def test_w_keeps_it_as_a_preset(rows: Path) -> None:
    draft = a_draft(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await loaded(world)
        await world.press("w")
        await world.until(lambda: isinstance(world.screen, SavePreset) and world.screen.focused)
        await world.press("enter")
        await world.sees("Saved as the preset demo-lora-r16")
    saved = toml.load(settings.user_presets_folder() / "demo-lora-r16.toml")
    assert saved == draft.spec


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "editor"
    path.write_text('#!/bin/sh\nsed -i "s/^epochs = .*/epochs = 7.0/" "$1"\n')
    path.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(path))
    yield path


async def test_e_opens_the_toml_and_the_page_follows(
    rows: Path, editor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import contextlib

    draft = a_draft(rows)
    async with at_step(ReviewScreen, draft, half_a_gpu(1)) as world:
        await loaded(world)
        monkeypatch.setattr(type(world.pilot.app), "suspend", lambda self: contextlib.nullcontext())
        await world.press("e")
        await world.until(lambda: draft.spec.training.epochs == 7.0)
        await world.sees("7 epochs")
        await world.press("enter")
        await world.until(lambda: world.outcomes)
        assert world.actions.started[0][0].training.epochs == 7.0


async def test_what_becomes_free_is_seen_without_a_key(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_module, "AGAIN_EVERY_S", 0.05)
    nvml = half_a_gpu(1)
    async with at_step(ReviewScreen, a_draft(rows), nvml) as world:
        await world.sees("12.1 free: fits")
        total, _, used = nvml.devices[0]["memory"]
        nvml.devices[0]["memory"] = (total, 5 * 2**30, used)
        await world.sees("5.0 free: fits")


async def test_esc_goes_back_and_q_leaves(rows: Path) -> None:
    for key, outcome in (("escape", "back"), ("q", "leave")):
        async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(1)) as world:
            await world.press(key)
            await world.until(lambda: world.outcomes)
        assert world.outcomes == [outcome]


def test_disk_counts_what_is_there_at_once() -> None:
    disk = review_facts.Disk(checkpoint_bytes=10, result_bytes=1, copies=3, free_bytes=30)
    assert disk.need_bytes == 31 and disk.is_short
    assert not dataclasses.replace(disk, free_bytes=31).is_short
    assert not dataclasses.replace(disk, free_bytes=None).is_short


async def test_the_run_goes_into_the_queue(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[Path] = []
    monkeypatch.setattr("tui_ft.runs.queueing.nudging._start", lambda root, after_s: nudged.append(root))
    async with at_step(ReviewScreen, a_draft(rows), half_a_gpu(100)) as world:
        world.pilot.app.runs_root = tmp_path / "runs"
        await loaded(world)
        assert "b Queue" in world.lines[-1]
        await world.press("b", "b")
        await world.until(lambda: world.outcomes)
        assert not world.actions.started
    outcome = world.outcomes[0]
    assert isinstance(outcome, Launched)
    assert read_state(outcome.run).status == "queued"
    assert nudged == [tmp_path / "runs"]
    assert len(list((tmp_path / "runs").glob("*/spec.toml"))) == 1, "a second key queues nothing twice"

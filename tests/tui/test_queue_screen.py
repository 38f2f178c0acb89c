"""The queue on the screen: what waits and why, and the keys that order, hold, let go and remove it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from home_world import NO_GPU, OpenedRun, a_gpu, on_screen, shown, until
from textual.pilot import Pilot

from tui_ft.atomic import write_atomically
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing import queue
from tui_ft.runs.queueing.queue_file import queue_path, read_queue, write_queue
from tui_ft.runs.records import encode_document
from tui_ft.runs.state import read_state
from tui_ft.settings import user_presets_folder
from tui_ft.spec import overrides
from tui_ft.spec.presets import find_preset
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.queue import QueueScreen

SIZES = [(80, 24), (120, 40), (60, 15)]


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The roots of which somebody wanted the queue advanced; nothing is started."""
    roots: list[Path] = []
    monkeypatch.setattr("tui_ft.runs.queueing.nudging._start", lambda root, after_s: roots.append(root))
    return roots


@pytest.fixture
def root(tmp_path: Path, nudged: list[Path]) -> Path:
    return tmp_path / "runs"


def a_spec(name: str, *changes: str) -> RunSpec:
    return overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo", f"notes.name={name}", *changes])


def add(root: Path, *names: str, **terms: bool) -> list[RunDirectory]:
    return [queue.add(a_spec(name), root, terms=queue.Terms(**terms)) for name in names]


def order(root: Path) -> list[str]:
    return [entry.id.split("-")[1] for entry in read_queue(root).entries]


def lines(pilot: Pilot[Any]) -> list[str]:
    return shown(pilot.app)


@asynccontextmanager
async def at_queue(root: Path, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    app = TuiFtApp(root, read_gpus=lambda: NO_GPU)
    app._run_screen = OpenedRun  # type: ignore[method-assign, assignment]
    async with app.run_test(size=size) as pilot:
        screen = QueueScreen(app.actions)
        await app.push_screen(screen)
        await until(pilot, lambda: screen.rows.loaded)
        yield pilot


@pytest.mark.parametrize("size", SIZES)
async def test_it_shows_the_order_and_what_each_run_waits_for(root: Path, size: tuple[int, int]) -> None:
    add(root, "alpha", "beta")
    held = add(root, "gamma", held=True)[0]
    async with at_queue(root, size) as pilot:
        text = "\n".join(lines(pilot))
        for words in ("Queue 1/3", "1 · waiting", "alpha", "2 · waiting", "3 ‖ held", "Nothing of ours runs"):
            assert words in text
        if size[0] >= 80:
            assert "after number 1" in text and "LoRA r16" in text
        await pilot.press("end")
        await on_screen(pilot, "‖ Held: you held it. g lets it start in its turn.")
        assert all(len(line) <= size[0] for line in lines(pilot))
    assert held.path.is_dir()


async def test_keys_put_runs_in_order_and_the_cursor_stays_on_its_run(root: Path, nudged: list[Path]) -> None:
    add(root, "alpha", "beta", "gamma")
    async with at_queue(root) as pilot:
        await pilot.press("J")
        await until(pilot, lambda: order(root) == ["beta", "alpha", "gamma"])
        await pilot.press("shift+down")
        await until(pilot, lambda: order(root) == ["beta", "gamma", "alpha"])
        await on_screen(pilot, "Queue 3/3")
        await pilot.press("K")
        await until(pilot, lambda: order(root) == ["beta", "alpha", "gamma"])
        await pilot.press("T")
        await until(pilot, lambda: order(root) == ["alpha", "beta", "gamma"])
    assert nudged


async def test_hold_and_go_of_one_run_and_of_all(root: Path) -> None:
    add(root, "alpha", "beta")
    async with at_queue(root) as pilot:
        await pilot.press("h")
        await on_screen(pilot, "1 ‖ held")
        assert [entry.state for entry in read_queue(root).entries] == ["held", "waiting"]
        assert "g Go" in lines(pilot)[-1] and "h Hold " not in lines(pilot)[-1]
        await pilot.press("g")
        await on_screen(pilot, "1 · waiting")
        await pilot.press("H")
        await on_screen(pilot, "Held: nothing starts until g.")
        assert read_queue(root).held
        await pilot.press("g")
        await on_screen(pilot, "All go on in their turn.")
        assert not read_queue(root).held


async def test_terms_are_changed_by_keys_and_said(root: Path) -> None:
    add(root, "alpha")
    async with at_queue(root) as pilot:
        await on_screen(pilot, "also after a run that failed; alone on its GPU")
        await pilot.press("f", "b", "m")
        await on_screen(
            pilot, "only after a run that finished; beside other runs when memory is free; whatever"
        )
    entry = read_queue(root).entries[0]
    assert (entry.after, entry.beside, entry.any_memory) == ("finished", True, True)


async def test_a_run_is_removed_after_a_question(root: Path) -> None:
    one, two = add(root, "alpha", "beta")
    async with at_queue(root) as pilot:
        await pilot.press("x")
        await on_screen(pilot, "out of the queue? It has not begun.")
        await pilot.press("n")
        assert one.path.is_dir()
        await pilot.press("x")
        await on_screen(pilot, "out of the queue? It has not begun.")
        await pilot.press("y")
        await until(pilot, lambda: not one.path.exists())
        await on_screen(pilot, "Queue 1/1")
    assert order(root) == ["beta"]
    assert two.path.is_dir()


async def test_an_empty_queue_says_how_to_fill_it(root: Path) -> None:
    async with at_queue(root) as pilot:
        await on_screen(pilot, "b on a preset or a run puts it behind what runs now")
        assert "Hold" not in lines(pilot)[-1]
        await pilot.press("x", "h", "J", "g", "enter")
        await pilot.press("q")
        assert not isinstance(pilot.app.screen, QueueScreen)


async def test_enter_opens_the_run(root: Path) -> None:
    run = add(root, "alpha")[0]
    async with at_queue(root) as pilot:
        await pilot.press("enter")
        await on_screen(pilot, run.id)
        assert isinstance(pilot.app.screen, OpenedRun)


async def test_what_others_wrote_is_shown_without_control_characters(root: Path) -> None:
    run = add(root, "alpha")[0]
    state = msgspec.structs.replace(read_state(run), model="evil\x1b]0;title\x07model", method="\x1b[31mred")
    write_atomically(run.state, encode_document(state))
    document = read_queue(root)
    entry = msgspec.structs.replace(
        document.entries[0], reason="\x1b[2J\x00gone\u202e " + "x" * 5000, state="held", added_by="\x9bme"
    )
    write_queue(root, msgspec.structs.replace(document, entries=(entry,)))
    async with at_queue(root) as pilot:
        text = "".join(lines(pilot))
        assert "gone" in text and "evil" in text
        assert text.isprintable()


async def test_a_damaged_queue_is_a_sentence_and_a_mended_one_is_shown(root: Path) -> None:
    add(root, "alpha")
    good = queue_path(root).read_bytes()
    queue_path(root).write_bytes(b"{")
    app = TuiFtApp(root, read_gpus=lambda: NO_GPU)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(QueueScreen(app.actions))
        await on_screen(pilot, "is damaged. Move it away")
        write_atomically(queue_path(root), good)
        await on_screen(pilot, "alpha")


async def test_what_changes_elsewhere_is_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_ft.tui.screens.queue.LOOKS_EVERY_S", 0.05)
    add(root, "alpha")
    async with at_queue(root) as pilot:
        add(root, "beta")
        await on_screen(pilot, "Queue 1/2")


# --- putting runs there ------------------------------------------------------------------------------------


@asynccontextmanager
async def at_home(root: Path, reading: GpuReading = NO_GPU) -> AsyncIterator[Pilot[Any]]:
    app = TuiFtApp(root, read_gpus=lambda: reading)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: getattr(app.screen, "presets", None) and app.screen.presets.loaded)
        await until(pilot, lambda: app.screen.runs.loaded)
        yield pilot


async def test_the_chosen_preset_goes_behind_what_waits(root: Path, nudged: list[Path]) -> None:
    async with at_home(root) as pilot:
        await pilot.press("tab", "b")
        await on_screen(pilot, "is next in the queue. Q shows it.")
        await pilot.press("b")
        await on_screen(pilot, "is number 2 in the queue.")
        await pilot.press("Q")
        await on_screen(pilot, "Queue 1/2")
    assert nudged
    entry = read_queue(root).entries[0]
    text = find_preset("demo", user_presets_folder()).text
    assert RunDirectory(root / entry.id).spec.read_text() == text, "as a person wrote it"


async def test_the_spec_of_a_run_goes_into_the_queue_again(root: Path) -> None:
    run = add(root, "alpha")[0]
    state = msgspec.structs.replace(read_state(run), status="finished")
    write_atomically(run.state, encode_document(state))
    async with at_home(root) as pilot:
        await pilot.press("b")
        await until(pilot, lambda: order(root) == ["alpha"])
    assert read_queue(root).entries[0].id != run.id


async def test_a_preset_without_data_asks_for_it_first(root: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n' * 4)
    async with at_home(root) as pilot:
        await pilot.press("p")
        await on_screen(pilot, "comes with tui-ft")
        screen: Any = pilot.app.screen
        preset = next(one for one in screen.presets.rows if one.name == "lora-3b-24gb")
        screen.presets.choose(screen.presets.key_of(preset))
        await pilot.press("b")
        await on_screen(pilot, "lora-3b-24gb needs data to train on")
        await pilot.press("escape")
        await on_screen(pilot, "Nothing was put into the queue.")
        assert not queue_path(root).exists()


async def test_what_can_never_fit_here_is_asked_about(root: Path) -> None:
    small = a_gpu(total_bytes=2**29, free_bytes=2**29, used_bytes=0)
    async with at_home(root, GpuReading((small,))) as pilot:
        await pilot.press("tab", "b")
        await on_screen(pilot, "no GPU here has more than 0.50 GiB: it will be held.")
        await pilot.press("n")
        await on_screen(pilot, "Nothing was put into the queue.")
    assert not queue_path(root).exists()

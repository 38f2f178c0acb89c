"""Another's run on the run screen: watched, named, told of at once, and never steered."""

from __future__ import annotations

import asyncio
import math
import threading
from functools import partial
from pathlib import Path

import pytest
from home_world import shown, until
from rich.cells import cell_len
from scripted_source import NOW, OTHERS, PATH, ScriptedSource
from textual.screen import Screen
from textual.widgets import Input

from tui_ft.errors import TuiFtError
from tui_ft.settings import user_presets_folder
from tui_ft.spec.presets import list_presets
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.found_source import FoundSource
from tui_ft.tui.run_words import origin_line
from tui_ft.tui.screens import pick_run
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.screens.compare import CompareScreen
from tui_ft.tui.screens.other_runs import OtherList, OtherRuns
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.save_preset import SavePreset
from tui_ft.tui.shared_source import SharedSource
from tui_ft.tui.widgets.log_tail import LogTail
from tui_ft.watch import finding, foreign_run
from tui_ft.watch.found import FoundRun
from tui_ft.watch.reading import OtherSource, Reading
from tui_ft.watch.sources.protocol import Place

SIZES = [(60, 15), (80, 24), (120, 40)]


@pytest.fixture(autouse=True)
def own_presets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def source() -> ScriptedSource:
    made = ScriptedSource()
    for step in range(1, 101):
        made.add(step, loss=2.0 / step, grad_norm=0.5, **{"rewards/margins": step / 100, "kl": 0.25})
    return made


def an_app(source: ScriptedSource) -> TuiFtApp:
    app = TuiFtApp(Path("/runs"), clock=lambda: NOW + 300.0)
    app._home_screen = lambda: RunScreen(source)  # type: ignore[method-assign]
    return app


def text(app: TuiFtApp) -> str:
    return "\n".join(shown(app))


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_where_it_is_read_from_and_who_writes_it(
    source: ScriptedSource, size: tuple[int, int]
) -> None:
    app = an_app(source)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        head = shown(app)[:3]
        assert "glad-sun-12" in head[0] and "▶ running" in head[0]
        assert "W&B" in head[1] and "pid 4711" in head[1] and "run-clnzftry.wandb" in head[1]
        assert (PATH in head[1]) is (size[0] >= 120)
        assert "50%" in head[2]
        assert all(len(line) <= size[0] for line in shown(app))


async def test_no_key_that_steers_is_offered_or_does_anything(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        screen = app.screen
        await pilot.press("s", "S", "p", "X", "R", "r", "w")
        await pilot.pause()
        assert app.screen is screen
        titles = [command.title for command in app.get_system_commands(screen)]
        for word in ("Stop", "Save", "Pause", "Kill", "Resume", "Restart", "Preset"):
            assert not any(title.startswith(word + " (") for title in titles)
        assert "Stop" not in shown(app)[-1] and "q Back" in shown(app)[-1]


async def test_it_shows_the_numbers_that_the_run_logs_and_no_dash_for_others(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "margin 1.000" in text(app))
        numbers = " ".join(shown(app)[3:5])
        assert "loss 0.02000" in numbers and "kl 0.2500" in numbers and "s/step 2" in numbers
        assert "–" not in numbers and "lr" not in numbers and "saved" not in numbers


async def test_an_end_is_shown_at_once_not_with_the_next_numbers(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "▶ running" in text(app))
        screen = app.screen
        assert isinstance(screen, RunScreen)
        screen.workers.cancel_group(screen, "follow")
        screen._numbers_at = asyncio.get_running_loop().time()
        source.change(status="lost", reason="Its process is gone and left no mark of an end.", pids=())
        screen._show(screen.reading)
        await until(pilot, lambda: "✗ lost" in shown(app)[0])
        await until(pilot, lambda: "LOST" in text(app) and "left no mark of an end" in text(app))
        assert "R resumes" not in text(app) and "pid" not in shown(app)[1]


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("failed", "CUDA out of memory. Tried to allocate 2.1 GiB", "smaller batch"),
        ("failed", "CUDA out of memory. " + "many words " * 50, "smaller batch"),
        ("failed", "", "says no cause"),
        ("quiet", "Nothing new for 12m (usual: 20s); its process lives.", "its process lives"),
        ("unknown", "Last written 10:20; no mark of an end.", "no mark of an end"),
        ("stopped", "Interrupted.", "Interrupted."),
    ],
)
async def test_every_state_says_why(source: ScriptedSource, status: str, reason: str, said: str) -> None:
    source.change(status=status, reason=reason, notes=("3 bad records left out.",))
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: said in " ".join(text(app).split()))
        assert "3 bad records left out." in " ".join(text(app).split())
        assert "r starts" not in text(app)


async def test_without_a_log_the_curves_have_its_room_and_its_keys_are_gone(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        assert not app.screen.query_one(LogTail).display
        assert "l Log" not in shown(app)[-1]
        await pilot.press("l", "slash", "n", "f")
        assert not app.screen.has_class("-log")
        source.log("hello")
        await until(pilot, lambda: "hello" in text(app))
        await until(pilot, lambda: "l Log" in shown(app)[-1])


async def test_hostile_names_and_numbers_of_another_harm_nothing() -> None:
    source = ScriptedSource(
        title="\x1b]0;owned\x07\u202eevil", path="/tmp/\x1b[31m\nred", started_at=1e300, updated_at=math.nan,
        epoch=math.inf, total_steps=-3, step=10**40, notes=("a \x1b[2J note",),
        settings={"\x1b[7mname": "\x9bvalue", "big": 10**60, "nan": math.nan},
        others=OTHERS, checkpoint_steps=(math.inf, math.nan),
    )  # fmt: skip
    for step in range(1, 40):
        source.add(
            step, loss=math.nan if step % 2 else 1e308, **{"\x1b[5mblink\u202e": -1e308, "日本" * 60: 1.0}
        )
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "more here" in text(app))
        for keys in ((), ("t",), ("tab",), ("q",), ("O",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert "".join(shown(app)).isprintable()
            assert all(len(line) <= 80 for line in shown(app))


async def test_what_else_lies_there_is_a_key_away(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.change(others=OTHERS)
    place = Place(format="stdout", path=Path("/root/work/nohup.out"), files=())
    found = FoundRun(title="nohup.out", path=place.path, places=(place,))
    asked: list[OtherSource] = []

    def find(other: OtherSource, within: FoundRun | None) -> FoundRun:
        asked.append(other)
        return found

    monkeypatch.setattr(finding, "found_other", find)
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "O: 2 more here" in text(app))
        opened: list[FoundRun] = []
        app._found_screen = lambda found: opened.append(found) or Screen()  # type: ignore[method-assign, func-returns-value]
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, OtherRuns) and "nohup.out" in text(app))
        assert "TensorBoard" in text(app) and "running" in text(app)
        await pilot.press("down")
        await until(pilot, lambda: "/root/work/nohup.out" in shown(app)[-2])
        await pilot.press("enter")
        await until(pilot, lambda: opened == [found])
        assert asked == [OTHERS[1]]


async def test_what_else_lies_there_is_filtered_and_ordered(source: ScriptedSource) -> None:
    runs = [
        OtherSource(
            source="wandb", title=f"run-{at}", path=f"/runs/{at}", status="finished", is_run=True,
            step=at * 100, loss=math.nan if at == 3 else 2.0 - at / 10, updated_at=NOW - at * 86_400,
        )
        for at in range(8)
    ]  # fmt: skip
    log = OtherSource(source="stdout", title="nohup.out", path="/elsewhere/nohup.out")
    source.change(others=(*runs, log))
    app = an_app(source)

    def names() -> list[str]:
        return [row.title for row in app.screen.query_one(OtherList).rows]

    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "O: 9 more here" in text(app))
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, OtherRuns) and "run-2" in text(app))
        (line,) = (line for line in shown(app) if "run-2" in line)
        assert all(word in line for word in ("finished", "200", "1.8"))
        await pilot.press("o")
        await until(pilot, lambda: names()[0] == "run-0" and "newest first" in text(app))
        await pilot.press("o")
        await until(
            pilot, lambda: names() == [f"run-{at}" for at in (7, 6, 5, 4, 2, 1, 0, 3)] + ["nohup.out"]
        )
        await pilot.press("slash", *"else out")
        await until(pilot, lambda: names() == ["nohup.out"])
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(names()) == 9)
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: "Nothing has “zzz” in it." in text(app))
        await pilot.press("escape", "q")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))


async def test_an_other_that_is_gone_meanwhile_is_a_sentence(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.change(others=OTHERS)

    def gone(other: OtherSource, within: FoundRun | None) -> FoundRun:
        raise TuiFtError(f"There is no run at {other.path}.", "Look again.")

    monkeypatch.setattr(finding, "found_other", gone)
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "more here" in text(app))
        await pilot.press("O")
        await until(pilot, lambda: isinstance(app.screen, OtherRuns))
        await pilot.press("enter")
        await until(pilot, lambda: "There is no run at /root/work/someone/runs/Nov21." in text(app))
        await pilot.press("O", "q")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))


def test_the_end_of_a_long_path_is_kept_from_a_name_on() -> None:
    reading = Reading(source="wandb", title="a", path=PATH, status="unknown")
    texts = {
        width: "".join(piece for piece, _ in origin_line(reading, width)) for width in (12, 30, 40, 60, 200)
    }
    assert all(len(line) <= width for width, line in texts.items())
    assert texts[200].endswith(PATH)
    assert texts[60].endswith("…/run-20230420_073822-clnzftry/run-clnzftry.wandb")
    assert texts[40].endswith("…/run-clnzftry.wandb")
    assert texts[12].strip() == "W&B"


def found_one(path: Path = Path("/root/run.wandb")) -> FoundRun:
    return FoundRun(title="run\x1b[m", path=path, places=(Place(format="wandb", path=path, files=(path,)),))


async def test_a_found_run_is_opened_by_the_first_poll(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_run, "open_run", lambda found, clock: source)
    made = FoundSource(found_one(), lambda: NOW)
    assert (made.reading.title, made.reading.is_complete, source.polls) == ("run", False, 0)
    assert made.poll() and made.reading is source.reading
    assert not made.poll() and source.polls == 2


async def test_a_run_that_cannot_be_opened_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(found: FoundRun, clock: object) -> ScriptedSource:
        raise TuiFtError("This is a git-lfs pointer.", "Run git lfs pull.")

    monkeypatch.setattr(foreign_run, "open_run", refuse)
    app = TuiFtApp(Path("/runs"), open_found=found_one())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "git-lfs pointer. Run git lfs pull." in text(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_its_settings_become_a_preset(source: ScriptedSource) -> None:
    source.change(settings={"model_name_or_path": "Qwen/Qwen3-8B", "learning_rate": 3e-4, "lora_r": 8})
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, SavePreset))
        await pilot.press("ctrl+u", *"taken", "enter")
        await until(pilot, lambda: "Saved as the preset taken" in " ".join(text(app).split()))
        assert "settings were known" in " ".join(text(app).split())
    kept = next(preset for preset in list_presets(user_presets_folder())[0] if preset.name == "taken")
    assert (kept.spec.model.id, kept.spec.training.learning_rate) == ("Qwen/Qwen3-8B", 3e-4)


async def test_settings_without_a_model_are_refused_with_the_reason(source: ScriptedSource) -> None:
    source.change(settings={"learning_rate": 3e-4}, model="")
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        await pilot.press("w")
        await until(pilot, lambda: "model" in text(app) and "✗" in text(app))
        assert isinstance(app.screen, RunScreen)


async def test_the_chosen_panel_can_have_all_the_room_whatever_the_state(source: ScriptedSource) -> None:
    source.log(*(f"line {i}" for i in range(50)))
    source.change(status="failed", reason="It failed.")
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "FAILED" in text(app) and "line 49" in text(app))
        screen = app.screen
        assert isinstance(screen, RunScreen)
        small = screen.grid.size.height
        await pilot.press("m")
        await until(pilot, lambda: screen.grid.size.height > small + 5 and "line 49" not in text(app))
        await pilot.press("escape")
        await until(pilot, lambda: screen.grid.size.height == small and "line 49" in text(app))


async def test_what_is_seen_is_exported(source: ScriptedSource, tmp_path: Path) -> None:
    app = an_app(source)
    target = tmp_path / "out.csv"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, AskText))
        app.screen.query_one(Input).value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: "Written to" in text(app))
    assert "rewards/margins" in target.read_text()


async def test_another_run_is_laid_over_it_without_reading_it_again(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ScriptedSource(title="the other one", path="/root/other")
    other.add(1, loss=1.0)

    async def pick(app: TuiFtApp, without: object) -> ScriptedSource:
        assert without == {PATH}
        return other

    monkeypatch.setattr(pick_run, "pick_run", pick)
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        screen = app.screen
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "the other one" in text(app))
        assert "glad-sun-12" in text(app)
        polls = source.polls
        await until(pilot, lambda: source.polls > polls)
        await pilot.press("q")
        await until(pilot, lambda: app.screen is screen and "100/200" in text(app))


async def test_a_history_that_never_comes_to_its_end_is_not_asked_all_the_time(
    source: ScriptedSource,
) -> None:
    source.change(is_complete=False)
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "reading…" in text(app))
        await until(pilot, lambda: not source._is_new)
        polls, began = source.polls, asyncio.get_running_loop().time()
        await until(pilot, lambda: source.polls >= polls + 4)
        assert asyncio.get_running_loop().time() - began > 0.5


async def test_while_another_screen_is_on_top_nothing_is_read(source: ScriptedSource) -> None:
    source.change(is_complete=False)
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: not isinstance(app.screen, RunScreen))
        polls = source.polls
        for _ in range(20):
            await pilot.pause(0.02)
        assert source.polls <= polls + 1
        await pilot.press("q")
        await until(pilot, lambda: source.polls > polls + 2)


def test_two_screens_never_read_at_the_same_time() -> None:
    """The second one waits: a source is read from one thread at a time."""

    class Slow(ScriptedSource):
        inside, most = 0, 0

        def poll(self, budget_s: float = 0.05) -> bool:
            self.inside += 1
            self.most = max(self.most, self.inside)
            barrier.wait(0.1)
            self.inside -= 1
            return True

    barrier = threading.Event()
    slow = Slow()
    shared = SharedSource(slow)
    threads = [threading.Thread(target=shared.poll) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert slow.most == 1 and shared.reading is slow.reading


async def test_with_very_little_room_the_charts_come_before_the_log(source: ScriptedSource) -> None:
    source.log("the last line")
    app = an_app(source)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: "100/200" in text(app) and "⠤" in text(app))
        assert "the last line" not in text(app)
        await pilot.press("l")
        await until(pilot, lambda: "the last line" in text(app))
        await pilot.press("l")
        await until(pilot, lambda: "the last line" not in text(app))


def has_width(app: TuiFtApp, width: int) -> bool:
    return all(cell_len(line) <= width for line in shown(app))


SQUEEZES = [(80, 24), (1, 1), (200, 60), (5, 3), (60, 15), (20, 6), (3, 40), (120, 2), (40, 12), (80, 24)]


@pytest.mark.parametrize("keys", [(), ("l",), ("m", "c"), ("t",), ("O",), ("slash",)])
async def test_whatever_the_size_becomes_nothing_breaks(
    source: ScriptedSource, keys: tuple[str, ...]
) -> None:
    source.log(*(f"line {i}: Traceback (most recent call last):" for i in range(50)))
    source.change(others=OTHERS, notes=("a note that is rather long " * 8,), status="quiet", reason="Hm.")
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "100/200" in text(app))
        await pilot.press(*keys)
        for _ in range(2):
            for number, size in enumerate(SQUEEZES):
                await pilot.resize_terminal(*size)
                if number % 3:
                    source.add(source.reading.step + 1, loss=1.0)  # type: ignore[operator]
                    await pilot.pause()
                await until(pilot, partial(has_width, app, size[0]))
        await until(pilot, lambda: len(shown(app)) == 24 and bool(shown(app)[-1].strip()))
        await pilot.press("escape", "escape", "escape")
        assert app._exception is None


@pytest.mark.parametrize(("size", "words"), [
    ((80, 24), ("c Cursor", "+- Zoom", "y Log y")),
    ((120, 40), ("c Cursor", "x X axis", "y Log y", "a Smooth", "C Compare", "E Export", "/ Search")),
])  # fmt: skip
async def test_the_last_lines_offer_what_they_have_room_for(
    source: ScriptedSource, size: tuple[int, int], words: tuple[str, ...]
) -> None:
    source.log("a line")
    app = an_app(source)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "c Cursor" in text(app) and "/200" in text(app))
        foot = "\n".join(text(app).splitlines()[-2:])
        assert all(word in foot for word in words)
        assert foot.count("m Maximise") <= 1
        await pilot.press("l")
        await until(pilot, lambda: "c Cursor" not in text(app))
        assert "/ Search" in text(app)
        assert "n Next" in text(app)

"""The home screen under the keys: what starts, what is asked first, and where errors are read."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from home_world import (
    A_PROCESS,
    OpenedRun,
    Rooms,
    a_gpu,
    a_preset,
    a_run,
    an_app,
    at_home,
    on_screen,
    shown,
    until,
)

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReading
from tui_ft.tui import home_reading as home_module
from tui_ft.tui.download import Download
from tui_ft.tui.screens.ask import AskPath, Confirm
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.starting import StartFacts

HELD = StartFacts(model="demo", method="LoRA r16", gpu="GPU 0 H200", held="1 process, 34.0 GiB in use")
FOOTER = ["n New", "1-9 Start", "Enter Open", "r Restart", "Q Queue", "D Doctor", "Tab Lists", "? Help",
          "q Quit"]  # fmt: skip
WIDE = ["m Method", "e Edit", "s Stop", "/ Filter", "^p Palette"]
WIDEST = ["w Save", "p Presets"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (140, 40)])
async def test_everything_is_there_and_no_key_is_cut(size: tuple[int, int]) -> None:
    rooms = Rooms()
    rooms.reading = GpuReading(tuple(a_gpu(number) for number in range(3)))
    rooms.runs = [a_run(number) for number in range(50)]
    rooms.presets = [a_preset(number) for number in range(1, 10)]
    async with at_home(rooms, size) as pilot:
        await on_screen(pilot, "9 preset-9")
        await on_screen(pilot, " GPU 2")
        lines = shown(pilot.app)
        for key in FOOTER + (WIDE if size[0] > 80 else []) + (WIDEST if size[0] > 120 else []):
            assert key in lines[-1]
        assert [line[:6] for line in lines[:3]] == [" GPU 0", " GPU 1", " GPU 2"]
        assert "Runs 1/50" in lines[3]
        assert all(len(line) <= size[0] for line in lines)
        assert "20261121-demo-0000 is finished" in lines[-2]


async def test_on_a_narrow_terminal_no_key_is_lost_and_a_click_presses_one() -> None:
    async with at_home(Rooms(), (60, 15)) as pilot:
        await on_screen(pilot, "t n 1-9 Enter Q D Tab ? q ^p")
        await pilot.click("KeyBar", offset=(22, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


@pytest.mark.parametrize(
    ("status", "key", "without"), [("running", "s Stop", "r Restart"), ("lost", "r Restart", "s Stop")]
)
async def test_at_80_columns_the_queue_the_doctor_and_what_a_run_wants_next_are_shown(
    status: str, key: str, without: str
) -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1, status)]
    async with at_home(rooms) as pilot:
        await until(pilot, lambda: key in shown(pilot.app)[-1])
        line = shown(pilot.app)[-1]
        assert "Q Queue" in line and "D Doctor" in line and without not in line
        await pilot.press("tab")
        await until(pilot, lambda: "e Edit" in shown(pilot.app)[-1])
        line = shown(pilot.app)[-1]
        assert "Q Queue" in line and "D Doctor" in line and key not in line


async def test_the_line_of_keys_goes_with_a_run_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "RUNS_EVERY_S", 0.01)
    rooms = Rooms()
    rooms.runs = [a_run(1, "running")]
    async with at_home(rooms) as pilot:
        await until(pilot, lambda: "s Stop" in shown(pilot.app)[-1])
        rooms.runs = [a_run(1, "failed")]
        await until(pilot, lambda: "r Restart" in shown(pilot.app)[-1])


async def test_what_a_key_could_not_do_goes_with_the_next_key() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1)]
    async with at_home(rooms) as pilot:
        await pilot.press("9")
        await on_screen(pilot, "✗ No preset has the key 9.")
        await pilot.press("y")  # a key that does nothing
        await until(pilot, lambda: "✗" not in " ".join(shown(pilot.app)))
        await on_screen(pilot, "20261121-demo-0001 is finished")


async def test_a_newcomer_is_told_what_to_press() -> None:
    async with at_home(Rooms()) as pilot:
        for way in ("t for the practice tour", "n for a new run", "1 for the demo"):
            await on_screen(pilot, way)
        assert "t Tour" in shown(pilot.app)[-1]
        assert "No GPU: training runs on the CPU" in shown(pilot.app)[0]
        await pilot.press("enter")
        await on_screen(pilot, "Press t for the tour, or n for a new run.")


async def test_the_demo_is_offered_with_the_key_that_it_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "PRESETS_EVERY_S", 0.05)
    rooms = Rooms()
    first, *others = rooms.presets
    rooms.presets[:] = [dataclasses.replace(first, key="4"), *others]
    async with at_home(rooms) as pilot:
        await on_screen(pilot, "4 for the demo")
        rooms.presets[:] = others
        await until(pilot, lambda: "for the demo" not in " ".join(shown(pilot.app)))


async def test_a_key_starts_its_preset_at_once_and_opens_the_run() -> None:
    rooms = Rooms()
    async with at_home(rooms) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert rooms.started == [rooms.presets[0].spec]
        assert rooms.texts == [rooms.presets[0].text]
        await pilot.press("q")
        await on_screen(pilot, "▸▷ starting demo-9999")


async def test_a_key_that_is_faster_than_the_presets_still_starts_its_preset() -> None:
    rooms = Rooms()
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        pilot.app.screen.action_start_key("1")
        await until(pilot, lambda: rooms.started)


async def test_a_second_key_while_a_start_is_on_its_way_starts_nothing_twice() -> None:
    rooms = Rooms()
    async with at_home(rooms) as pilot:
        home = pilot.app.screen
        home.action_start_key("1")
        home.action_start_key("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert len(rooms.started) == 1


async def test_a_key_without_a_preset_says_so() -> None:
    async with at_home(Rooms()) as pilot:
        await pilot.press("7")
        await on_screen(pilot, "✗ No preset has the key 7.")


async def test_a_preset_without_data_asks_in_one_line_and_shows_what_it_takes(tmp_path: Any) -> None:
    rooms = Rooms()
    rooms.facts = StartFacts(
        model="Qwen/Qwen3-8B", method="QLoRA r16", gpu="GPU 0 H200, 139 GiB free",
        download=Download(needed_bytes=900 * 2**20), free_disk_bytes=812 * 2**30,
    )  # fmt: skip
    data = tmp_path / "rows.jsonl"
    data.touch()
    async with at_home(rooms) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskPath))
        for fact in ("own needs data", "Qwen/Qwen3-8B · QLoRA r16", "GPU 0 H200, 139 GiB free",
                     "0.88 GiB · disk: 812 GiB free"):  # fmt: skip
            await on_screen(pilot, fact)
        assert shown(pilot.app)[-1] == "Enter Start  Tab Complete  Esc Leave it"
        await pilot.press("enter")
        await on_screen(pilot, "✗ A path is needed")
        rooms.data_problem = "There is no such file."
        await pilot.press(*str(tmp_path / "ro"), "tab")
        await until(pilot, lambda: pilot.app.screen.query_one("#path").value == str(data))
        await pilot.press("enter")
        await on_screen(pilot, "✗ There is no such file. Check the path.")
        assert isinstance(pilot.app.screen, AskPath)
        rooms.data_problem = ""
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert rooms.started[0].data.train == str(data)


async def test_leaving_the_question_starts_nothing() -> None:
    rooms = Rooms()
    async with at_home(rooms) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskPath))
        await pilot.press("escape")
        await on_screen(pilot, "Nothing was started.")
        assert not rooms.started


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (HELD, "Somebody holds the GPU: 1 process, 34.0 GiB in use."),
        (StartFacts(model="m", method="Full", gpu="GPU 0", download=Download(needed_bytes=2 * 10**9),
                    free_disk_bytes=50 * 2**30), "It downloads 1.9 GiB; 50.0 GiB of disk are free."),
        (StartFacts(model="m", method="Full", gpu="GPU 0",
                    download=Download(needed_bytes=None, problem="The Hub does not answer.")),
         "The Hub does not answer."),
    ],
)  # fmt: skip
async def test_a_held_gpu_or_a_large_download_asks_once(facts: StartFacts, reason: str) -> None:
    rooms = Rooms()
    rooms.facts = facts
    async with at_home(rooms) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await on_screen(pilot, reason)
        assert shown(pilot.app)[-1] == "y Yes  n No"
        await pilot.press("n")
        await on_screen(pilot, "Nothing was started.")
        assert not rooms.started
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: rooms.started)


async def test_a_model_that_cannot_be_had_is_refused_with_the_remedy() -> None:
    rooms = Rooms()
    problem = "meta/x is gated: accept its licence on huggingface.co."
    rooms.facts = StartFacts(
        model="meta/x", method="Full", gpu="–",
        download=Download(needed_bytes=None, problem=problem, is_fatal=True),
    )  # fmt: skip
    async with at_home(rooms) as pilot:
        await pilot.press("1")
        await on_screen(pilot, f"✗ demo was not started. {problem}")
        assert not rooms.started


async def test_an_error_stands_above_the_footer_until_the_user_goes_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(home_module, "RUNS_EVERY_S", 0.01)
    rooms = Rooms()
    rooms.runs = [a_run(1, "running"), a_run(2)]
    rooms.failure = TuiFtError("The disk is full.", "Free some space.")
    async with at_home(rooms) as pilot:
        await pilot.press("1")
        await on_screen(pilot, "✗ demo was not started. The disk is full. Free some space.")
        rooms.runs = [a_run(1, "running", step=150), a_run(2)]
        await on_screen(pilot, " 75% ")
        assert "✗ demo was not started." in shown(pilot.app)[-2]
        await pilot.press("down")
        await on_screen(pilot, "20261121-demo-0002 is finished")
        assert "✗" not in " ".join(shown(pilot.app))


async def test_stop_and_restart_act_on_the_chosen_run() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1, "running"), a_run(2, "running")]
    async with at_home(rooms) as pilot:
        await pilot.press("down", "s")
        await on_screen(pilot, "20261121-demo-0002 is stopping: it saves a checkpoint")
        assert rooms.stopped == ["20261121-demo-0002"]
        rooms.runs = [a_run(1, "running"), a_run(2, "stopped")]
        await on_screen(pilot, "20261121-demo-0002 is stopped")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert rooms.restarted == ["20261121-demo-0002"]


async def test_stopping_a_run_that_is_over_says_why_not() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1)]
    rooms.failure = TuiFtError("20261121-demo-0001 has finished: there is nothing to stop.")
    async with at_home(rooms) as pilot:
        await pilot.press("s")
        await on_screen(pilot, "✗ 20261121-demo-0001 has finished")


async def test_keys_for_a_run_say_so_when_no_run_is_chosen() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1)]
    async with at_home(rooms) as pilot:
        await pilot.press("tab", "s")
        await on_screen(pilot, "✗ No run is chosen to stop. Choose a run first: press Tab for the runs.")
        assert not rooms.stopped


async def test_enter_opens_a_run_and_starts_a_preset() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1), a_run(2)]
    async with at_home(rooms) as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert pilot.app.screen.run.id == "20261121-demo-0002"
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: rooms.started)


async def test_the_reason_of_a_failed_run_and_the_use_of_a_preset_are_read_in_full() -> None:
    rooms = Rooms()
    reason = "CUDA ran out of memory at step 12: 1.5 GiB more were asked for than the 23.6 GiB that are free."
    rooms.runs = [a_run(1, "failed", reason=reason)]
    async with at_home(rooms) as pilot:
        await on_screen(pilot, reason)
        await pilot.press("tab", "down")
        await on_screen(pilot, "What preset 2 is for.")


async def test_what_cannot_be_read_is_said_and_tried_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(home_module, "ENDED_RUNS_EVERY_S", 0.01)
    rooms = Rooms()
    rooms.problems = ["mine.toml, training.epochs: -1 is below 0."]

    def fail() -> Any:
        raise PermissionError(13, "Permission denied", "/runs")

    working, rooms.list_runs = rooms.list_runs, fail  # type: ignore[method-assign]
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        await on_screen(pilot, "✗ The runs cannot be listed: Permission denied: /runs")
        rooms.list_runs = working  # type: ignore[method-assign]
        rooms.runs = [a_run(1)]
        await on_screen(pilot, "demo-0001")


async def test_a_preset_file_that_is_broken_is_named() -> None:
    rooms = Rooms()
    rooms.problems = ["mine.toml, training.epochs: -1 is below 0."]
    async with at_home(rooms) as pilot:
        await on_screen(pilot, "✗ mine.toml, training.epochs: -1 is below 0.")


async def test_a_held_gpu_shows_in_the_strip() -> None:
    rooms = Rooms()
    rooms.reading = GpuReading((a_gpu(used_gib=34, processes=A_PROCESS),))
    async with at_home(rooms) as pilot:
        await on_screen(pilot, "34.0/140 GiB 87% 1 process")


async def test_help_shows_every_key_and_comes_back() -> None:
    async with at_home(Rooms()) as pilot:
        await pilot.press("question_mark")
        await on_screen(pilot, "Start the preset with that key at once")
        assert shown(pilot.app)[-1] == "↑ Up  ↓ Down  PgUp Page up  PgDn Page down  a All keys  q Back"
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_an_unsupervised_run_is_explained_and_its_adoption_is_said() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1, "running", reason="unsupervised")]
    async with at_home(rooms, (120, 40)) as pilot:
        await on_screen(pilot, "20261121-demo-0001 is unsupervised: its supervisor is gone; it trains on")
        rooms.runs, rooms.adopted = [a_run(1, "running")], ["20261121-demo-0001"]
        pilot.app.screen.read_runs_now()
        await on_screen(
            pilot, "20261121-demo-0001: unsupervised, its supervisor was gone; that was seen to now."
        )
        await pilot.press("y")
        await on_screen(pilot, "20261121-demo-0001 is running")

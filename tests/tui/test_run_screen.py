"""The run screen, driven as a person drives it, on run directories that a synthetic trainer wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkpoint_made import save
from synthetic_run import SyntheticRun
from textual.pilot import Pilot

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import PhaseEvent, RequestName
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.widgets.foreseen import Foreseen
from tui_ft.tui.widgets.log_tail import LogTail
from tui_ft.tui.widgets.numbers import Numbers
from tui_ft.tui.widgets.outcome import Outcome
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.watch.sources.tui_ft import TuiFtSource

LIVE_KEYS = {
    80: "s Stop S Save p Pause r Restart l Log t Table v Panels ? Help q Back h Health",
    120: "s Stop  S Save  p Pause  r Restart  l Log  t Table  m Maximise  v Panels"
    "  ? Help  q Back  ^p Palette",
}
FAILED_KEYS = {
    80: "R Resume  r Restart  l Log  t Table  v Panels  ? Help  q Back  h Health  $ Money",
    120: "R Resume  r Restart  l Log  t Table  m Maximise  v Panels  ? Help  q Back  ^p Palette",
}
SIZES = [(80, 24), (120, 40)]


def keys_at(size: tuple[int, int]) -> int:
    """The line of the keys: tall terminals have a second one for more of them."""
    return -1 if size[1] < 32 else -2


ERROR = (
    "CUDA out of memory. Tried to allocate 2.10 GiB. GPU 0 has a total capacity of 23.99 GiB of which "
    "1.02 GiB is free. Including non-PyTorch memory, this process has 22.96 GiB memory in use"
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path, total_steps=120) as run:
        yield run


@pytest.fixture
def live(made: SyntheticRun) -> SyntheticRun:
    made.begin_training()
    made.advance(60)
    made.live_here()
    return made


class Actions:
    """Notes what the screen asks for."""

    def __init__(self, error: TuiFtError | None = None, other: RunDirectory | None = None) -> None:
        self.asked: list[str] = []
        self._error, self._other = error, other

    def request(self, run: RunDirectory, name: RequestName, *, now: bool = False) -> str:
        self.asked.append(f"{name} now" if now else name)
        if self._error:
            raise self._error
        return "stopping"

    def restart(self, run: RunDirectory) -> RunDirectory:
        self.asked.append("restart")
        assert self._other is not None
        return self._other

    def resume(self, run: RunDirectory) -> RunDirectory:
        self.asked.append("resume")
        return run


def open_app(made: SyntheticRun, actions: Actions | None = None) -> TuiFtApp:
    app = TuiFtApp(made.run.path.parent, made.run, clock=lambda: made.now)
    app._run_screen = lambda run: RunScreen(TuiFtSource(run, clock=app.clock), run, actions=actions)  # type: ignore[method-assign]
    return app


def lines(app: TuiFtApp) -> list[str]:
    """What the screen shows, line by line."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text(app: TuiFtApp) -> str:
    return "\n".join(lines(app))


async def until(pilot: Pilot[None], is_true: Callable[[], bool]) -> None:
    for _ in range(500):
        await pilot.pause()
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within five seconds:\n" + "\n".join(lines(pilot.app)))  # type: ignore[arg-type]


def shows(pilot: Pilot[None], words: str) -> Callable[[], bool]:
    return lambda: words in text(pilot.app)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_cut_while_it_runs(live: SyntheticRun, size: tuple[int, int]) -> None:
    live.log(*(f"line {i}" for i in range(30)), "the last line of the log")
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, shows(pilot, "60/120"))
        shown = lines(app)
        assert shown[keys_at(size)].rstrip() == LIVE_KEYS[size[0]]
        assert "the last line of the log" in shown[keys_at(size) - 1]
        assert "▶ running" in shown[0]
        assert "LoRA r16 · demo" in shown[0]
        assert "50%" in shown[1]
        assert "ends " in shown[1]
        assert "GPU" in text(app)
        assert "24" in text(app)
        assert "free" in text(app)
        assert "…" not in "".join(shown)
        loss = app.screen.source.reading.last("loss")  # type: ignore[attr-defined]
        assert f"loss {loss:#.4g}" in app.screen.query_one(Numbers).text


@pytest.mark.parametrize("size", SIZES)
async def test_predicted_stands_beside_measured(live: SyntheticRun, size: tuple[int, int]) -> None:
    live.foresee()
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, shows(pilot, "GPU memory: predicted 14.50 GiB, 15.10 needed of 22.90 free: fits"))
        live.measure()
        await until(pilot, shows(pilot, "predicted 14.50, measured 14.25 GiB (1.8 % over)"))
        assert ("nvidia-smi 15.90, measured 15.25" in text(app)) is (size[0] > 80)
        assert lines(app)[keys_at(size)].rstrip() == LIVE_KEYS[size[0]]
        await pilot.press("l")
        await until(pilot, lambda: "predicted" not in text(app))


@pytest.mark.parametrize("size", SIZES)
async def test_after_the_run_it_still_does(live: SyntheticRun, size: tuple[int, int]) -> None:
    live.foresee()
    live.measure()
    live.finish()
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, shows(pilot, "predicted 14.50"))
        await until(pilot, shows(pilot, "Before  The the the"))
        live.fail(ERROR)
        await until(pilot, shows(pilot, "when it ran out; "))
        assert "15.10 needed of 22.90" in text(app)


async def test_nothing_is_said_of_gpu_memory_where_nothing_is_known(live: SyntheticRun) -> None:
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "60/120"))
        assert not app.screen.query_one(Foreseen).display


@pytest.mark.parametrize("size", SIZES)
async def test_a_failure_is_shown_whole_with_its_remedy_and_the_end_of_the_log(
    live: SyntheticRun, size: tuple[int, int]
) -> None:
    save(live.run, 60)
    live.fail(ERROR)
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, shows(pilot, "FAILED"))
        shown = lines(app)
        flowing = " ".join(" ".join(shown).split())
        assert ERROR in flowing
        assert "lower training.batch_size" in flowing
        assert "R resumes from the checkpoint of step 60" in flowing
        assert "✗ FAILED" in "\n".join(shown[:5])
        last = next(line.strip() for line in reversed(shown[: keys_at(size)]) if line.strip())
        assert ERROR.endswith(last)
        assert shown[keys_at(size)].rstrip() == FAILED_KEYS[size[0]]


@pytest.mark.parametrize("size", SIZES)
async def test_at_the_end_it_shows_result_answers_and_python(
    live: SyntheticRun, size: tuple[int, int]
) -> None:
    live.advance(60)
    live.finish()
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.screen.query_one(Outcome).display)
        await until(pilot, shows(pilot, "Before"))
        shown = text(app)
        seen = "".join(line.strip() for line in app.screen.query_one(Outcome).visible_text)
        assert f"{live.run.result}  (2.2 MiB)" in seen
        assert "Before  The the the day is the the" in shown
        assert "After   Sunday Saturday Friday" in shown
        assert "from peft import PeftModel" in shown
        assert "the last line of the log" in shown
        await pilot.press("tab", "end")
        await until(pilot, shows(pilot, "tokenizer = "))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["live", "finished", "failed"])
@pytest.mark.parametrize("gpu", [True, False])
async def test_no_title_of_a_chart_is_cut(tmp_path: Path, size: tuple[int, int], end: str, gpu: bool) -> None:
    with SyntheticRun(tmp_path, total_steps=120, gpu=gpu) as made:
        made.begin_training()
        made.advance(120)
        if end == "finished":
            made.finish()
        elif end == "failed":
            made.fail(ERROR)
        else:
            made.live_here()
        app = open_app(made)
        async with app.run_test(size=size) as pilot:
            await until(pilot, shows(pilot, "● eval"))
            await until(pilot, lambda: has_settled(app, end))
            grid = app.screen.query_one(PanelGrid)
            titles = {key: grid.chart(key).cells[0] for key in grid.seen}
            assert {"loss", "grad_norm"} <= set(titles) or size[1] < 40
            assert "…" not in "".join(titles.values())
            if "memory" in titles:
                assert ("24.0" if gpu else "16.0") in titles["memory"]


def has_settled(app: TuiFtApp, end: str) -> bool:
    """Whether the panels have the room that this end gives them."""
    height = app.screen.query_one(PanelGrid).size.height
    return height > 12 if end == "live" else 5 <= height <= 12


async def test_the_result_gets_what_it_needs_before_the_log(live: SyntheticRun) -> None:
    live.advance(60)
    live.log(*(f"line {i}" for i in range(30)))
    live.finish()
    app = open_app(live)
    async with app.run_test(size=(120, 40)) as pilot:
        outcome = app.screen.query_one(Outcome)
        await until(pilot, shows(pilot, "tokenizer = "))
        log = app.screen.query_one(LogTail)
        room = outcome.size.height + log.size.height
        assert len(outcome.visible_text) == len(outcome._rows)
        assert log.size.height >= 10
        for wanted in (room - 4, room - 3, room):
            outcome.set_entries([("a line", "")] * wanted)
            await until(pilot, lambda: log.size.height == max(room - wanted - 1, 2))  # noqa: B023
            assert outcome.size.height + log.size.height == room
            assert len(outcome.visible_text) == min(wanted, room - 3)
            await until(pilot, lambda: "the last line of the log" in lines(app)[-3])


@pytest.mark.parametrize("size", SIZES)
async def test_leaving_changes_nothing_and_coming_back_shows_the_same_curves(
    live: SyntheticRun, size: tuple[int, int]
) -> None:
    app = open_app(live)
    async with app.run_test(size=size) as pilot:
        for _ in range(12):
            live.advance(4)
            app.screen._wake.set()  # type: ignore[attr-defined]
            await until(pilot, lambda: app.screen.reading.step == live.step)  # type: ignore[attr-defined]
        await until(pilot, shows(pilot, f"{live.step}/120"))
        charts = app.screen.query_one(PanelGrid)
        followed = [charts.chart(name).cells[1:] for name in ("loss", "grad_norm", "memory")]
        before = {path: path.stat().st_mtime_ns for path in live.run.path.rglob("*")}
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert {path: path.stat().st_mtime_ns for path in live.run.path.rglob("*")} == before
    again = open_app(live)
    async with again.run_test(size=size) as pilot:
        await until(pilot, lambda: "●" in text(again))
        charts = again.screen.query_one(PanelGrid)
        assert [charts.chart(name).cells[1:] for name in ("loss", "grad_norm", "memory")] == followed


async def test_stop_asks_first(live: SyntheticRun) -> None:
    actions = Actions()
    app = open_app(live, actions)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "running"))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert actions.asked == []
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, shows(pilot, "The run saves and stops."))
        assert actions.asked == ["stop"]


async def test_keys_ask_the_run_and_say_what_became_of_it(live: SyntheticRun) -> None:
    actions = Actions()
    app = open_app(live, actions)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "running"))
        await pilot.press("S")
        await until(pilot, shows(pilot, "A checkpoint is saved at the next step."))
        await pilot.press("p")
        await until(pilot, shows(pilot, "The run pauses at the next step"))
        live.event(PhaseEvent(time=live.now, phase="paused", step=live.step))
        await until(pilot, shows(pilot, "PAUSED"))
        assert "p Continue" in lines(app)[-1]
        await pilot.press("p")
        await until(pilot, shows(pilot, "The run goes on."))
        assert actions.asked == ["save", "pause", "continue"]


async def test_a_refusal_is_shown_whole(live: SyntheticRun) -> None:
    app = open_app(live, Actions(TuiFtError("The run is over.", "Start it again with r.")))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "running"))
        await pilot.press("S")
        await until(pilot, shows(pilot, "✗ The run is over. Start it again with r."))
        await pilot.press("l")
        await until(pilot, lambda: "The run is over" not in text(app))


async def test_an_ended_run_can_be_resumed_or_started_anew(live: SyntheticRun, tmp_path: Path) -> None:
    live.fail(ERROR)
    with SyntheticRun(tmp_path, name="other") as other:
        actions = Actions(other=other.run)
        app = open_app(live, actions)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, shows(pilot, "FAILED"))
            await pilot.press("s", "S", "p")
            await pilot.press("R")
            await until(pilot, lambda: actions.asked == ["resume"])
            await pilot.press("r")
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.run == other.run)
            assert actions.asked == ["resume", "restart"]


async def test_numbers_and_an_unfocused_log_wait_while_the_curves_follow(live: SyntheticRun) -> None:
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "60/120"))
        screen = app.screen
        assert isinstance(screen, RunScreen)
        screen.workers.cancel_group(screen, "follow")
        screen.source.poll()
        screen._is_owed = False
        screen._numbers_at = asyncio.get_running_loop().time()
        numbers, log = screen.query_one(Numbers).text, screen.query_one(LogTail).visible_text
        curve = screen.query_one(PanelGrid).chart("loss").cells
        live.advance(5)
        live.log("a line that may wait")
        screen.source.poll()
        screen._show(screen.reading)
        assert screen.query_one(PanelGrid).chart("loss").cells != curve
        assert screen.query_one(Numbers).text == numbers
        assert screen.query_one(LogTail).visible_text == log
        screen.query_one(LogTail).focus()
        await until(pilot, shows(pilot, "a line that may wait"))


async def test_the_log_can_have_the_screen_and_scrolls(live: SyntheticRun) -> None:
    live.log(*(f"line {i}" for i in range(100)))
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "line 99"))
        await pilot.press("l")
        await until(pilot, shows(pilot, "line 85"))
        await pilot.press("home")
        await until(pilot, shows(pilot, "loading libraries"))
        live.log("line 100")
        await until(pilot, lambda: app.screen.query_one(LogTail)._log[-1] == "line 100")
        assert "loading libraries" in text(app)
        await pilot.press("end")
        await until(pilot, shows(pilot, "line 100"))
        await pilot.press("escape")
        await until(pilot, shows(pilot, "Gradient norm"))


async def test_what_a_log_says_to_the_terminal_is_not_passed_on(live: SyntheticRun) -> None:
    live.log("\x1b]0;owned\x07harmless \x1b[31mred\x1b[0m \u202etfel", "日本語" * 40)
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "harmless red tfel"))
        shown = "".join(lines(app))
        assert shown.isprintable()
        assert shown.count("日本語") >= 39


async def test_a_source_that_breaks_is_shown_and_asked_again(live: SyntheticRun) -> None:
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "running"))
        source = app.screen.source  # type: ignore[attr-defined]
        poll = source.poll

        def broken(budget_s: float = 0.05) -> bool:
            raise OSError(5, "Input/output error", "metrics.jsonl")

        source.poll = broken
        await until(pilot, shows(pilot, "✗ The run cannot be read: Input/output error: metrics.jsonl"))
        source.poll = poll
        await until(pilot, lambda: "cannot be read" not in text(app))


async def test_every_key_that_works_now_is_in_the_palette(live: SyntheticRun) -> None:
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "running"))
        titles = [command.title for command in app.get_system_commands(app.screen)]
        for wanted in ("Stop (s)", "Save (S)", "Pause (p)", "Kill (X)", "Restart (r)", "Log (l)", "Back (q)"):
            assert wanted in titles
        assert not any(title.startswith("Resume") for title in titles)


async def test_without_colour_no_colour_is_sent(live: SyntheticRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    live.fail(ERROR)
    app = open_app(live)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, shows(pilot, "FAILED"))
        styles = [
            segment.style for strip in app.screen._compositor.render_strips() for segment in strip
            if segment.style is not None
        ]  # fmt: skip
        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert any(style.reverse for style in styles)

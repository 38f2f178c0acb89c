"""What CellDiff writes makes the same screen as what Textual would have written, in fewer bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from synthetic_run import SyntheticRun
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Static

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screen_image import ScreenImage, strips_of
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.widgets.alert import Alert

Shown = list[list[tuple[Any, ...]]]


class FaithfulScreen(pyte.Screen):
    """pyte leaves half of a wide character standing when the other is overwritten; terminals clear it."""

    def draw(self, data: str) -> None:
        for character in data:
            line, x = self.buffer[self.cursor.y], self.cursor.x
            if line[x].data == "" and x > 0:
                line[x - 1] = line[x - 1]._replace(data=" ")
            end = x + cell_len(character)
            if end < self.columns and line[end].data == "":
                line[end] = line[end]._replace(data=" ")
            super().draw(character)


class Terminal:
    """An emulated terminal, and the number of bytes that it was sent."""

    def __init__(self, size: Size) -> None:
        self.screen = FaithfulScreen(size.width, size.height)
        self._stream = pyte.Stream(self.screen)
        self.bytes = 0

    def write(self, text: str) -> None:
        self.bytes += len(text.encode())
        self._stream.feed(text)

    def shown(self) -> Shown:
        rows = range(self.screen.lines)
        return [[seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)] for y in rows]


def seen(cell: Any) -> tuple[Any, ...]:
    """A cell as it is seen: of a blank that is not decorated no more than its ground."""
    is_decorated = cell.underscore or cell.strikethrough or cell.reverse
    return (" ", cell.bg) if cell.data == " " and not is_decorated else tuple(cell)


class Twice:
    """Sends every update of an app to two terminals: as Textual writes it, and as CellDiff does."""

    def __init__(self, size: Size) -> None:
        self.console = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)
        self.size = size
        self.plain, self.diffed = Terminal(size), Terminal(size)
        self.image = ScreenImage(size)

    def display(self, _: object, update: Any) -> None:
        if update is None:
            return
        self.plain.write(update.render_segments(self.console).replace("\n", ""))
        self.diffed.write(self.image.encode(strips_of(update)))


async def test_the_run_screen_looks_the_same_through_everything_that_happens_to_it(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with SyntheticRun(tmp_path, total_steps=200) as made:
        made.begin_training()
        made.advance(60)
        made.live_here()
        app = TuiFtApp(tmp_path, made.run, clock=lambda: made.now)
        async with app.run_test(size=(80, 24)) as pilot:
            twice = Twice(app.size)
            monkeypatch.setattr(app, "_display", twice.display)
            screen = app.screen
            assert isinstance(screen, RunScreen)
            app.screen.refresh()
            await pilot.pause()
            for turn in range(6):
                made.advance(7)
                made.log("日本語のログ 你好 ok", f"turn {turn} ünïcödé", "plain")
                screen.source.poll()
                screen._show(screen.reading)
                await pilot.pause()
            screen.query_one(Alert).show("", "日本 a warning that wraps over lines " * 3, "warn")
            await pilot.pause()
            await pilot.press("l", "up", "pageup")
            await pilot.pause()
            await pilot.press("l")
            app.push_screen(Confirm("你 really?", ["one fact", "another"]))
            await pilot.pause()
            await pilot.press("n")
            await pilot.pause()
            assert twice.diffed.shown() == twice.plain.shown()
            assert any("━" in line for line in twice.diffed.screen.display)
            assert twice.diffed.bytes < 0.6 * twice.plain.bytes


class Moving(App[None]):
    """A widget over another, with wide characters at its edges."""

    CSS = """
    Screen { layers: below above; }
    #below { layer: below; }
    #above { layer: above; width: 9; height: 3; background: $primary; }
    """

    def compose(self) -> ComposeResult:
        yield Static("你好世界你好世界你好世界\n" * 5 + "plain text\n", id="below", markup=False)
        yield Static("ab你c\nxyz", id="above", markup=False)


async def test_a_screen_that_is_not_ready_holds_its_frames_but_not_for_ever(monkeypatch: Any) -> None:
    app = TuiFtApp(Path("/nowhere"))
    async with app.run_test(size=(30, 10)) as pilot:
        await pilot.pause()
        written: list[str] = []
        monkeypatch.setattr(type(app), "is_headless", property(lambda _: False))
        monkeypatch.setattr(app._driver, "write", written.append)
        app.hold_frames(30.0)
        app.forget_terminal()
        app.screen.refresh()
        for _ in range(5):
            await pilot.pause(0.02)
        assert not written
        app.release_frames()
        await until(lambda: len("".join(written)) > 200)
        written.clear()
        app.hold_frames(0.05)
        app.forget_terminal()
        app.screen.refresh()
        await until(lambda: len("".join(written)) > 200)
        monkeypatch.undo()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within five seconds")


async def test_wide_characters_that_are_half_covered_look_the_same(monkeypatch: Any) -> None:
    app = Moving()
    async with app.run_test(size=(30, 10)) as pilot:
        twice = Twice(app.size)
        monkeypatch.setattr(app, "_display", twice.display)
        app.screen.refresh()
        await pilot.pause()
        for offset in [(0, 0), (1, 1), (2, 0), (7, 3), (8, 3), (15, 2), (14, 2)]:
            app.query_one("#above").styles.offset = offset
            await pilot.pause()
            fresh = Twice(app.size)
            fresh.display(None, app.screen._compositor.render_full_update())
            assert twice.diffed.screen.display == fresh.plain.screen.display


def strips(*lines: str, style: Style | None = None) -> list[tuple[int, int, Strip]]:
    return [(0, y, Strip([Segment(line, style)])) for y, line in enumerate(lines)]


def test_what_is_shown_already_is_not_written() -> None:
    image = ScreenImage(Size(10, 2))
    assert "abc" in image.encode(strips("abc       ", "def       "))
    assert image.encode(strips("abc       ", "def       ")) == ""
    assert image.encode(strips("abc       ", "dxf       ")).count("x") == 1


def test_only_the_changed_colour_is_written() -> None:
    image = ScreenImage(Size(4, 1))
    red, blue = Style.parse("bold red on black"), Style.parse("bold blue on black")
    image.encode(strips("abcd", style=red))
    two = Strip([Segment("xy", red), Segment("zw", blue)])
    assert image.encode([(0, 0, two)]).endswith("xy\x1b[34mzw\x1b[m")


def test_a_blank_of_another_colour_is_not_written_but_one_that_is_seen_is() -> None:
    image = ScreenImage(Size(6, 1))
    red, blue = Style.parse("bold red on black"), Style.parse("blue on black")
    image.encode(strips("a     ", style=red))
    assert image.encode([(0, 0, Strip([Segment("a", red), Segment("     ", blue)]))]) == ""
    for style in ("blue on red", "underline blue on black", "reverse blue on black", "strike on black"):
        blank = Strip([Segment("a", red), Segment("     ", Style.parse(style))])
        assert image.encode([(0, 0, blank)]).count(" ") == 5


ATTRIBUTES = ["bold", "dim", "italic", "underline", "reverse", "strike", "blink", "underline2", "overline"]


@given(
    st.lists(st.tuples(st.sets(st.sampled_from(ATTRIBUTES)), st.sampled_from(["red", "#102030", "default"])))
)
def test_from_any_style_to_any_other_it_looks_as_if_written_anew(
    looks: list[tuple[set[str], str]],
) -> None:
    styles = [Style.parse(" ".join([*sorted(names), color, "on black"])) for names, color in looks]
    strip = Strip([Segment(f"{at % 10} ", style) for at, style in enumerate(styles)])
    size = Size(max(2 * len(styles), 1), 1)
    diffed, plain = Terminal(size), Terminal(size)
    diffed.write(ScreenImage(size).encode([(0, 0, strip)]))
    for at, style in enumerate(styles):
        plain.write("\x1b[0m" + style.render(f"{at % 10} "))
    assert diffed.shown() == plain.shown()


def test_what_reaches_over_the_edge_is_left_out() -> None:
    image = ScreenImage(Size(4, 1))
    terminal = Terminal(Size(4, 1))
    terminal.write(image.encode([(0, 0, Strip([Segment("abcdefgh")])), (0, 5, Strip([Segment("x")]))]))
    assert terminal.screen.display == ["abcd"]


def encode_ascii(text: str, translate: Callable[[str], str]) -> str:
    return ScreenImage(Size(len(text), 1), translate=translate).encode(strips(text))


def test_in_ascii_nothing_else_is_written() -> None:
    from tui_ft.tui.terminal import to_ascii

    assert encode_ascii("━─│●⠁⣿⢀é✓", to_ascii).isascii()

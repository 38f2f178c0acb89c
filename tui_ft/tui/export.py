"""Writes what is seen to a file: the charts as SVG or PNG, the data of the runs as CSV."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import slug
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.chart import TIME, Chart, Trace
from tui_ft.tui.widgets.plot_frame import frame_of
from tui_ft.user_paths import user_path
from tui_ft.watch.looks import LOOKS
from tui_ft.watch.reading import Reading
from tui_ft.watch.svg_chart import DrawnChart, DrawnLine

if TYPE_CHECKING:
    from textual.app import App

ENDINGS = (".svg", ".png", ".csv")
CELLS = (88, 22)
"""A chart of a picture has the axes of one of so many cells: as round, and with as many labels."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What can be written: the charts as they are seen, and the runs that they are of."""

    title: str
    subtitle: str
    x_name: str
    charts: Callable[[], Sequence[Chart]]
    readings: Callable[[], Sequence[Reading]]
    """Both are asked when it is written, in a thread."""


async def ask_and_export(app: App[Any], export: Export) -> str:
    """Ask where to, write it, and return the sentence that says so; "" when the user left it.

    Call it in a worker of `app`.
    """
    from tui_ft.tui.screens.ask_text import AskText

    written: list[str] = []

    async def carry_out(answer: str) -> None:
        so_far = unread(export.readings())
        path = await asyncio.to_thread(write, user_path(answer.strip()), export)
        written.append(f"Written to {path}{so_far}")

    question = "Export what is seen. The ending decides: .svg or .png for the charts, .csv for all data."
    asked = AskText(question, "File", str(suggested(export.title)), carry_out)
    if not await app.push_screen_wait(asked) or not written:
        return ""
    return written[-1]


def unread(readings: Sequence[Reading]) -> str:
    """What a file lacks that is written now: the words behind its name, "" when it holds all there is."""
    titles = [plain(reading.title) for reading in readings if not reading.is_complete]
    if not titles:
        return ""
    whose = titles[0] if len(titles) == 1 else f"{len(titles)} runs"
    return f", with what was read so far: {whose} {'is' if len(titles) == 1 else 'are'} still being read."


def suggested(title: str) -> Path:
    """A name that is free, in the folder where the app was started, at home when that cannot be written."""
    try:
        folder = Path.cwd() if os.access(Path.cwd(), os.W_OK) else Path.home()
    except FileNotFoundError:  # that folder was removed
        folder = Path.home()
    name = slug(title)
    number = next(n for n in range(1, 10_000) if not (folder / f"{name}{_suffix(n)}.svg").exists())
    return folder / f"{name}{_suffix(number)}.svg"


def _suffix(number: int) -> str:
    return "" if number == 1 else f"-{number}"


def write(path: Path, export: Export) -> Path:
    """Write a new file and return its absolute path.

    Raises `TuiFtError` for an ending that is none of `ENDINGS`, a name that is taken, and what the disk says.
    """
    path = path.absolute()
    if path.suffix.lower() not in ENDINGS:
        raise TuiFtError("The name must end in .svg, .png or .csv.", "The ending decides what is written.")
    try:
        with _created(path) as file:
            for piece in _pieces(path.suffix.lower(), export):
                file.write(piece)
    except FileExistsError as error:
        raise TuiFtError(
            f"{path} is there already.", "Choose another name: nothing is overwritten."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise TuiFtError(f"{path} cannot be written: {reason}.", "Choose another folder.") from error
    return path


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """A new file; nothing is left of it when writing fails."""
    with open(path, "xb") as file:
        try:
            yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _pieces(ending: str, export: Export) -> Iterator[bytes]:
    if ending == ".csv":
        from tui_ft.watch.csv_table import csv_of

        yield from (line.encode() for line in csv_of(export.readings()))
        return
    from tui_ft.watch.svg import document

    drawn = [chart for one in export.charts() if (chart := drawn_chart(one, export.x_name))]
    if not drawn:
        raise TuiFtError("There is nothing to draw yet.", "Wait for the first values.")
    svg = document(drawn, export.title, export.subtitle)
    if ending == ".png":
        from tui_ft.watch.png import png_of

        yield png_of(svg)
    else:
        yield svg.encode()


def drawn_chart(chart: Chart, x_name: str) -> DrawnChart | None:
    """The chart of the screen as one of a picture; None while it has no values."""
    frame = frame_of(chart, *CELLS)
    if frame is None:
        return None
    step = frame.x.step
    return DrawnChart(
        title=chart.titles[0].strip(),
        x_name="time" if chart.axis is TIME else x_name,
        lines=tuple(_line(trace) for trace in chart.traces),
        x=frame.x,
        y=frame.y,
        x_label=lambda value: chart.axis.label(value, step),
        levels=tuple((level.value, level.name) for level in chart.levels),
        marks=tuple((mark.x, "resumed") for mark in chart.marks if mark.character == "▲"),
    )


def _line(trace: Trace) -> DrawnLine:
    return DrawnLine(
        name=trace.name, points=trace.series, color=_color(trace.kind), is_faint=trace.kind == "dim",
        is_dots=trace.is_points,
    )  # fmt: skip


def _color(kind: str) -> str:
    if kind.startswith("look"):
        return LOOKS[int(kind[4:])].color
    return LOOKS[1].color if kind == "point" else LOOKS[0].color

"""Rows of plain text: an example a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tui_ft.data.lines import numbered_lines
from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import UTF8_HINT, Bad, BadRow


def read_text(file: Opened, bad: Bad, first: int = 1) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every non-empty line of a text file as `{"text": line}` with its line number.

    Lines before `first` are passed over; `bad` is told those that are not UTF-8 or too long.
    """
    for number, line in numbered_lines(file, bad):
        if number < first:
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            bad(BadRow(number, "bad_utf8", f"byte {error.start + 1} is not UTF-8", UTF8_HINT))
            continue
        if text.strip():
            yield number, {"text": text.rstrip("\r\n")}

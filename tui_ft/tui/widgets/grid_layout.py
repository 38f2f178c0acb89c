"""Where the charts of a grid stand: as many as can be read at this size, the first ones larger."""

from __future__ import annotations

from textual.geometry import Region

LEAST_WIDTH, LEAST_HEIGHT = 24, 4
"""A chart in less says nothing."""

GOOD_WIDTH, GOOD_HEIGHT = 50, 10
"""What a chart would like to have; more than that is worth less."""

MAIN_HEIGHT, MAIN_WIDTH = 10, 60
"""From here on the first of three charts stands left of the two others, and is larger."""


def grid_places(count: int, width: int, height: int) -> list[Region]:
    """Return the places of `count` charts, or of as many of the first ones as there is room for."""
    if count < 1 or width < 1 or height < 1:
        return []
    if count == 3 and height >= MAIN_HEIGHT and width >= MAIN_WIDTH:
        return _main_and_two(width, height)
    most = max((width + 1) // (LEAST_WIDTH + 1), 1) * max(height // LEAST_HEIGHT, 1)
    for shown in range(min(count, most), 1, -1):
        columns = _best_columns(shown, width, height)
        if columns:
            return _rows(shown, columns, width, height)
    return [Region(0, 0, width, height)]


def _main_and_two(width: int, height: int) -> list[Region]:
    left = width * 4 // 7
    upper = height - height // 2
    right = width - left - 1
    return [
        Region(0, 0, left, height),
        Region(left + 1, 0, right, upper),
        Region(left + 1, upper, right, height - upper),
    ]


def _best_columns(count: int, width: int, height: int) -> int:
    """The number of columns with which `count` charts are read best; 0 when they do not fit."""
    best, found = 0.0, 0
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        cell_width, cell_height = (width - columns + 1) // columns, height // rows
        is_wide = cell_width >= LEAST_WIDTH or columns == 1
        if not is_wide or (cell_height < LEAST_HEIGHT and rows > 1):
            continue
        empty = (columns * rows - count) / (columns * rows)
        score = min(cell_width / GOOD_WIDTH, 1) + min(cell_height / GOOD_HEIGHT, 1) - empty / 4
        if score > best + 1e-9:
            best, found = score, columns
    return found


def _rows(count: int, columns: int, width: int, height: int) -> list[Region]:
    """Rows of charts from left to right; a last row that is not full is spread over the width."""
    rows = -(-count // columns)
    places = []
    for row in range(rows):
        top, bottom = height * row // rows, height * (row + 1) // rows
        inside = min(columns, count - row * columns)
        edges = [(width + 1) * place // inside for place in range(inside + 1)]
        places += [
            Region(edges[at], top, edges[at + 1] - edges[at] - 1, bottom - top) for at in range(inside)
        ]
    return places

"""What can be removed from a run: a line a folder, with a mark where it is to go."""

from __future__ import annotations

from tui_ft.runs.pruning import Item, size_text
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList

_MARK, _SIZE, _KIND = 4, 11, 11


class PruneList(RowList[Item]):
    """The folders that can go, the least regretted first. `marked` holds the paths that are to go."""

    def __init__(self) -> None:
        super().__init__()
        self.marked: set[str] = set()

    @property
    def doomed(self) -> list[Item]:
        """The marked ones."""
        return [item for item in self.rows if str(item.path) in self.marked]

    def key_of(self, row: Item) -> str:
        return str(row.path)

    def empty_lines(self) -> list[str]:
        return ["Nothing can be removed: what is here, a resume needs."] if self.loaded else []

    def heading_cells(self, width: int) -> list[Cell]:
        look = "focused-title" if self.has_focus else "title"
        return [
            (fit(" Make room", _MARK + 7), look),
            (fit("size", _SIZE - 7, right=True) + "  " + fit("what", _KIND), ""),
            (fit("folder", max(width - _MARK - _SIZE - _KIND - 2, 0)), ""),
        ]

    def row_cells(self, row: Item, width: int) -> list[Cell]:
        is_marked = str(row.path) in self.marked
        name = row.path.name
        if row.kind == "superseded":
            name = f"{row.path.parent.name}/{name}"
        return [
            (" [x]" if is_marked else " [ ]", "warn" if is_marked else ""),
            (fit(size_text(row.bytes), _SIZE, right=True) + "  ", ""),
            (fit(row.kind, _KIND), "muted"),
            (fit(plain(name), max(width - _MARK - _SIZE - _KIND - 2, 0)), ""),
        ]

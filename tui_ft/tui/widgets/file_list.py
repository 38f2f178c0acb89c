"""The files of one folder to choose from, with their sizes."""

from __future__ import annotations

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.memory_bars import size_text
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.browse import Entry, Listing

_SIZE = 10
_REMARK = 28


class FileList(RowList[Entry]):
    """Data files first, then folders; the heading says which folder it is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listing = Listing("")

    def show(self, listing: Listing) -> None:
        """Show the names of `listing`; the cursor goes to the first of them."""
        before, self._listing = self._listing, listing
        if before.folder != listing.folder or before.entries != listing.entries:
            self._index = self._top = 0
            self.rows = ()  # another folder: the cursor does not stay with its old name
        self.set_rows(listing.entries)
        self.refresh()

    def key_of(self, row: Entry) -> str:
        return row.path

    def empty_lines(self) -> list[str]:
        if self._listing.problem:
            return [f"This folder cannot be shown: {self._listing.problem}"]
        return [
            "No such name here. Enter takes what is typed as it stands: a path, or a data set on the Hub."
        ]

    def heading_cells(self, width: int) -> list[Cell]:
        more = f" · {self._listing.left_out:,} other files: type a name" if self._listing.left_out else ""
        room = width - len(more) - 1
        folder = plain(self._listing.folder)
        if len(folder) > room:
            folder = "…" + folder[-max(room - 1, 0) :]
        return [(fit(f" {folder}{more}", width), "title")]

    def row_cells(self, row: Entry, width: int) -> list[Cell]:
        size = "" if row.size is None else f"{row.size} B" if row.size < 2**10 else size_text(row.size)
        remark = min(_REMARK, max(width - _SIZE - 24, 0))
        return [
            (fit(row.name, max(width - _SIZE - remark - 3, 0)) + " ", "live" if row.is_folder else ""),
            (fit(size, _SIZE, right=True) + "  ", "muted"),
            (fit(row.remark, remark), "muted"),
        ]

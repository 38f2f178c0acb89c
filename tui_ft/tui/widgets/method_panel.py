"""What belongs to the chosen method: the reasons and what would make it fit, or the parts of its memory."""

from __future__ import annotations

from collections.abc import Sequence

from tui_ft.guide.compare import MethodRow
from tui_ft.tui.memory_words import basis_text, breakdown_entries, reason_entries
from tui_ft.tui.method_view import Step, View
from tui_ft.tui.widgets.prose import Prose


class MethodPanel(Prose):
    """Under the bars; its title says what the numbers rest on."""

    def show_reasons(self, view: View, row: MethodRow, steps: Sequence[Step]) -> None:
        """Show why, and the ladder `steps`."""
        self.set_title(row.label)
        self.set_detail(basis_text(row))
        self.set_entries(reason_entries(view, row, steps))

    def show_parts(self, view: View, row: MethodRow) -> None:
        """Show what the memory of `row` consists of."""
        self.set_title(f"{row.label}: what its memory consists of")
        self.set_detail(basis_text(row))
        self.set_entries(breakdown_entries(row, view.seat))

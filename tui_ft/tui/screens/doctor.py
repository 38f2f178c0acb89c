"""The doctor: what it found on this box, and how each of it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.doctor.finding import LEVELS, Finding, worst_first
from tui_ft.doctor.patience import aside
from tui_ft.tui.text import fit
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.page import Fact, Page
from tui_ft.tui.widgets.row_list import Cell, RowList

if TYPE_CHECKING:
    from tui_ft.doctor.examine import Told
    from tui_ft.tui.app import TuiFtApp

SIGNS = {"error": ("✗", "bad"), "warning": ("!", "warn"), "note": ("·", "muted"), "ok": ("✓", "good")}
"""How bad a finding is: its mark, and its look; the word stands beside it."""
_LEVEL, _THEME = 10, 10
_NARROW = 70
"""Below so many columns the theme is left out."""


class FindingList(RowList["Told"]):
    """A line a finding, the worst first."""

    def __init__(self) -> None:
        super().__init__()
        self.title = "Doctor"
        self.is_busy = True

    def key_of(self, row: Told) -> str:
        return f"{row[1].code} {row[1].what}"

    def empty_lines(self) -> list[str]:
        return [] if self.is_busy else ["Nothing stands against a run here."]

    def heading_cells(self, width: int) -> list[Cell]:
        cells: list[Cell] = [(f" {self.title} ", "focused-title" if self.has_focus else "title")]
        for level in reversed(LEVELS):
            count = sum(finding.level == level for _, finding in self.rows)
            if count:
                sign, kind = SIGNS[level]
                word = level if count == 1 or level == "ok" else f"{level}s"
                cells.append((f" {sign} {count} {word} ", kind))
        return [*cells, ("  checking …", "")] if self.is_busy else cells

    def row_cells(self, row: Told, width: int) -> list[Cell]:
        theme, finding = row
        sign, kind = SIGNS[finding.level]
        themes = _THEME if width >= _NARROW else 0
        return [
            (fit(f"{sign} {finding.level}", _LEVEL), kind),
            (fit(theme, themes), "muted"),
            (fit(finding.what, max(width - _LEVEL - themes, 0)), ""),
        ]


class DoctorScreen(Screen[None], inherit_bindings=False):
    """The findings as a list, the chosen one in full under it. Nothing on the box is changed from here."""

    CSS_PATH = "doctor.tcss"
    AUTO_FOCUS = "FindingList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "all", "All", id="doctor.all", tooltip="Show what is fine, too; again only what is not"),
        Binding("c", "copy", "Copy the fix", id="doctor.copy",
                tooltip="Copy the fix to the terminal's clipboard"),
        Binding("r", "again", "Check again", id="doctor.again",
                tooltip="Make all checks anew, for instance after a fix"),
        Binding("tab", "app.focus_next", "Scroll", id="doctor.focus", show=False,
                tooltip="Go between the list and the text about the chosen finding"),
        Binding("question_mark,f1", "help", "Help", id="doctor.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="doctor.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._told: Sequence[Told] = ()
        self._with_all = False

    @property
    def owner(self) -> TuiFtApp:
        return cast("TuiFtApp", self.app)

    @property
    def findings(self) -> FindingList:
        return self.query_one(FindingList)

    def compose(self) -> ComposeResult:
        yield FindingList()
        yield Page("What was found", name_width=6)
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._look()

    # --- the checks ------------------------------------------------------------------------------

    @work(group="doctor", exclusive=True)
    async def _look(self) -> None:
        """The quick checks are shown at once, those of the trainer when its interpreter has answered.

        Neither is waited for when the screen, or the app, is left.
        """
        self.findings.is_busy = True
        from tui_ft.tui import doctor_look

        box = doctor_look.box_of(self.owner)
        quick = await aside(lambda: doctor_look.quick(box))
        self._take(quick)
        slow = await aside(lambda: doctor_look.slow(box))
        self.findings.is_busy = False
        self._take([*quick, *slow])

    def _take(self, told: Sequence[Told]) -> None:
        if self.is_attached:
            self._told = told
            self._show()

    def _show(self) -> None:
        order = worst_first(finding for _, finding in self._told)
        themes = {id(finding): theme for theme, finding in self._told}
        rows = [(themes[id(finding)], finding) for finding in order]
        shown = [row for row in rows if self._with_all or row[1].level != "ok"]
        self.findings.styles.height = max(len(shown) + 1, 3)  # what it does not need is the text's
        self.findings.set_rows(shown)
        if not self.findings.was_moved:  # what comes later may be worse
            self.findings.begin()
        self.findings.refresh()
        self._explain()

    # --- the chosen one --------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _explain(self) -> None:
        chosen = self._chosen()
        page = self.query_one(Page)
        page.set_facts([] if chosen is None else list(facts_of(chosen)))
        page.action_begin()
        self.query_one(Notice).say("")

    def _chosen(self) -> Finding | None:
        row = self.findings.chosen
        return row[1] if row is not None else None

    def action_all(self) -> None:
        self._with_all = not self._with_all
        self._show()

    def action_copy(self) -> None:
        chosen = self._chosen()
        if chosen is None or not chosen.fix:
            self.query_one(Notice).say("There is nothing to mend here.")
            return
        self.owner.copy_to_clipboard(chosen.fix)
        self.query_one(Notice).say("Copied, where the terminal allows it (OSC 52).")

    def action_again(self) -> None:
        from tui_ft.doctor import corner

        corner.forget()
        self._look()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.dismiss()


def facts_of(finding: Finding) -> list[Fact]:
    """A finding in full: what it is, and what to do."""
    sign, _ = SIGNS[finding.level]
    looks = {"error": "bad", "warning": "warn", "ok": "good"}
    facts = [Fact(sign, finding.level, looks.get(finding.level, "muted")), Fact("what", finding.what)]
    if finding.fix and finding.is_command:
        facts += [Fact("fix", finding.fix, "code", is_whole=True)]
    elif finding.fix:
        facts += [Fact("fix", finding.fix)]
    return facts

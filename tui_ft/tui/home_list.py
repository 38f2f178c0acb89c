"""The part of the home screen that arranges its runs: filter, order, groups, marks, labels, the archive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.screen import Screen

from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.home_doors import run_directory
from tui_ft.tui.home_words import view_words
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.run_list import RunList, is_foreign

if TYPE_CHECKING:
    from tui_ft.runs.arranging import Arrangement
    from tui_ft.runs.listing import RunSummary
    from tui_ft.watch.found import FoundRun


class HomeList(Screen[None], inherit_bindings=False):
    """What the keys of the list of runs do. Everything is seen at once; what is written goes by a worker."""

    @property
    def actions(self) -> HomeActions:
        """The rooms below."""
        raise NotImplementedError

    @property
    def runs(self) -> RunList:
        return self.query_one(RunList)

    @property
    def filter_line(self) -> FilterLine:
        return self.query_one(FilterLine)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    def read_runs_now(self) -> None:
        """Have the runs read again, because something was changed."""
        raise NotImplementedError

    def show_detail(self) -> None:
        """Say more of the chosen row in the line under the lists."""
        raise NotImplementedError

    # --- how the list is shown -----------------------------------------------------------------------

    def action_filter(self) -> None:
        self.notice.say("")
        self.filter_line.begin()

    @on(FilterLine.Typed)
    def _filter_as_typed(self, event: FilterLine.Typed) -> None:
        self._arrange(filter=event.text)

    @on(FilterLine.Moved)
    def _move_in_list(self, event: FilterLine.Moved) -> None:
        self.runs.action_move(event.by)

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self.runs.focus()

    def action_order(self) -> None:
        from tui_ft.runs.arranging import ORDERS

        orders = list(ORDERS)
        self._arrange(order=orders[(orders.index(self.wanted.order) + 1) % len(orders)])

    def action_group(self) -> None:
        from tui_ft.runs.arranging import GROUPINGS

        place = GROUPINGS.index(self.wanted.grouping) + 1
        self._arrange(grouping=GROUPINGS[place % len(GROUPINGS)])

    def action_show_archived(self) -> None:
        self._arrange(with_archived=not self.wanted.with_archived)

    def action_clear_list(self) -> None:
        """Take filter and marks away: first what hides runs, then the marks."""
        if self.wanted.filter:
            self.filter_line.drop()
            self._arrange(filter="")
        else:
            self.runs.unmark_all()
            self.show_view_words()
        self.notice.say("")

    @property
    def wanted(self) -> Arrangement:
        """How the list is shown now."""
        from tui_ft.runs.arranging import Arrangement

        return self.runs.wanted or Arrangement()

    def _arrange(self, **changes: Any) -> None:
        from msgspec.structs import replace

        self.notice.say("")
        self.runs.show_as(replace(self.wanted, **changes))
        self.show_view_words()
        self.show_detail()  # now, and not when the list's message comes: one frame, not two

    def show_view_words(self) -> None:
        """Say how the list is shown, where it is not the ordinary way."""
        self.filter_line.show_words(view_words(self.runs, self.wanted))

    # --- marks and labels ----------------------------------------------------------------------------

    def action_mark(self) -> None:
        run = self.runs.chosen_run if self.runs.has_focus else None
        if run is None:
            self.notice.complain("No run is chosen to mark.")
            return
        self.runs.mark(run)
        self.runs.action_move(1)
        self.show_view_words()

    def marked_runs(self) -> list[RunSummary]:
        """The runs that the user marked, in that order; those that are filtered away too."""
        return self.runs.marked_runs()

    def compared_runs(self) -> list[FoundRun]:
        """The marked runs, ours and others', and to a single one the chosen."""
        runs, chosen = self.runs.marked_runs(), self.runs.chosen_run
        if len(runs) == 1 and chosen is not None and chosen.id != runs[0].id:
            runs.append(chosen)
        found = (found_of(run) for run in runs)
        return [run for run in found if run is not None]

    def _meant(self, verb: str) -> list[RunSummary]:
        """The marked runs, else the chosen one; where there is neither, say so."""
        marked = self.runs.marked_runs()
        chosen = self.runs.chosen_run if self.runs.has_focus else None
        if not marked and chosen is None:
            self.notice.complain(f"No run is chosen to {verb}. Press Tab for the runs.")
        meant = marked or ([chosen] if chosen else [])
        nameless = next((run for run in meant if is_foreign(run) and found_of(run) is None), None)
        if nameless is not None:
            self.notice.complain(f"{plain(nameless.id)} writes nothing yet that a label could be put on.")
            return []
        return meant

    def action_archive(self) -> None:
        """Archive the runs that are meant; when all of them are archived, take them out again."""
        from tui_ft.runs.arranging import LIVE

        meant = self._meant("archive")
        if not meant:
            return
        archived = not all(run.archived for run in meant)
        living = next((run for run in meant if archived and run.status in LIVE), None)
        if living is not None:
            self.notice.complain(f"{plain(living.id)} is {living.status}: only what has ended is archived.")
            return
        said = "are in the archive: A shows it." if archived else "are out of the archive."
        self._write(meant, said, archived=archived)

    def action_tags(self) -> None:
        from tui_ft.runs.labels import parse_tags

        meant = self._meant("tag")
        if not meant:
            return
        common = [tag for tag in meant[0].tags if all(tag in run.tags for run in meant)]

        async def carry_out(answer: str) -> None:
            tags = parse_tags(answer)
            for made, runs in _with_tags(meant, common, tags).items():
                await self._label(runs, tags=made)

        label = "Tags, with blanks between them"
        if len(meant) > 1:
            label = "Tags that all of them have, with blanks between them; their other tags stay"
        self._ask(meant, "Tags", label, " ".join(common), carry_out)

    def action_note(self) -> None:
        from tui_ft.runs.labels import parse_note

        meant = self._meant("write a note on")
        if not meant:
            return
        notes = {run.note for run in meant}

        async def carry_out(answer: str) -> None:
            await self._label(meant, note=parse_note(answer))

        label, known = "Note, in one line", meant[0].note
        if len(notes) > 1:
            written = sum(bool(run.note) for run in meant)
            label, known = f"{label}; it replaces the notes of {written}", ""
        self._ask(meant, "Note", label, known, carry_out)

    def _ask(
        self, meant: Sequence[RunSummary], field: str, label: str, known: str,
        carry_out: Callable[[str], Awaitable[None]],
    ) -> None:  # fmt: skip
        from tui_ft.tui.screens.ask_text import AskText

        def answered(is_done: bool | None) -> None:
            if is_done:
                self.runs.unmark_all()
                self.show_view_words()
                self.read_runs_now()

        self.app.push_screen(AskText(f"{label}: {_named(meant)}", field, known, carry_out), answered)

    @work(group="label")
    async def _write(self, meant: Sequence[RunSummary], said: str, **changes: Any) -> None:
        try:
            await self._label(meant, **changes)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        said = said if len(meant) > 1 else said.replace("are ", "is ", 1)
        self.notice.say(f"{_named(meant)} {said}")
        self.runs.unmark_all()
        self.show_view_words()
        self.read_runs_now()

    async def _label(self, meant: Sequence[RunSummary], **changes: Any) -> None:
        await asyncio.to_thread(self.actions.label, [run.id for run in meant], **changes)


def found_of(run: RunSummary) -> FoundRun | None:
    """A line of the list as a run to be opened; None for a process that writes nothing known."""
    from tui_ft.watch.found import found_ours

    if is_foreign(run):
        found: FoundRun | None = run.found  # type: ignore[attr-defined]
        return found
    return found_ours(run_directory(run.path))


def _with_tags(
    runs: Sequence[RunSummary], before: Sequence[str], after: Sequence[str]
) -> dict[tuple[str, ...], list[RunSummary]]:
    """The runs by their new tags: what was `before` and is no more is taken away, what is new is added."""
    gone = set(before) - set(after)
    made: dict[tuple[str, ...], list[RunSummary]] = {}
    for run in runs:
        kept = [tag for tag in run.tags if tag not in gone]
        made.setdefault(tuple(dict.fromkeys([*kept, *after])), []).append(run)
    return made


def _named(runs: Sequence[RunSummary]) -> str:
    return plain(runs[0].id) if len(runs) == 1 else f"{len(runs)} runs"

"""The keys of the home screen, and which of them its last line has room for."""

from __future__ import annotations

from textual.binding import Binding, BindingType

HOME_KEYS: list[BindingType] = [
    Binding("t", "tour", "Tour", id="home.tour",
            tooltip="The practice tour: from a company's documents to a report, offline, in three minutes"),
    Binding("n", "new", "New", id="home.new",
            tooltip="A new run, step by step; in the presets: begin with the chosen one"),
    Binding("1", "start_key('1')", "Start", id="home.start", key_display="1-9",
            tooltip="Start the preset with that key at once"),
    *(Binding(key, f"start_key('{key}')", f"Start preset {key}", id=f"home.start{key}", show=False,
              tooltip="Start the preset with that key at once") for key in "23456789"),
    Binding("enter", "open", "Open", id="home.open", key_display="Enter",
            tooltip="Open the chosen run; in the presets: start the chosen one"),
    Binding("m", "method", "Method", id="home.method",
            tooltip="Compare the methods for the chosen preset, or the spec of the chosen run"),
    Binding("e", "edit", "Edit", id="home.edit",
            tooltip="Open the chosen preset, or the spec of the chosen run, in $EDITOR; then start it"),
    Binding("r", "restart", "Restart", id="home.restart",
            tooltip="Start a new run from the spec of the chosen run"),
    Binding("s", "stop", "Stop", id="home.stop", tooltip="Let the chosen run save a checkpoint and stop"),
    Binding("w", "save_preset", "Save", id="home.save",
            tooltip="Save the settings of the chosen run as a preset"),
    Binding("p", "presets", "Presets", id="home.presets",
            tooltip="All presets: rename, delete, compare, give them keys"),
    Binding("b", "behind", "Queue it", id="home.behind", show=False,
            tooltip="Put the chosen preset, or the spec of the chosen run, into the queue behind what runs"),
    Binding("Q", "queue", "Queue", id="home.queue",
            tooltip="What waits for its turn: order it, hold it, take it out"),
    Binding("D", "doctor", "Doctor", id="home.doctor",
            tooltip="What of this box would cost you a run, each with its fix"),
    Binding("u", "since", "Since", id="home.since", show=False,
            tooltip="Hide what happened since you looked last, or show it again"),
    Binding("slash", "filter", "Filter", id="home.filter",
            tooltip="Show only runs with these words: id, name, model, method, status, #tag, note"),
    Binding("o", "order", "Order", id="home.order", show=False,
            tooltip="Sort the runs in another order: live first, newest, name, loss, status, model, written"),
    Binding("g", "group", "Group", id="home.group", show=False,
            tooltip="Group the runs by model, method, status, tag or day; Enter folds a group"),
    Binding("space", "mark", "Mark", id="home.mark", show=False,
            tooltip="Mark the chosen run, or take its mark away; c, #, i and a then mean all marked ones"),
    Binding("c", "compare", "Compare", id="home.compare", show=False,
            tooltip="Lay the marked runs over each other; of one marked run: over the chosen one"),
    Binding("number_sign", "tags", "Tags", id="home.tags", show=False, tooltip="Give the run tags"),
    Binding("i", "note", "Note", id="home.note", show=False, tooltip="Write a note on the run"),
    Binding("a", "archive", "Archive", id="home.archive", show=False,
            tooltip="Put a run that has ended away, or take it out of the archive"),
    Binding("A", "show_archived", "Archived", id="home.archived", show=False,
            tooltip="Show the archived runs too, or hide them"),
    Binding("escape", "clear_list", "Show all", id="home.clear", show=False,
            tooltip="Take the filter away, then the marks"),
    Binding("tab", "other_list", "Lists", id="home.lists", key_display="Tab",
            tooltip="Go between the runs and the presets"),
    Binding("question_mark", "help", "Help", id="home.help", tooltip="Every key and what it does"),
    Binding("q", "quit", "Quit", id="home.quit", tooltip="Leave tui-ft; runs go on"),
]  # fmt: skip

WIDE = 110
"""From this width on most of them stand on one line."""
WIDEST = 126
"""From this width on all of them."""

_OF_RUNS = frozenset({"restart", "stop", "save_preset", "filter"})
_OF_EITHER = frozenset({"method", "edit"})
_OF_OURS = frozenset({"restart", "stop", "save_preset", "method", "edit"})
"""What a run is asked that tui-ft started; another's can only be watched."""


def has_room(
    action: str, width: int, *, has_runs: bool, in_presets: bool, is_foreign: bool = False,
    is_live: bool = False,
) -> bool:  # fmt: skip
    """Whether the last line shows the key of `action`; those that it leaves out work all the same.

    Without runs the tour stands there; on a narrow screen only what belongs to the list in use, and of a run
    what is done next: a live one is stopped, one that is over begun anew.
    """
    if is_foreign and action in _OF_OURS:
        return False
    if action == "tour":
        return not has_runs and (width >= WIDE or not in_presets)
    if action in _OF_RUNS:
        return has_runs and (
            _wide_enough(action, width) or (not in_presets and _is_next(action, is_foreign, is_live))
        )
    if action == "presets":  # Tab leads to them
        return width >= (WIDEST if has_runs else WIDE)
    if action in _OF_EITHER:
        return width >= WIDE or (in_presets and action == "edit")
    return True


def _wide_enough(action: str, width: int) -> bool:
    return width >= (WIDEST if action == "save_preset" else WIDE)


def _is_next(action: str, is_foreign: bool, is_live: bool) -> bool:
    return action == ("filter" if is_foreign else "stop" if is_live else "restart")

"""The keys of the run screen: those that steer a run of ours, and those that look at any run."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui_ft.tui.log_keys import LOG_KEYS
from tui_ft.tui.panel_keys import PANEL_KEYS

STEERING_KEYS: list[BindingType] = [
    Binding("s", "stop", "Stop", id="run.stop", tooltip="Save a checkpoint and stop the run"),
    Binding("S", "save", "Save", id="run.save", tooltip="Save a checkpoint now and go on"),
    Binding("p", "pause", "Pause", id="run.pause",
            tooltip="Hold the run at the next step; it keeps its memory"),
    Binding("p", "go_on", "Continue", id="run.continue", tooltip="Go on with a paused run"),
    Binding("X", "kill", "Kill", id="run.kill", show=False,
            tooltip="End the run at once, without a checkpoint"),
    Binding("R", "resume", "Resume", id="run.resume",
            tooltip="Go on with the ended run from its newest whole checkpoint"),
    Binding("r", "restart", "Restart", id="run.restart",
            tooltip="Start a new run from the spec of this one"),
    Binding("h", "health", "Health", id="run.health", show=False,
            tooltip="What is not well, since when, and what to change; how a run that is over ended"),
    Binding("F", "fix", "Fix", id="run.fix", show=False,
            tooltip="What the offered fix would change, as a diff; Enter there carries it out"),
    Binding("z", "silence", "Silence", id="run.silence", show=False,
            tooltip="Hear no more of the shown finding in this run"),
    Binding("u", "since", "Since", id="run.since", show=False,
            tooltip="Show again what happened since you looked last"),
    Binding("dollar_sign", "money", "Money", id="run.money", show=False, key_display="$",
            tooltip="What the run has cost, what it will, its budget, and what an idle box costs"),
    Binding("d", "prune", "Make room", id="run.prune", show=False,
            tooltip="What can be removed from the disk, with sizes; nothing goes without a question"),
    Binding("w", "save_preset", "Preset", id="run.preset", show=False,
            tooltip="Keep the settings of this run, whoever started it, as a preset with a name and a key"),
]  # fmt: skip

RUN_KEYS: list[BindingType] = [
    *LOG_KEYS,
    Binding("t", "table", "Table", id="run.table",
            tooltip="Everything that the run logged as a table, and the settings that are known of it"),
    *PANEL_KEYS,
    Binding("C", "compare", "Compare", id="run.compare", show=False,
            tooltip="Lay another run over this one, with what differs in their settings"),
    Binding("E", "export", "Export", id="run.export", show=False,
            tooltip="Write what is seen as SVG or PNG, or all data as CSV"),
    Binding("O", "others", "Others", id="run.others", show=False,
            tooltip="Other sources and other runs at the same place"),
    Binding("tab", "app.focus_next", "Scroll", id="run.focus", show=False,
            tooltip="Go to the next text that scrolls"),
    Binding("escape", "home", "Home", id="run.home", show=False,
            tooltip="Go to the list of runs; this one goes on"),
    Binding("question_mark", "help", "Help", id="run.help", tooltip="Every key and what it does"),
    Binding("q", "back", "Back", id="run.back", tooltip="Leave this screen; the run goes on"),
]  # fmt: skip

MORE_KEYS = (
    "run.health", "run.money", "charts.cursor", "charts.in", "charts.axis", "charts.log", "charts.smooth",
    "run.search", "run.compare", "run.export", "run.others", "run.next", "run.previous", "run.follow",
    "charts.maximise", "run.preset",
    "run.kill",
)  # fmt: skip
"""Keys that stand on the last line where it has room, the most wanted first."""

"""What the run screen says and offers: header, alerts, titles, and which keys make sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui_ft.runs.records import ENDED
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.lines import Line, Piece, pack
from tui_ft.watch.eta import clock_label
from tui_ft.watch.reading import Reading, SourceName

if TYPE_CHECKING:
    from tui_ft.runs.money.bill import Bill

OVER: frozenset[str] = ENDED | {"lost"}
"""A run in one of these does nothing more unless it is resumed."""

_MOST_PIDS = 4
_SHORTEST_PATH = 12

_SIGNS = {
    "running": ("▶", "live"), "starting": ("▶", "live"), "paused": ("‖", "warn"),
    "stopping": ("■", "warn"), "finished": ("✓", "good"), "stopped": ("■", "warn"),
    "failed": ("✗", "bad"), "lost": ("✗", "bad"), "quiet": ("?", "warn"), "queued": ("·", "muted"),
}  # fmt: skip

SOURCE_NAMES: dict[SourceName, str] = {
    "tui_ft": "tui-ft", "hf_trainer_state": "HF Trainer", "tensorboard": "TensorBoard", "wandb": "W&B",
    "llamafactory": "LLaMA-Factory", "lightning_csv": "Lightning", "stdout": "log", "mlflow": "MLflow",
    "trackio": "trackio", "torchtune": "torchtune",
}  # fmt: skip
"""What a person calls a source."""

STEERING = frozenset({
    "stop", "kill", "save", "pause", "go_on", "resume", "restart", "fix", "silence", "money", "prune",
})  # fmt: skip
"""What is done to a run of ours only: another's is watched."""


def is_offered(action: str, reading: Reading, *, is_ours: bool = True) -> bool:
    """Say whether a key of the run screen makes sense for what is known of the run now."""
    if not is_ours and action in STEERING:
        return False
    if not is_ours and action == "save_preset":
        return bool(reading.settings)
    if action == "others":
        return bool(reading.others)
    status = reading.status
    is_over = status in OVER
    is_steerable = not is_over and status not in ("stopping", "queued")
    offered = {
        "stop": not is_over,
        "kill": not is_over,
        "save": is_steerable,
        "pause": is_steerable and status != "paused",
        "go_on": status == "paused",
        "resume": is_over and status != "finished",
    }
    return offered.get(action, True)


def header_line(reading: Reading, now: float, width: int, bill: Bill | None = None) -> Line:
    """Name, status, what is trained and how, money, attempt and start; what has no room is left out."""
    sign, kind = _SIGNS.get(reading.status, ("?", "warn"))
    pieces: list[Piece] = [
        (f" {plain(reading.title)}", "strong"),
        (f"{sign} {reading.status}", kind),
        (plain(" · ".join(part for part in (reading.method, reading.model) if part)), ""),
    ]
    if bill is not None and (money := money_text(bill)):
        pieces.append((money, ""))
    if reading.attempt > 1:
        pieces.append((f"attempt {reading.attempt}", "muted"))
    if reading.started_at is not None:
        pieces.append((f"started {clock_label(reading.started_at, now)}", "muted"))
    if reading.bad_records:
        pieces.append((f"{reading.bad_records} bad lines", "warn"))
    if not reading.is_complete or reading.is_approximate:
        pieces.append(("approximate, reading…" if reading.is_approximate else "reading…", "muted"))
    return pack([piece for piece in pieces if piece[0]], width)


def money_text(bill: Bill) -> str:
    """What was spent and what is still to be, where the user has said what an hour costs."""
    if bill.rate is None or bill.rate.basis != "settings" or bill.spent is None:
        return ""
    left = bill.to_finish
    return f"{bill.spent.text} spent" + (f", {left.text} to go" if left is not None and bill.left_s else "")


def origin_line(reading: Reading, width: int) -> Line:
    """Where another's run is read from, who writes it, and what else lies there; the path gives way first."""
    pieces: list[Piece] = [(f" {SOURCE_NAMES[reading.source]}", "strong")]
    if reading.pids:
        few = ", ".join(str(pid) for pid in reading.pids[:_MOST_PIDS])
        more = "…" if len(reading.pids) > _MOST_PIDS else ""
        pieces.append((f"pid {few}{more}" if len(reading.pids) == 1 else f"pids {few}{more}", ""))
    elif reading.status == "running":
        pieces.append(("no process known", "muted"))
    if reading.others:
        pieces.append((f"O: {len(reading.others)} more here", "live"))
    used = sum(cell_len(text) + 2 for text, _ in pieces)
    if (room := width - used - 1) >= _SHORTEST_PATH:
        pieces.append((_path_end(plain(reading.path), room), "muted"))
    return pack(pieces, width)


def _path_end(path: str, room: int) -> str:
    """The end of a path, which tells one run from the next, from a folder's name on where that fits."""
    if cell_len(path) <= room:
        return path
    end = path
    while cell_len(end) > room - 2 and "/" in end.strip("/"):
        end = end.strip("/").partition("/")[2]
    return f"…/{end}" if cell_len(end) <= room - 2 else fit(end, room)

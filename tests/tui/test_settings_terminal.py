"""The Settings step in a real terminal: what a key changes is painted, with or without a new number."""

from __future__ import annotations

import sys
from pathlib import Path

from terminal_session import DOWN, ENTER, TerminalSession

_APP = Path(__file__).resolve().parents[1] / "benchmark" / "settings_app.py"
_TREE = Path(__file__).resolve().parents[2]


def test_every_key_is_answered_on_the_screen(tmp_path: Path) -> None:
    environment = {name: str(tmp_path) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, str(_APP), str(tmp_path / "runs")]
    with TerminalSession(command, environment={**environment, "PYTHONPATH": str(_TREE)}) as session:
        session.run_until_text("180 steps of 16 rows")
        session.run_until_quiet(1.0)
        for key in (DOWN, "3", "6", ENTER, "a", "a", "u"):
            assert session.time_key(key) is not None, f"{key!r} was not answered"
        assert "2,160 steps of 16 rows" in session.text

"""The user's settings, written by a test into a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


def write_settings(tmp_path: Path, patch: pytest.MonkeyPatch, text: str = "", mode: int = 0o600) -> Path:
    """Make settings.toml the user's; what is written to the path later counts as well."""
    patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "config" / "tui-ft" / "settings.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text)
    return path

"""What is started beside a run chooses its GPUs for itself, within what the user's shell allowed."""

from __future__ import annotations

import pytest

from tui_ft.runs.launching import _environment
from tui_ft.runs.own_environment import own_environment


@pytest.mark.parametrize("allowed", [None, "0,1"])
def test_a_process_beside_a_run_has_the_gpus_of_the_users_shell(
    allowed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TUI_FT_CUDA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "TUI_FT_RUN", "TUI_FT_ATTEMPT"):
        monkeypatch.delenv(name, raising=False)
    if allowed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert own_environment().get("CUDA_VISIBLE_DEVICES") == allowed, "outside a run it is the shell's own"
    for name, value in {**_environment(1, ["GPU-b"]), "TUI_FT_RUN": "/r"}.items():
        monkeypatch.setenv(name, value)
    inside = own_environment()
    assert inside.get("CUDA_VISIBLE_DEVICES") == allowed
    assert not {
        name
        for name in inside
        if name.startswith("TUI_FT_") and name.split("_")[2] in ("RUN", "ATTEMPT", "CUDA")
    }

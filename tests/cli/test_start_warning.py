"""`tui-ft start` of what does not fit: said before anything starts, with what would fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from method_world import device

from tui_ft.cli.start import warn_if_too_large
from tui_ft.hardware import gpu
from tui_ft.hardware.gpu import read_gpus
from tui_ft.runs.readiness import readiness
from tui_ft.spec import overrides
from tui_ft.spec.presets import find_preset


def test_it_names_settings_that_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading = read_gpus(FakeNvml(device(0, "GeForce RTX 4090", 23.99, 23.2)))
    monkeypatch.setattr(gpu, "read_gpus", lambda: reading)
    spec = find_preset("lora-8b-80gb", Path("/nowhere")).spec
    warn_if_too_large(spec)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "does not fit" in captured.err
    changes = [word for word in captured.err.split() if "=" in word]
    assert readiness(overrides.apply(spec, changes), reading).verdict == "fits"


def test_what_fits_or_has_no_gpu_is_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = find_preset("lora-8b-80gb", Path("/nowhere")).spec
    for nvml in (FakeNvml(device(0, "H100", 79.6, 79.0)), FakeNvml(init_error=12)):
        reading = read_gpus(nvml)
        monkeypatch.setattr(gpu, "read_gpus", lambda reading=reading: reading)
        warn_if_too_large(spec)
    assert capsys.readouterr().err == ""

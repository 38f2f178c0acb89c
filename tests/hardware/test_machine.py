"""What kind of machine it is, from files under a root."""

from __future__ import annotations

from pathlib import Path

from tui_ft.hardware.machine import this_machine


def test_a_machine_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nPRETTY_NAME="Debian 12"\n')
    (tmp_path / "proc/cpuinfo").write_text("processor : 0\nmodel name : AMD EPYC\x1b[31m 7763\n")
    (tmp_path / "run/.containerenv").write_text('image="ghcr.io/x/torch:2.6"\n')
    found = this_machine(tmp_path, {})
    assert (found.system, found.container, found.image) == ("Debian 12", "podman", "ghcr.io/x/torch:2.6")
    assert found.processor == "AMD EPYC[31m 7763"
    assert found.cores and found.memory_bytes


def test_an_image_by_its_variable_and_no_address_with_a_password(tmp_path: Path) -> None:
    assert this_machine(tmp_path, {"CONTAINER_IMAGE": "runpod/pytorch:2.8"}).image == "runpod/pytorch:2.8"
    assert this_machine(tmp_path, {"IMAGE_NAME": "https://u:p w@registry/x"}).image is None
    nvidia = this_machine(tmp_path, {"NVIDIA_PYTORCH_VERSION": "25.01"}).image
    assert nvidia == "NVIDIA_PYTORCH_VERSION=25.01"
    assert this_machine(tmp_path / "gone", {}).system is None

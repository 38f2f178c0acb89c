"""What kind of machine it is: processor, memory, system, the container around us. No names, no addresses."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tui_ft.hardware import host

IMAGE_VARIABLES = ("CONTAINER_IMAGE", "IMAGE_NAME", "DOCKER_IMAGE", "RUNPOD_DOCKER_IMAGE", "VAST_IMAGE")
"""Where rented containers say what image they were made of, if they do."""
_BUILDS = ("NVIDIA_PYTORCH_VERSION", "NVIDIA_BUILD_ID")
_IMAGE = re.compile(r"[\w./:@-]{1,200}")
"""A name of an image; an address with a password in it is none."""
_MOST_BYTES = 1 << 20


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """Bytes and counts; None is not known. `cores` are those that may be used, by quota and affinity."""

    system: str | None = None
    kernel: str = ""
    processor: str | None = None
    cores: float | None = None
    memory_bytes: int | None = None
    container: str | None = None
    image: str | None = None


def this_machine(root: Path = Path("/"), environment: Mapping[str, str] | None = None) -> Machine:
    """The machine that we are on. `root` stands before the files that it is read from. Never raises."""
    environment = os.environ if environment is None else environment
    return Machine(
        system=_fields(root / "etc/os-release", "=").get("PRETTY_NAME", "").strip('"') or None,
        kernel=platform.release(),
        processor=_processor(root),
        cores=host.processors(),
        memory_bytes=host.memory().limit_bytes,
        container=_container(root),
        image=_image(root, environment),
    )


def _processor(root: Path) -> str | None:
    fields = _fields(root / "proc/cpuinfo", ":")
    return fields.get("model name") or fields.get("Model") or platform.machine() or None


def _container(root: Path) -> str | None:
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    return "kubernetes" if (root / "var/run/secrets/kubernetes.io").exists() else None


def _image(root: Path, environment: Mapping[str, str]) -> str | None:
    named = [environment.get(name, "") for name in IMAGE_VARIABLES]
    named.append(_fields(root / "run/.containerenv", "=").get("image", "").strip('"'))
    build = " ".join(f"{name}={environment[name]}" for name in _BUILDS if environment.get(name))
    image = next((name for name in named if _IMAGE.fullmatch(name)), None)
    return image or (build if len(build) < 100 and build.isprintable() else None) or None


def _fields(path: Path, separator: str) -> dict[str, str]:
    """The lines of a file as names and values, the first of each name; empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        name, between, value = line.partition(separator)
        if between:
            found.setdefault(name.strip(), "".join(c for c in value.strip()[:200] if c.isprintable()))
    return found

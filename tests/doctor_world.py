"""A box made of files under a folder, for the tests of the doctor: sound until a test spoils it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui_ft.doctor.asking import Room
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding
from tui_ft.doctor.gpu_facts import GpuFacts
from tui_ft.doctor.trainer_report import TorchFacts, TrainerReport
from tui_ft.hardware.gpu import GpuReading
from tui_ft.hardware.host import Memory

GIB = 1 << 30
NOW = 1_795_262_400.0
ROOMY = Room(500 * GIB, 1000 * GIB, 900_000, 1_000_000)
DISK = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw"
OVERLAY = "27 1 0:99 / / rw,relatime - overlay overlay rw,lowerdir=/a,upperdir=/b"
WORKSPACE = "40 27 0:50 / /workspace rw,relatime - ext4 /dev/vdb rw"
SHM = "30 27 0:27 / /dev/shm rw,relatime - tmpfs shm rw,size=16777216k"
TOKEN = "hf_TOPSECRETtopsecretTOPSECRET"

GOOD_TRAINER = TrainerReport(
    python="3.11.7",
    executable="/opt/py/bin/python",
    versions={
        "torch": "2.13.0+cu126", "transformers": "5.23.0", "trl": "1.16.0", "peft": "0.21.2",
        "accelerate": "1.15.0", "datasets": "5.2.0", "safetensors": "0.8.0", "tokenizers": "0.23.3",
        "msgspec": "0.22.0", "bitsandbytes": "0.50.2",
    },
    quantizer_libraries=["libbitsandbytes_cuda126.so"],
    torch=TorchFacts(version="2.13.0+cu126", cuda="12.6", devices=1, is_available=True,
                     architectures=["sm_80", "sm_90", "compute_90"]),
)  # fmt: skip


def a_box(
    root: Path,
    *,
    mounts: tuple[str, ...] = (DISK, SHM),
    files: Mapping[str, str | bytes] | None = None,
    rooms: Mapping[str, Room] | None = None,
    environment: Mapping[str, str] | None = None,
    gpus: GpuReading | None = None,
    facts: GpuFacts | None = None,
    **changes: Any,
) -> Box:
    """A box whose system lies under `root`; `rooms` is the room by path, the longest that fits counts."""
    write(root, {"/proc/self/mountinfo": "\n".join(mounts), **(files or {})})
    for folder in ("tmp", "workspace", "dev/shm", "home/me", "run/nothing", "runs"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    known = dict(rooms or {})

    def room(path: Path) -> Room:
        fitting = [
            name for name in known if str(path) == name or str(path).startswith(name.rstrip("/") + "/")
        ]
        return known[max(fitting, key=len)] if fitting else ROOMY

    given: dict[str, Any] = {
        "root": root,
        "environment": {
            "HOME": "/home/me",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **(environment or {}),
        },
        "given_runs_root": Path("/runs"),
        "clock": lambda: NOW,
        "ask_room": room,
        "ask_memory": lambda: Memory(4 * GIB, 64 * GIB, True),
        "ask_processors": lambda: 8.0,
        "ask_limits": lambda: (65536, 65536),
        "ask_locked_memory": lambda: -1,
        "ask_gpus": lambda: gpus or GpuReading((), "No NVIDIA driver is installed here."),
        "ask_gpu_facts": lambda: facts or GpuFacts(),
        "terminal_size": (120, 40),
    }
    return Box(**(given | changes))


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files under `root` by their absolute names."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def only(findings: list[Finding]) -> Finding:
    """The one finding there is."""
    assert len(findings) == 1, findings
    return findings[0]
